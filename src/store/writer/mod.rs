//! The writer: one thread with the one connection that writes and checkpoints.
//!
//! It takes all jobs that are queued, runs them in one IMMEDIATE transaction, commits with one flush,
//! and only then sends the results. A job that fails is rolled back alone; if the database fails as a
//! whole, every job gets the failure and nothing of them is stored. After a failed flush the process
//! keeps this connection: SQLite then writes the same frames again. Maintenance never shares a
//! transaction with jobs.

pub mod batch;
mod checkpoint_schedule;
mod job;
mod thread;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::db::{lock, open, schema, wal_checkpoint};
use crate::store::error::StoreError;
use crate::store::health::WriterHealth;
use crate::store::tx::WriteTx;
use crate::store::writer::batch::CompletedBatch;
use crate::store::writer::job::{QueueMessage, QueuedJob, WriteJob};
use crate::store::writer::thread::{ServerHooks, WriterLoop};

/// How many jobs may wait; more are refused at once.
pub const QUEUE_LEN: usize = 1024;
/// How often a thread is looked at that may end.
const JOIN_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Sends jobs to the writer's thread; cheap to clone. [`Self::close`] ends the thread, and so does
/// dropping the last clone.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: SyncSender<QueueMessage>,
    /// How many messages are in the queue.
    queued: Arc<AtomicUsize>,
    closing: Arc<AtomicBool>,
}

/// The writer's thread.
#[derive(Debug)]
pub struct WriterThread(JoinHandle<()>);

impl WriterThread {
    /// Returns when the queued jobs are done and the WAL is truncated. The writer must be closed
    /// before, or every clone of it dropped.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the writer ended with a panic");
        }
    }

    /// [`Self::join`] with a timeout. Returns whether the thread has ended; if not, the disk does not
    /// answer, and no job that waits for it got a result.
    #[must_use]
    pub fn join_within(self, timeout: Duration) -> bool {
        let ended = join_timeout(&self.0, timeout);
        if ended {
            self.join();
        }
        ended
    }
}

/// Waits for a thread to end, up to a timeout. Returns whether it has.
#[must_use]
pub fn join_timeout(thread: &JoinHandle<()>, timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    while !thread.is_finished() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(JOIN_POLL_INTERVAL);
    }
    true
}

impl Writer {
    fn start(
        conn: Connection,
        clock: Clock,
        server: Option<ServerHooks>,
    ) -> Result<(Self, WriterThread), StoreError> {
        let is_server = server.is_some();
        let (queue, jobs) = sync_channel(QUEUE_LEN);
        let closing = Arc::new(AtomicBool::new(false));
        let is_closing = Arc::clone(&closing);
        let queued = Arc::new(AtomicUsize::new(0));
        let mut writer = WriterLoop::new(conn, clock, server, Arc::clone(&queued));
        if is_server {
            writer.probe_at_start()?;
        }
        let run = move || writer.run(&jobs, &is_closing);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(run)
            .map_err(|e| StoreError::Io(e.to_string()))?;
        Ok((Self { queue, queued, closing }, WriterThread(thread)))
    }

    /// Ends the thread once it has done what is queued, whoever still has clones; from now on
    /// [`Self::submit`] fails with [`StoreError::Closed`]. Returns at once: wait for the end with
    /// [`WriterThread::join_within`].
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        // A full queue needs no wake-up: the thread looks after each batch.
        let _ = self.try_send(QueueMessage::Wake);
    }

    /// Queues a job that runs inside the next transaction; the receiver gets its result once that is
    /// on the disk. A job may run twice, if its first run was rolled back.
    ///
    /// # Errors
    /// [`StoreError::QueueFull`] or [`StoreError::Closed`], at once.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        self.enqueue(work, QueueMessage::Job)
    }

    /// Queues a step of maintenance; the receiver gets its result once it is committed. It is flushed
    /// with the next job or probe, so a power cut may undo it.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn submit_maintenance<T: Send + 'static>(
        &self,
        step: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        self.enqueue(step, QueueMessage::Maintenance)
    }

    /// Queues a truncation of the WAL; the receiver gets whether it is empty then.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn truncate_wal(&self) -> Result<oneshot::Receiver<bool>, StoreError> {
        let (reply, receiver) = oneshot::channel();
        self.send(QueueMessage::TruncateWal(reply))?;
        Ok(receiver)
    }

    fn enqueue<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
        message: fn(Box<dyn WriteJob>) -> QueueMessage,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, receiver) = oneshot::channel();
        self.send(message(Box::new(QueuedJob::new(work, reply))))?;
        Ok(receiver)
    }

    fn send(&self, message: QueueMessage) -> Result<(), StoreError> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        self.try_send(message).map_err(|e| match e {
            TrySendError::Full(_) => StoreError::QueueFull,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    fn try_send(&self, message: QueueMessage) -> Result<(), TrySendError<QueueMessage>> {
        // First, so that the thread never subtracts what was not added yet.
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.queue.try_send(message).inspect_err(|_| {
            self.queued.fetch_sub(1, Ordering::Relaxed);
        })
    }

    /// How many messages wait in the queue, of [`QUEUE_LEN`] at most.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed).min(QUEUE_LEN)
    }

    /// [`Self::submit`], waiting for the result. Not for asynchronous code.
    ///
    /// # Errors
    /// The job's own, or the writer's.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(work)?.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

/// Starts the writer of a server, on a database whose schema is current. When it returns, what is in the
/// WAL is on the disk and a test commit has succeeded, unless the audit log is damaged: `WriterHealth`
/// then has the reason. The results of each commit go to `deliver`, all at once; `metrics` counts the
/// transactions. What the site sends is refused while less than `disk_reserve` bytes is free.
///
/// # Errors
/// The schema is not this binary's, or nothing can be written.
pub fn start_server_writer(
    path: &Path,
    clock: &Clock,
    disk_reserve: u64,
    metrics: &Metrics,
    deliver: impl Fn(CompletedBatch) + Send + 'static,
) -> Result<(Writer, WriterThread, Arc<WriterHealth>), StoreError> {
    let (conn, _) = open::read_write(path)?;
    schema::check_current(&conn, path)?;
    wal_checkpoint::secure_at_start(&conn, path)?;
    let health = Arc::new(WriterHealth::default());
    let metrics = metrics.clone();
    let deliver = Box::new(deliver);
    let hooks = ServerHooks { health: Arc::clone(&health), disk_reserve, metrics, deliver };
    let (writer, thread) = Writer::start(conn, clock.clone(), Some(hooks))?;
    Ok((writer, thread, health))
}

/// Opens a writer for a command, which may run while a server has the database open.
///
/// # Errors
/// The database is missing, about to be replaced, of another version, or cannot be written.
pub fn open_cli_writer(path: &Path, clock: &Clock) -> Result<(Writer, WriterThread), StoreError> {
    if !path.try_exists().unwrap_or(true) {
        return Err(StoreError::Missing(path.into()));
    }
    lock::check_unreplaced(path)?;
    let conn = open::open_with_busy_poll(path)?;
    schema::check_current(&conn, path)?;
    Writer::start(conn, clock.clone(), None)
}
