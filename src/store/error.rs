//! Failures of the database, named by cause.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CORRUPT_VTAB, SQLITE_IOERR_SHMSIZE};
use thiserror::Error;

/// A failure of the store. No variant contains personal data: values are bound, never quoted.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    #[error("the disk is full")]
    Full,
    #[error("the disk of {0} is full")]
    FullAt(PathBuf),
    #[error("less than {:.0} is free on its disk (FASTCORE_DISK_RESERVE)", bytesize::ByteSize(*.0))]
    DiskReserve(u64),
    #[error("another process keeps the database locked")]
    Locked,
    #[error("the disk reported an error ({0})")]
    Io(String),
    #[error("the database is damaged ({0})")]
    Corrupt(String),
    #[error("the search index is damaged ({0}); a running server builds it again from the leads")]
    DamagedIndex(String),
    #[error(
        "the last row of the audit log, {0}, is damaged, and nothing can be appended to it; run \
         `fastcore audit verify`"
    )]
    DamagedHead(i64),
    #[error("too many leads are waiting to be stored")]
    QueueFull,
    #[error("the writer has stopped")]
    Closed,
    #[error(
        "{0}; set the clock (`timedatectl`) or, if it is right, run `fastcore gdpr purge` once"
    )]
    ImplausibleClock(String),
    #[error("it was interrupted; nothing was changed")]
    Cancelled,
    #[error("the disk did not answer in time; whether the change is stored is unknown")]
    TimedOut,
    #[error("the database refused the change ({0})")]
    Refused(String),
    #[error("SQLite: {0}")]
    Sqlite(String),

    #[error("there is no database at {0}; `fastcore migrate` or `fastcore serve` creates it")]
    Missing(PathBuf),
    #[error("{0} is not a SQLite database; nothing was changed")]
    NotADatabase(PathBuf),
    #[error("{0} is the database of another program; nothing was changed")]
    Foreign(PathBuf),
    #[error(
        "{0} has FASTCore's tables, but not its mark, as a copy made by `.dump`; to use it: \
         sqlite3 '{0}' 'PRAGMA application_id = 1178817093'"
    )]
    Unmarked(PathBuf),
    #[error("{path} cannot be opened for {purpose}: {cause}")]
    CannotOpen { path: PathBuf, purpose: &'static str, cause: String },
    #[error(
        "{path} has schema version {found}, newer than this binary, which knows up to {known}; \
         run the newer binary"
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("{path} has schema version {found} of {known}; run `fastcore migrate` first")]
    Pending { path: PathBuf, found: u32, known: u32 },
    #[error(
        "{path} was not made by this binary's migrations: its {migration} is missing or differs; \
         nothing was changed"
    )]
    Diverged { path: PathBuf, migration: String },
    #[error("migrating failed: {0}")]
    Migration(String),
    #[error("a server has the database {0} open")]
    InUse(PathBuf),
    #[error("SQLite {0} is too old: versions before 3.51.3 can lose commits")]
    OldLibrary(String),
    #[error("{path} is not a complete backup: {cause}")]
    IncompleteBackup { path: PathBuf, cause: &'static str },
    #[error("another process has the database {0} open; end it (`fuser {0}` names it)")]
    OpenElsewhere(PathBuf),
    #[error(
        "{path}: line {line} is not one of an erasure ledger: the file is damaged or is not a ledger; \
         copy it again from where it came, or delete that line"
    )]
    Ledger { path: PathBuf, line: usize },
}

impl StoreError {
    /// Turns a failure of the system into one that names the file.
    pub(crate) fn at<E: Display>(path: &Path) -> impl Fn(E) -> Self + Copy {
        move |error| Self::Io(format!("{}: {error}", path.display()))
    }

    /// A full disk, with the file that could not be written; any other failure stays as it is.
    #[must_use]
    pub(crate) fn naming_disk_of(self, path: &Path) -> Self {
        match self {
            Self::Full => Self::FullAt(path.into()),
            other => other,
        }
    }

    /// Whether the database refused what was asked for, and is itself in order.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Whether nothing can be written at all, whatever the statement was.
    pub(crate) fn is_database_wide(&self) -> bool {
        matches!(self, Self::Full | Self::FullAt(_) | Self::Io(_) | Self::Locked)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let (code, message) = match &error {
            rusqlite::Error::SqliteFailure(code, message) => (code, message),
            // A stored value that this binary never writes.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => {
                return Self::Corrupt(error.to_string());
            }
            _ => return Self::Sqlite(error.to_string()),
        };
        let detail = || message.clone().unwrap_or_else(|| code.to_string());
        match code.code {
            ErrorCode::DiskFull => Self::Full,
            // The shared-memory file of the WAL had no room to grow.
            _ if code.extended_code == SQLITE_IOERR_SHMSIZE => Self::Full,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked,
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory => {
                Self::Io(format!("{}, code {}", detail(), code.extended_code))
            }
            _ if code.extended_code == SQLITE_CORRUPT_VTAB => Self::DamagedIndex(detail()),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt(detail()),
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig => {
                Self::Refused(detail())
            }
            _ => Self::Sqlite(detail()),
        }
    }
}

impl From<rusqlite::types::FromSqlError> for StoreError {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        rusqlite::Error::from(error).into()
    }
}
