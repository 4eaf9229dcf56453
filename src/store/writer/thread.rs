//! The writer's thread: takes jobs from the queue and commits them in batches.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;
use uuid::ContextV7;

use crate::clock::Clock;
use crate::domain::hash_chain::{ChainPosition, HEAD_LOG_TARGET};
use crate::metrics::Metrics;
use crate::store::audit::query;
use crate::store::db::{disk_usage, wal_checkpoint};
use crate::store::error::StoreError;
use crate::store::health::WriterHealth;
use crate::store::leads::probe;
use crate::store::tx::WriteTx;
use crate::store::writer::batch::{self, CompletedBatch, Durability};
use crate::store::writer::checkpoint_schedule::CheckpointSchedule;
use crate::store::writer::job::{QueueMessage, QueuedJob, WriteJob};

/// The most jobs in one transaction.
const MAX_BATCH: usize = 512;
/// How long maintenance waits at most while jobs keep coming.
const MAX_MAINTENANCE_DELAY: Duration = Duration::from_millis(250);
/// After this long without a commit, a probe shows whether one can still be made.
const PROBE_INTERVAL: Duration = Duration::from_secs(30);
/// Probes while commits fail.
const PROBE_RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The head of the chain is logged each time that this many rows were added …
const HEAD_LOG_ROWS: i64 = 1000;
/// … and after this long, if it moved.
const HEAD_LOG_INTERVAL: Duration = Duration::from_secs(3600);
/// How long the queue is empty at least before something else is done.
const MIN_WAIT: Duration = Duration::from_millis(1);

/// What a server's writer has and a command's has not.
pub(crate) struct ServerHooks {
    pub(crate) health: Arc<WriterHealth>,
    /// How much of the disk is kept free of what the site sends, in bytes.
    pub(crate) disk_reserve: u64,
    pub(crate) metrics: Metrics,
    /// Receives the results of each commit.
    pub(crate) deliver: Box<dyn Fn(CompletedBatch) + Send>,
}

/// A step of maintenance that waits for its turn.
struct MaintenanceStep {
    job: Box<dyn WriteJob>,
    queued_at: Instant,
}

/// The state of the writer's thread.
pub(crate) struct WriterLoop {
    conn: Connection,
    clock: Clock,
    health: Arc<WriterHealth>,
    /// A command counts nothing.
    metrics: Option<Metrics>,
    deliver: Box<dyn Fn(CompletedBatch) + Send>,
    /// How many messages are in the queue.
    queued: Arc<AtomicUsize>,
    ids: ContextV7,
    is_server: bool,
    disk_reserve: u64,
    /// The jobs of the next transaction.
    jobs: Vec<Box<dyn WriteJob>>,
    maintenance: VecDeque<MaintenanceStep>,
    /// When the last transaction of jobs ended.
    last_commit_at: Instant,
    probed_at: Instant,
    checkpoints: CheckpointSchedule,
    /// The last audit row that this writer has seen or appended.
    head: Option<ChainPosition>,
    logged_head: ChainPosition,
    logged_at: Instant,
}

impl WriterLoop {
    pub(crate) fn new(
        conn: Connection,
        clock: Clock,
        server: Option<ServerHooks>,
        queued: Arc<AtomicUsize>,
    ) -> Self {
        let logged_head = query::head(&conn).unwrap_or(ChainPosition::START);
        let now = Instant::now();
        let is_server = server.is_some();
        let (health, disk_reserve, metrics, deliver) = match server {
            Some(ServerHooks { health, disk_reserve, metrics, deliver }) => {
                (health, disk_reserve, Some(metrics), deliver)
            }
            None => (Arc::default(), 0, None, Box::new(CompletedBatch::notify) as _),
        };
        Self {
            conn,
            clock,
            health,
            metrics,
            deliver,
            queued,
            ids: ContextV7::new(),
            is_server,
            disk_reserve,
            jobs: Vec::with_capacity(MAX_BATCH),
            maintenance: VecDeque::new(),
            last_commit_at: now,
            probed_at: now,
            checkpoints: CheckpointSchedule::new(is_server),
            head: None,
            logged_head,
            logged_at: now,
        }
    }

