//! Why an import failed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::store::error::StoreError;

/// Why an import ended before the last row. The batches before it are stored; another run continues
/// after them.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the rows cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("{path} cannot be written: {cause}; name another file with --refused")]
    RefusedRows { path: PathBuf, cause: io::Error },
    #[error("it is empty: not even the names of the columns are there")]
    Empty,
    #[error("its first line does not name these columns: {0}")]
    Missing(String),
    #[error("its first line names the column {0} twice")]
    Repeated(&'static str),
}
