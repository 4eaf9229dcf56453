//! The database as a server's use cases see it: a pool of readers, the one writer, and the clock.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{Semaphore, watch};

use crate::app::search_index_health::SearchIndexHealth;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::db::disk_usage;
use crate::store::error::StoreError;
use crate::store::health::WriterHealth;
use crate::store::read::{READ_POOL_SIZE, ReadPool, ReadTx};
use crate::store::tx::WriteTx;
use crate::store::writer::batch::CompletedBatch;
use crate::store::writer::{self, Writer, WriterThread};

/// How long a request waits for the disk before the outcome of its write is called unknown.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// A server's database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    path: Arc<Path>,
    clock: Clock,
    disk_reserve: u64,
    writer: Writer,
    metrics: Metrics,
    health: Arc<WriterHealth>,
    index_health: SearchIndexHealth,
    /// `None` once it is closed.
    readers: Arc<Mutex<Option<ReadPool>>>,
    /// As many as there are readers, so that no thread waits for one.
    read_permits: Arc<Semaphore>,
    commits: watch::Receiver<()>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db {}", self.path.display())
    }
}

impl Db {
    /// Starts the writer of a database whose schema is current; results are delivered inside the
    /// runtime.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn start(
        path: &Path,
        clock: &Clock,
        disk_reserve: u64,
        runtime: &Handle,
    ) -> Result<(Self, WriterThread), StoreError> {
        let (completed_tx, mut completed_rx) = unbounded_channel::<CompletedBatch>();
        let (committed, commits) = watch::channel(());
        let deliver = move |batch| {
            // After the runtime's end there is nobody left to wake.
            if let Err(undelivered) = completed_tx.send(batch) {
                undelivered.0.notify();
            }
            committed.send_replace(());
        };
        let metrics = Metrics::default();
        let (writer, thread, health) =
            writer::start_server_writer(path, clock, disk_reserve, &metrics, deliver)?;
        runtime.spawn(async move {
            while let Some(batch) = completed_rx.recv().await {
                batch.notify();
            }
        });
        let db = Self {
            path: path.into(),
            clock: clock.clone(),
            disk_reserve,
            writer,
            metrics,
            health,
            index_health: SearchIndexHealth::default(),
            readers: Arc::new(Mutex::new(Some(ReadPool::open(path)?))),
            read_permits: Arc::new(Semaphore::new(READ_POOL_SIZE as usize)),
            commits,
        };
        Ok((db, thread))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the server counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How many jobs wait for the writer.
    pub(crate) fn queued(&self) -> usize {
        self.writer.queued()
    }

    /// How much of the database's disk is kept free, in bytes.
    #[must_use]
    pub fn disk_reserve(&self) -> u64 {
        self.disk_reserve
    }

    /// Whether leads can be stored.
    #[must_use]
    pub fn health(&self) -> &WriterHealth {
        &self.health
    }

    /// Whether the search index is in order.
    pub(crate) fn index_health(&self) -> &SearchIndexHealth {
        &self.index_health
    }

    /// Changes whenever this process has committed, or has failed to. Commits of other processes
    /// are not announced.
    pub(crate) fn commits(&self) -> watch::Receiver<()> {
        self.commits.clone()
    }

    /// Runs several reads in one read transaction, on a thread for blocking work. A read that
    /// nobody waits for any more runs to its end and keeps its permit until then.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = self.with_readers(move |readers| readers.read(read)).await?;
        if let Err(error @ StoreError::DamagedIndex(_)) = &result {
            self.index_health.report(error);
        }
        result
    }

    /// Runs work that opens its own read transactions, on a thread for blocking work.
    pub(crate) async fn with_readers<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadPool) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.read_permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        let readers = self.readers().clone().ok_or(StoreError::Closed)?;
        blocking(move || {
            let _permit = permit;
            work(&readers)
        })
        .await
    }

    /// Runs a job in the writer and waits until it is on the disk.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let queued = self.writer.submit(job)?;
        let done = tokio::time::timeout(WRITE_TIMEOUT, queued).await;
        done.map_err(|_| StoreError::TimedOut)?.unwrap_or(Err(StoreError::Closed))
    }

    /// Runs a step of maintenance in the writer when no job is queued, and waits until it is committed.
    pub(crate) async fn maintain<T: Send + 'static>(
        &self,
        step: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let queued = self.writer.submit_maintenance(step)?;
        queued.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Truncates the WAL. Returns whether it is empty: it is not while another process reads from it.
    pub(crate) async fn truncate_wal(&self) -> Result<bool, StoreError> {
        self.writer.truncate_wal()?.await.map_err(|_| StoreError::Closed)
    }

    /// [`Self::write`] for a thread that may block, without a timeout.
    pub(crate) fn write_blocking<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(job)
    }

    /// Closes the readers, then lets the writer finish what is queued and end: as the last
    /// connection, it removes the WAL. Later reads and writes fail with [`StoreError::Closed`].
    pub(crate) fn close(&self) {
        drop(self.readers().take());
        self.writer.close();
    }

    fn readers(&self) -> MutexGuard<'_, Option<ReadPool>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job without waiting for it, for what may also be lost.
    pub(crate) fn write_detached(
        &self,
        job: impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) {
        drop(self.writer.submit(job));
    }
}

/// Runs work on a thread for blocking work. Its panic becomes the caller's: a defect is answered as
/// one.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The runtime ends.
        Err(_) => StoreError::Closed,
    })
}

/// Runs one job of a command in a writer of its own, while a server runs or without one.
pub(crate) fn write_once<T: Send + 'static>(
    path: &Path,
    clock: &Clock,
    job: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (writer, thread) = writer::open_cli_writer(path, clock)?;
    let done = writer.run(job);
    writer.close();
    thread.join();
    done.map_err(|e| e.naming_disk_of(path))
}

/// [`write_once`] for a job that only records what a command has read. On a full or read-only disk it
/// cannot be recorded, and the operator must still get the leads off that disk.
pub(crate) fn record_read(
    path: &Path,
    clock: &Clock,
    job: impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    match write_once(path, clock, job) {
        Err(error) if disk_usage::refuses_writes(path) => {
            tracing::warn!(%error, "not recorded in the audit log: the database's disk cannot be written");
            Ok(())
        }
        recorded => recorded,
    }
}
