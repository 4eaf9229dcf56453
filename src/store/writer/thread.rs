//! The writer's thread: takes jobs from the queue, commits them in batches, and keeps the WAL small.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;
use uuid::ContextV7;

use crate::clock::Clock;
use crate::domain::hash_chain::{ChainPosition, HEAD_LOG_TARGET};
use crate::store::audit::query;
use crate::store::db::wal_checkpoint;
use crate::store::error::StoreError;
use crate::store::health::WriterHealth;
use crate::store::tx::WriteTx;
use crate::store::writer::batch::{self, CompletedBatch};
use crate::store::writer::job::{QueueMessage, QueuedJob, WriteJob};

/// The most jobs in one transaction.
const MAX_BATCH: usize = 512;
/// The rows that a transaction counts for at least, when the size of the WAL is estimated.
const MIN_BATCH_ROWS: usize = 64;
/// The size of the WAL is looked at after this many rows.
const WAL_CHECK_ROWS: usize = 512;
/// The WAL is truncated after this long without a job.
const TRUNCATE_DELAY: Duration = Duration::from_secs(1);
/// After this long without a commit, a probe shows whether one can still be made.
const PROBE_INTERVAL: Duration = Duration::from_secs(30);
/// Probes while commits fail.
const PROBE_RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The head of the chain is logged each time that this many rows were added …
const HEAD_LOG_ROWS: i64 = 1000;
/// … and after this long, if it moved.
const HEAD_LOG_INTERVAL: Duration = Duration::from_secs(3600);
/// The shortest wait for jobs, so that what is due but cannot be done is not tried in a loop.
const MIN_WAIT: Duration = Duration::from_millis(10);

/// What a server's writer has and a command's has not.
pub(crate) struct ServerHooks {
    pub(crate) health: Arc<WriterHealth>,
    /// Receives the results of each commit.
    pub(crate) deliver: Box<dyn Fn(CompletedBatch) + Send>,
}

/// The state of the writer's thread.
pub(crate) struct WriterLoop {
    conn: Connection,
    clock: Clock,
    health: Arc<WriterHealth>,
    deliver: Box<dyn Fn(CompletedBatch) + Send>,
    ids: ContextV7,
    is_server: bool,
    /// When the last transaction ended.
    last_commit_at: Instant,
    /// When to truncate the WAL, unless it is empty.
    truncate_wal_at: Option<Instant>,
    /// Rows since the size of the WAL was looked at.
    unchecked_rows: usize,
    head: ChainPosition,
    logged_head: ChainPosition,
    logged_at: Instant,
}

impl WriterLoop {
    pub(crate) fn new(conn: Connection, clock: Clock, server: Option<ServerHooks>) -> Self {
        let head = query::head(&conn).unwrap_or(ChainPosition::START);
        let now = Instant::now();
        let is_server = server.is_some();
        let ServerHooks { health, deliver } = server.unwrap_or_else(|| ServerHooks {
            health: Arc::default(),
            deliver: Box::new(CompletedBatch::notify),
        });
        Self {
            conn,
            clock,
            health,
            deliver,
            ids: ContextV7::new(),
            is_server,
            last_commit_at: now,
            truncate_wal_at: is_server.then(|| now + TRUNCATE_DELAY),
            unchecked_rows: 0,
            head,
            logged_head: head,
            logged_at: now,
        }
    }

