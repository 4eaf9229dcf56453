//! Exports for the admin page, one at a time.

use std::fs::File;
use std::io::Seek;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::db::Db;
use crate::app::export::{Export, ExportError};
use crate::store::error::StoreError;
use crate::store::paths::folder_of;

/// The exports of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct Exports {
    db: Db,
    permit: Arc<Semaphore>,
}

impl Exports {
    pub(crate) fn new(db: &Db) -> Self {
        Self { db: db.clone(), permit: Arc::new(Semaphore::new(1)) }
    }

    /// Writes the rows to an unnamed file next to the database, then records the export in the
    /// audit log. Returns the file, at its beginning. One export runs at a time: a large one keeps
    /// a reader busy for a while.
    ///
    /// # Errors
    /// The database cannot be read or written, or there is no room for the file.
    pub async fn run(&self, export: Export) -> Result<File, ExportError> {
        let permit = self.acquire_export_permit().await?;
        let folder = folder_of(self.db.path()).to_owned();
        let written = self.db.with_readers(move |readers| {
            let _permit = permit;
            let mut file = tempfile::tempfile_in(&folder)?;
            let exported = export.write_rows(readers, &mut file, Some(&folder), &mut |_| {})?;
            file.rewind()?;
            Ok::<_, ExportError>((file, export.audit_job(&exported)))
        });
        let (file, audit_job) = written.await??;
        self.db.write(audit_job).await?;
        Ok(file)
    }

    async fn acquire_export_permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let permit = Arc::clone(&self.permit).acquire_owned().await;
        permit.map_err(|_| StoreError::Closed)
    }
}
