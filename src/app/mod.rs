//! Use cases: each one transaction or one read, the same for the admin page and the shell. Nothing
//! here depends on HTTP or on the command line.

pub mod admin_state;
pub mod atomic_file;
pub mod audit;
pub mod backup;
pub mod db;
pub mod demo;
pub mod export;
pub mod import;
pub mod intake;
pub mod leads;
pub mod live;
pub mod migrate;
pub mod privacy;
pub mod reconcile;
pub mod search_indexer;
pub mod staff;
pub mod stats;
pub mod status;

use std::path::Path;

use tokio::runtime::Handle;

use crate::app::admin_state::AdminState;
use crate::app::db::Db;
use crate::clock::Clock;
use crate::store::error::StoreError;
use crate::store::writer::WriterThread;

/// What the HTTP routes call; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub db: Db,
    pub admin: AdminState,
}

impl App {
    /// Starts the writer of a database whose schema is current, and what follows its audit log.
    /// When the app is dropped, the writer finishes what is queued; wait for that with
    /// [`WriterThread::join`].
    ///
    /// # Errors
    /// The database cannot be written, or its WAL cannot be truncated.
    pub fn start(
        database: &Path,
        clock: &Clock,
        runtime: &Handle,
    ) -> Result<(Self, WriterThread), StoreError> {
        let (db, writer) = Db::start(database, clock, runtime)?;
        let admin = AdminState::new(&db)?;
        runtime.spawn(search_indexer::run(db.clone()));
        Ok((Self { db, admin }, writer))
    }
}
