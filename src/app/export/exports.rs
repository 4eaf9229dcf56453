//! Exports for the admin page, one at a time.

use std::fs::File;
use std::io::Seek;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::app::db::Db;
use crate::app::export::Export;
use crate::app::export::error::ExportError;
use crate::app::export::limits::ExportLimits;
use crate::store::error::StoreError;
use crate::store::paths::folder_of;

/// How long an export waits for the one before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an export may take as a whole: writing the file and sending it.
const TIME_LIMIT: Duration = Duration::from_secs(10 * 60);

/// The exports of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct Exports {
    db: Db,
    turn: Arc<Semaphore>,
    /// How long an export may take as a whole.
    pub time_limit: Duration,
}

/// A file to send. While it exists, no other export begins.
#[derive(Debug)]
pub(crate) struct ExportFile {
    pub(crate) file: File,
    /// When it must have been sent.
    pub(crate) deadline: Instant,
    _turn: OwnedSemaphorePermit,
}

impl Exports {
    pub(crate) fn new(db: &Db) -> Self {
        Self { db: db.clone(), turn: Arc::new(Semaphore::new(1)), time_limit: TIME_LIMIT }
    }

    /// Writes the rows to an unnamed file next to the database, then records the export in the
    /// audit log. Returns the file, at its beginning. One export runs at a time, until it is sent: a
    /// large one keeps a reader busy and takes disk space for a while.
    ///
    /// # Errors
    /// Another export is not over, the database cannot be read or written, there is no room for the
    /// file, or writing it takes too long.
    pub(crate) async fn run(&self, export: Export) -> Result<ExportFile, ExportError> {
        let turn = self.wait_for_turn().await?;
        let deadline = Instant::now() + self.time_limit;
        let folder = folder_of(self.db.path()).to_owned();
        let limits = ExportLimits::writing_to(self.db.path(), self.db.disk_reserve(), &[&folder])
            .with_deadline(deadline);
        let written = self.db.with_readers(move |readers| {
            let mut file = tempfile::tempfile_in(&folder)?;
            let exported =
                export.write_rows(readers, &mut file, Some(&folder), &limits, &mut |_| {})?;
            file.rewind()?;
            Ok::<_, ExportError>((
                ExportFile { file, deadline, _turn: turn },
                export.audit_job(&exported),
            ))
        });
        let (file, audit_job) = written.await??;
        self.db.write(audit_job).await?;
        Ok(file)
    }

    async fn wait_for_turn(&self) -> Result<OwnedSemaphorePermit, ExportError> {
        match timeout(TURN_TIMEOUT, Arc::clone(&self.turn).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) => Err(StoreError::Closed.into()),
            Err(_) => Err(ExportError::Busy),
        }
    }
}
