//! What the admin page works with: readers, the server's one writer, and what is remembered
//! between its requests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::live::LiveHub;
use crate::app::staff::setup::SetupToken;
use crate::app::staff::sign_in::SignInGuard;
use crate::app::status::server_status::ChainMonitor;
use crate::clock::Clock;
use crate::store::error::StoreError;
use crate::store::health::WriterHealth;
use crate::store::read::{READ_POOL_SIZE, ReadPool, ReadTx};
use crate::store::tx::WriteTx;
use crate::store::writer::Writer;

/// Cheap to clone.
#[derive(Clone)]
pub struct AdminState(Arc<Inner>);

struct Inner {
    database: PathBuf,
    clock: Clock,
    writer: Writer,
    readers: ReadPool,
    /// As many as there are readers, so that no thread waits for one.
    reading: Arc<Semaphore>,
    exporting: Arc<Semaphore>,
    health: Arc<WriterHealth>,
    door: SignInGuard,
    link: SetupToken,
    streams: LiveHub,
    chain: ChainMonitor,
}

impl std::fmt::Debug for AdminState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminState")
    }
}

impl AdminState {
    pub(crate) fn new(
        database: &Path,
        clock: &Clock,
        writer: Writer,
        health: &Arc<WriterHealth>,
        streams: LiveHub,
    ) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Inner {
            database: database.to_owned(),
            clock: clock.clone(),
            writer,
            readers: ReadPool::open(database)?,
            reading: Arc::new(Semaphore::new(READ_POOL_SIZE as usize)),
            exporting: Arc::new(Semaphore::new(1)),
            health: Arc::clone(health),
            door: SignInGuard::default(),
            link: SetupToken::default(),
            streams,
            chain: ChainMonitor::watch(database, clock)?,
        })))
    }

    /// Runs several reads on one snapshot, away from the thread that serves connections.
    ///
    /// A read that nobody waits for any more runs to its end and counts until then. It must not
    /// hold the state: with it, it would hold the writer after the server's end.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.with_readers(move |readers| readers.read(read)).await?
    }

    /// Runs work that reads for itself, away from the thread that serves connections.
    pub(crate) async fn with_readers<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadPool) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.0.reading).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        let readers = self.0.readers.clone();
        blocking(move || {
            let _permit = permit;
            work(&readers)
        })
        .await
    }

    /// Runs work in the server's writer and waits until it is on the disk.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let queued = self.0.writer.submit(work)?;
        crate::app::in_time(async { queued.await.unwrap_or(Err(StoreError::Closed)) }).await
    }

    /// [`Self::write`] without waiting for it, for what may also be lost.
    pub(crate) fn write_later(
        &self,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) {
        drop(self.0.writer.submit(work));
    }

    /// Waits for the turn to make an export.
    pub(crate) async fn turn_to_export(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let turn = Arc::clone(&self.0.exporting).acquire_owned().await;
        turn.map_err(|_| StoreError::Closed)
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn database(&self) -> &Path {
        &self.0.database
    }

    pub(crate) fn health(&self) -> &WriterHealth {
        &self.0.health
    }

    pub(crate) fn door(&self) -> &SignInGuard {
        &self.0.door
    }

    pub(crate) fn link(&self) -> &SetupToken {
        &self.0.link
    }

    pub(crate) fn streams(&self) -> &LiveHub {
        &self.0.streams
    }

    pub(crate) fn chain(&self) -> &ChainMonitor {
        &self.0.chain
    }
}

/// Runs work away from the thread that serves connections. Its panic is the caller's: a defect is
/// answered as one.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The server ends.
        Err(_) => StoreError::Closed,
    })
}
