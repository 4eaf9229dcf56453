//! Locks: one server per database, and whether another process has the database open.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, fcntl_getlk};

use crate::store::error::StoreError;
use crate::store::file_owner::FileOwner;
use crate::store::paths::sidecar_path;

/// The lock that a server holds for as long as it lives; it ends with the process, however that ends. It is
/// on a file of its own: closing any descriptor of the database file would drop SQLite's locks.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock of a database.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another server has it.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let name = sidecar_path(path, ".lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&name)
            .map_err(|e| StoreError::CannotOpen {
                // `NotFound` is about the folder, any other failure about this file.
                path: if e.kind() == ErrorKind::NotFound { path.into() } else { name.clone() },
                purpose: "writing",
                cause: e.to_string(),
            })?;
        let owner = FileOwner::of_database(path).map_err(StoreError::at(path))?;
        owner.give(&file).map_err(StoreError::at(&name))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|e| match e {
            Errno::WOULDBLOCK => StoreError::InUse(path.into()),
            other => StoreError::Io(format!("{} cannot be locked: {other}", name.display())),
        })?;
        Ok(Self { _file: file })
    }
}

/// The bytes of a database file that SQLite locks (<https://sqlite.org/fileformat2.html>, section 1.5).
const LOCK_BYTES_START: u64 = 0x4000_0000;
const LOCK_BYTES_LENGTH: u64 = 512;

/// Fails if another process has the database open, even if it is too damaged for SQLite.
pub(crate) fn check_unused(path: &Path) -> Result<(), StoreError> {
    let Ok(file) = File::open(path) else { return Ok(()) };
    let lock = Flock {
        start: LOCK_BYTES_START,
        length: LOCK_BYTES_LENGTH,
        ..Flock::from(FlockType::WriteLock)
    };
    match fcntl_getlk(&file, &lock) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(StoreError::OpenElsewhere(path.into())),
        Err(e) => Err(StoreError::at(path)(e)),
    }
}

/// Fails if the database is about to be replaced by a restore.
pub(crate) fn check_unreplaced(path: &Path) -> Result<(), StoreError> {
    let Ok(file) = File::open(sidecar_path(path, ".restore.partial")) else { return Ok(()) };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => Err(StoreError::OpenElsewhere(path.into())),
        _ => Ok(()),
    }
}
