//! Why an export failed.

use std::io;

use thiserror::Error;

use crate::store::error::StoreError;

/// Why an export failed.
#[derive(Debug, Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the export cannot be written: {0}")]
    Io(io::Error),
    #[error("another export is not over yet")]
    Busy,
    #[error(
        "less than {:.0} would be left on the database's disk; free some space, or write to another disk",
        bytesize::ByteSize(*.0)
    )]
    DiskLimit(u64),
    #[error("the export took too long; a narrower filter makes it shorter")]
    TimedOut,
}

impl From<io::Error> for ExportError {
    /// A limit that was met while writing comes back as itself.
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Io)
    }
}