    /// Runs until the writer is closed and the queue is empty.
    pub(crate) fn run(mut self, queue: &Receiver<QueueMessage>, closing: &AtomicBool) {
        let mut jobs = Vec::with_capacity(MAX_BATCH);
        loop {
            let first = if closing.load(Ordering::SeqCst) {
                // A job that is queued after this look is dropped with the queue, and its sender
                // gets `Closed`.
                queue.try_recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                queue.recv_timeout(self.next_wakeup())
            };
            match first {
                Ok(first) => {
                    let queued = std::iter::once(first).chain(queue.try_iter());
                    let queued = queued.filter_map(|message| match message {
                        QueueMessage::Job(job) => Some(job),
                        QueueMessage::Wake => None,
                    });
                    jobs.extend(queued.take(MAX_BATCH));
                    if !jobs.is_empty() {
                        self.commit(&mut jobs);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.on_idle(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // A command leaves the WAL to the server, or to SQLite if there is none.
        if self.is_server {
            wal_checkpoint::try_truncate(&self.conn);
        }
        self.log_head();
    }

    /// How long to wait for jobs until something else is due.
    fn next_wakeup(&self) -> Duration {
        let probe_at = self.last_commit_at + self.probe_interval();
        let due = self.truncate_wal_at.map_or(probe_at, |truncate_at| truncate_at.min(probe_at));
        due.saturating_duration_since(Instant::now()).max(MIN_WAIT)
    }

    fn probe_interval(&self) -> Duration {
        if self.health.is_failing() { PROBE_RETRY_INTERVAL } else { PROBE_INTERVAL }
    }

    fn on_idle(&mut self) {
        if self.last_commit_at.elapsed() >= self.probe_interval() {
            self.probe();
        } else if self.truncate_wal_at.is_some_and(|at| at <= Instant::now()) {
            // While others read it is tried again, which does not put off the probe.
            let retry_at = Instant::now() + TRUNCATE_DELAY;
            self.truncate_wal_at = (!wal_checkpoint::try_truncate(&self.conn)).then_some(retry_at);
        }
        if self.logged_at.elapsed() >= HEAD_LOG_INTERVAL {
            self.log_head();
        }
    }

    /// Makes a small real commit: nothing less shows that leads can be stored.
    fn probe(&mut self) {
        if self.health.is_failing() {
            // On a full disk, the room that the WAL takes may be what is missing.
            wal_checkpoint::try_truncate(&self.conn);
        }
        let job = QueuedJob::new(|tx: &mut WriteTx<'_>| tx.write_probe(), oneshot::channel().0);
        self.commit(&mut vec![Box::new(job)]);
    }

    fn commit(&mut self, jobs: &mut Vec<Box<dyn WriteJob>>) {
        self.health.begin();
        let committed = batch::commit(&self.conn, self.clock.now().into(), &self.ids, jobs);
        self.record_outcome(committed.as_ref().err());
        if let Ok(batch) = &committed {
            // One job can write many rows, and a step of the search index many pages without a row.
            let rows = usize::try_from(batch.head.seq - self.head.seq).unwrap_or(0);
            self.unchecked_rows += rows.max(jobs.len()).max(MIN_BATCH_ROWS);
            self.head = batch.head;
        }
        (self.deliver)(CompletedBatch::new(jobs.drain(..), &committed));
        if self.head.seq / HEAD_LOG_ROWS > self.logged_head.seq / HEAD_LOG_ROWS {
            self.log_head();
        }
        if self.unchecked_rows >= WAL_CHECK_ROWS {
            self.unchecked_rows = 0;
            wal_checkpoint::checkpoint_if_large(&self.conn);
        }
    }

    /// Records how a transaction ended. A failure that persists is logged once, not at each probe.
    fn record_outcome(&mut self, failure: Option<&StoreError>) {
        self.last_commit_at = Instant::now();
        self.truncate_wal_at = self.is_server.then(|| self.last_commit_at + TRUNCATE_DELAY);
        match failure {
            None if self.health.record_success() => tracing::info!("leads can be stored again"),
            None => {}
            Some(error) if self.health.record_failure(error) && self.is_server => {
                let database = self.conn.path().unwrap_or_default();
                tracing::error!(%error, database, "a transaction failed; nothing of it is stored");
            }
            Some(error) => tracing::debug!(%error, "a transaction failed"),
        }
    }

    /// Logs the head of the chain, which other processes may have moved too.
    fn log_head(&mut self) {
        self.logged_at = Instant::now();
        if let (true, Ok(head)) = (self.is_server, query::head(&self.conn))
            && head != self.logged_head
        {
            tracing::info!(target: HEAD_LOG_TARGET, %head, "audit log head");
            self.logged_head = head;
        }
    }
}
