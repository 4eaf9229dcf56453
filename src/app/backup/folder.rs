//! The folder of scheduled backups: their names, and which of them count.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::app::status::thresholds;
use crate::store;
use crate::store::error::StoreError;
use crate::store::file_owner::FileOwner;

const TIME_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// When backups are taken, where they are written, and how many are kept.
#[derive(Debug, Clone)]
pub struct BackupSchedule {
    pub folder: PathBuf,
    pub every: Duration,
    /// At least 1.
    pub keep: usize,
}

/// A backup of the schedule; it was verified before it got its name.
#[derive(Debug, Clone)]
pub struct BackupFile {
    pub path: PathBuf,
    pub taken_at: DateTime<Utc>,
}

/// The scheduled backups of a database, each list oldest first.
#[derive(Debug, Default)]
pub struct DatedBackups {
    pub plausible: Vec<BackupFile>,
    /// Taken while the clock was ahead, or the clock is behind now.
    pub future: Vec<BackupFile>,
}

/// The scheduled backups of a database in a folder, recognised by their names.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path, database: &Path, now: DateTime<Utc>) -> io::Result<DatedBackups> {
    let mut backups = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let taken_at = entry.file_name().to_str().and_then(|name| time_of(name, database));
        backups.extend(taken_at.map(|taken_at| BackupFile { path: entry.path(), taken_at }));
    }
    backups.retain(|backup| store::backup::checksum_trailer::has_trailer(&backup.path));
    backups.sort_by_key(|backup| backup.taken_at);
    let is_future = |b: &BackupFile| thresholds::is_future(b.taken_at.into(), now.into());
    let (future, plausible) = backups.into_iter().partition(is_future);
    Ok(DatedBackups { plausible, future })
}

/// The file for a backup that is taken now.
pub(crate) fn path_of(folder: &Path, database: &Path, now: DateTime<Utc>) -> PathBuf {
    folder.join(format!("{}{}.db", prefix(database), now.format(TIME_FORMAT)))
}

/// The time in the name of a scheduled backup.
pub(crate) fn time_of(name: &str, database: &Path) -> Option<DateTime<Utc>> {
    let time = name.strip_prefix(&prefix(database))?.strip_suffix(".db")?;
    Some(NaiveDateTime::parse_from_str(time, TIME_FORMAT).ok()?.and_utc())
}

fn prefix(database: &Path) -> String {
    let stem = database.file_stem().unwrap_or_default().to_string_lossy();
    format!("{stem}-")
}

/// Creates the folder if it is missing, but not the folder around it: where a disk is not mounted, the
/// backups must not go to another one. Fails unless files can be created in it.
///
/// # Errors
/// Why not, with the path.
pub(crate) fn make_usable(folder: &Path, database: &Path) -> Result<(), StoreError> {
    let create = || -> io::Result<()> {
        match fs::create_dir(folder) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            created => {
                created?;
                FileOwner::of_database(database)?.give(&File::open(folder)?)?;
            }
        }
        tempfile::tempfile_in(folder).map(drop)
    };
    create().map_err(StoreError::at(folder))
}
