//! The size of the database and the free space of its file system.

use std::fs;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;

/// Sizes in bytes.
#[derive(Debug, Clone, Copy)]
pub struct DiskUsage {
    pub database: u64,
    pub wal: u64,
    /// Free for this user on the database's file system.
    pub free: u64,
}

impl DiskUsage {
    /// Asks the file system.
    ///
    /// # Errors
    /// The file system does not answer, or the database is missing.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            database: fs::metadata(path).map_err(StoreError::at(path))?.len(),
            wal: fs::metadata(sidecar_path(path, "-wal")).map_or(0, |meta| meta.len()),
            free: free_bytes(path).map_err(StoreError::at(path))?,
        })
    }
}

/// The free space for this user on a file's disk, in bytes.
///
/// # Errors
/// The file system does not answer.
pub fn free_bytes(path: &Path) -> rustix::io::Result<u64> {
    let fs = statvfs(path)?;
    Ok(fs.f_bavail.saturating_mul(fs.f_frsize))
}

/// A disk with less free space has no room for the files that SQLite needs to open a database.
const MIN_FREE: u64 = 64 * 1024;

/// Whether nothing can be written to a file's disk: it is read-only or full.
#[must_use]
pub fn refuses_writes(path: &Path) -> bool {
    is_read_only(path) || free_bytes(path).is_ok_and(|free| free < MIN_FREE)
}

/// Whether a file's disk is mounted read-only.
#[must_use]
pub fn is_read_only(path: &Path) -> bool {
    statvfs(path).is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::RDONLY))
}
