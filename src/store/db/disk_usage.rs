//! How large the database is, and what room is left.

use std::fs;
use std::path::Path;

use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;

/// DiskUsage in bytes.
#[derive(Debug, Clone, Copy)]
pub struct DiskUsage {
    pub database: u64,
    pub wal: u64,
    /// Free for the service's user on the database's file system.
    pub free: u64,
}

impl DiskUsage {
    /// Asks the file system.
    ///
    /// # Errors
    /// It does not tell.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let fs = rustix::fs::statvfs(path).map_err(StoreError::at(path))?;
        Ok(Self {
            database: fs::metadata(path).map_err(StoreError::at(path))?.len(),
            wal: fs::metadata(sidecar_path(path, "-wal")).map_or(0, |meta| meta.len()),
            free: fs.f_bavail.saturating_mul(fs.f_frsize),
        })
    }
}