    /// Runs until the writer is closed and no job is queued.
    pub(crate) fn run(mut self, queue: &Receiver<QueueMessage>, closing: &AtomicBool) {
        loop {
            match self.receive(queue, closing) {
                Ok(first) => {
                    self.take(first);
                    let room = MAX_BATCH - self.jobs.len();
                    queue.try_iter().take(room).for_each(|message| self.take(message));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let is_idle = self.jobs.is_empty();
            if !is_idle {
                self.commit_jobs();
            }
            let is_due = |step: &MaintenanceStep| step.queued_at.elapsed() >= MAX_MAINTENANCE_DELAY;
            if let Some(step) = self.maintenance.pop_front_if(|step| is_idle || is_due(step)) {
                self.run_maintenance(step.job);
            }
            // Also between two steps: the index may be built for minutes.
            if is_idle {
                self.on_idle();
            }
        }
        if self.is_server {
            wal_checkpoint::try_truncate(&self.conn);
        }
        self.log_head();
    }

    /// The next message, or `Timeout` when something else is to be done.
    fn receive(
        &self,
        queue: &Receiver<QueueMessage>,
        closing: &AtomicBool,
    ) -> Result<QueueMessage, RecvTimeoutError> {
        if closing.load(Ordering::SeqCst) {
            // What is queued after this look is dropped with the queue, and its sender gets `Closed`.
            return queue.try_recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        let wait = if self.maintenance.is_empty() { self.next_wakeup() } else { Duration::ZERO };
        queue.recv_timeout(wait)
    }

    fn take(&mut self, message: QueueMessage) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
        match message {
            QueueMessage::Job(job) => self.jobs.push(job),
            QueueMessage::Maintenance(job) => {
                let queued_at = Instant::now();
                self.maintenance.push_back(MaintenanceStep { job, queued_at });
            }
            QueueMessage::TruncateWal(reply) => {
                let _ = reply.send(wal_checkpoint::try_truncate(&self.conn));
            }
            QueueMessage::Wake => {}
        }
    }

    /// How long to wait for jobs until something else is due.
    fn next_wakeup(&self) -> Duration {
        let probe_at = self.last_commit_at + self.probe_interval();
        let due =
            self.checkpoints.next().map_or(probe_at, |checkpoint_at| checkpoint_at.min(probe_at));
        due.saturating_duration_since(Instant::now()).max(MIN_WAIT)
    }

    fn probe_interval(&self) -> Duration {
        if self.health.is_failing() { PROBE_RETRY_INTERVAL } else { PROBE_INTERVAL }
    }

    fn on_idle(&mut self) {
        if self.last_commit_at.elapsed() >= self.probe_interval() {
            self.probe();
        } else {
            self.checkpoints.on_idle(&self.conn);
        }
        if self.logged_at.elapsed() >= HEAD_LOG_INTERVAL {
            self.log_head();
        }
    }

    /// The first probe. Not even a damaged audit log keeps a server from starting: its leads can still
    /// be read.
    ///
    /// # Errors
    /// Nothing can be written at all.
    pub(crate) fn probe_at_start(&mut self) -> Result<(), StoreError> {
        self.probe();
        match self.health.failure() {
            Some(error) if error.is_database_wide() => Err(error),
            _ => Ok(()),
        }
    }

    /// Tries to insert a lead and makes a small real commit: nothing less shows that leads can be stored.
    fn probe(&mut self) {
        if self.health.is_failing() {
            // On a full disk, the room that the WAL takes may be what is missing.
            wal_checkpoint::try_truncate(&self.conn);
        }
        self.probed_at = Instant::now();
        self.jobs.push(Box::new(QueuedJob::new(probe::probe, oneshot::channel().0)));
        self.commit_jobs();
    }

    fn commit_jobs(&mut self) {
        let began = Instant::now();
        self.health.begin();
        let now = self.clock.now().into();
        let disk_reserve = if self.free_bytes() < self.disk_reserve {
            Err(StoreError::DiskReserve(self.disk_reserve))
        } else {
            Ok(())
        };
        let begin = || {
            let tx = WriteTx::begin(&self.conn, now, &self.ids, self.head)?;
            Ok(tx.with_disk_reserve(disk_reserve.clone()))
        };
        let committed = batch::commit(&self.conn, Durability::Flushed, &begin, &mut self.jobs);
        let fault = match &committed {
            Ok(batch) => batch.fault().or(disk_reserve.as_ref().err()),
            Err(error) => Some(error),
        };
        self.record_outcome(fault);
        if let Some(metrics) = &self.metrics {
            metrics.record_transaction(self.jobs.len(), began.elapsed(), committed.is_ok());
        }
        let is_doubtful = committed.is_ok() && fault.is_some();
        if let Ok(batch) = &committed {
            self.head = Some(batch.head);
        }
        (self.deliver)(CompletedBatch::new(self.jobs.drain(..), &committed));
        if self.head.is_some_and(|h| h.seq / HEAD_LOG_ROWS > self.logged_head.seq / HEAD_LOG_ROWS) {
            self.log_head();
        }
        self.checkpoints.after_commit(&self.conn, self.free_bytes());
        // Is it the database, or what one job has read of it?
        if is_doubtful && self.probed_at.elapsed() >= PROBE_RETRY_INTERVAL {
            self.probe();
        }
    }

    /// The free space on the database's disk, in bytes; as if there were enough where that is unknown.
    fn free_bytes(&self) -> u64 {
        let database = Path::new(self.conn.path().unwrap_or_default());
        disk_usage::free_bytes(database).unwrap_or(u64::MAX)
    }

    /// Runs one step of maintenance.
    fn run_maintenance(&mut self, step: Box<dyn WriteJob>) {
        let mut step = [step];
        self.health.begin();
        let now = self.clock.now().into();
        let begin = || WriteTx::begin(&self.conn, now, &self.ids, self.head);
        let committed = batch::commit(&self.conn, Durability::Deferred, &begin, &mut step);
        match &committed {
            Err(error) if error.is_database_wide() => self.record_outcome(Some(error)),
            Err(_) => self.health.end(),
            Ok(batch) => {
                self.health.end();
                self.head = Some(batch.head);
            }
        }
        (self.deliver)(CompletedBatch::new(step.into_iter(), &committed));
        self.checkpoints.after_commit(&self.conn, self.free_bytes());
    }

    /// Records how a transaction ended. A failure that persists is logged once, not at each probe.
    fn record_outcome(&mut self, failure: Option<&StoreError>) {
        self.last_commit_at = Instant::now();
        match failure {
            None if self.health.record_success() => tracing::info!("leads can be stored again"),
            None => {}
            Some(error) if self.health.record_failure(error) && self.is_server => {
                let database = self.conn.path().unwrap_or_default();
                tracing::error!(%error, database, "a transaction failed");
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
