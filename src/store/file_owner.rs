//! The owner of files next to a database. A command that runs as root must not leave files there that
//! the service cannot open.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use rustix::process::geteuid;

use crate::store::paths::folder_of;

/// A user and a group, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileOwner {
    pub uid: u32,
    pub gid: u32,
}

impl FileOwner {
    /// The owner of a file.
    #[must_use]
    pub fn of(meta: &Metadata) -> Self {
        Self { uid: meta.uid(), gid: meta.gid() }
    }

    /// The owner of the files of a database: that of the database or, where there is none yet, that of its
    /// folder.
    ///
    /// # Errors
    /// Neither can be read.
    pub fn of_database(database: &Path) -> io::Result<Self> {
        let meta = fs::metadata(database).or_else(|_| fs::metadata(folder_of(database)))?;
        Ok(Self::of(&meta))
    }

    /// The owner of a file that may be replaced; without one, that of a database.
    pub(crate) fn of_replaced(target: &Path, database: &Path) -> io::Result<Self> {
        fs::metadata(target)
            .map_or_else(|_| Self::of_database(database), |meta| Ok(Self::of(&meta)))
    }

    /// Gives a file to this owner. Only root can: for any other user it does nothing.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn give(self, file: &File) -> io::Result<()> {
        if !geteuid().is_root() || Self::of(&file.metadata()?) == self {
            return Ok(());
        }
        fchown(file, Some(self.uid), Some(self.gid))
    }
}
