//! Files next to a database that contain leads and that nobody needs any more: copies that a restore or a
//! migration has set aside, and what was not finished. A server deletes them after 30 days.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::app::atomic_file;
use crate::app::db::Db;
use crate::app::status::clock_check;
use crate::domain::staff::SessionCutoffs;
use crate::store;
use crate::store::error::StoreError;
use crate::store::paths::folder_of;

/// What is not finished after this long will not be: nothing takes that long to write.
const UNFINISHED_AGE: Duration = Duration::from_secs(3600);
/// After this long, leftovers are deleted.
pub(crate) const MAX_AGE_DAYS: u64 = 30;

/// A leftover file.
pub(crate) struct Leftover {
    pub(crate) path: PathBuf,
    age: Duration,
}

/// The leftovers of a database as of a time.
pub(crate) fn list(database: &Path, now: SystemTime) -> Vec<Leftover> {
    let name = database.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = fs::read_dir(folder_of(database)).into_iter().flatten().flatten();
    let leftover = |entry: fs::DirEntry| {
        let file = entry.file_name().to_string_lossy().into_owned();
        let suffix = file.strip_prefix(&name).unwrap_or_default();
        let is_set_aside =
            [".before-migration", ".before-restore"].iter().any(|old| suffix.starts_with(old));
        let is_temporary = suffix.ends_with(".partial")
            || suffix.starts_with(".backup-")
            || atomic_file::is_temporary_name(&file);
        let meta = entry.metadata().ok()?;
        // To set a file aside changes its inode, and not the time of its content.
        let changed = if is_set_aside { meta.ctime() } else { meta.mtime() };
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(changed).ok()?);
        let age = now.duration_since(changed).unwrap_or_default();
        let is_leftover = is_set_aside || (is_temporary && age > UNFINISHED_AGE);
        is_leftover.then(|| Leftover { path: entry.path(), age })
    };
    let mut leftovers: Vec<Leftover> = entries.filter_map(leftover).collect();
    leftovers.sort_by(|a, b| a.path.cmp(&b.path));
    leftovers
}

/// Deletes what is old, and ended sessions.
pub(crate) fn clean(db: &Db) {
    if let Err(error) = delete_old(db) {
        tracing::warn!(%error, "old copies of the database could not be deleted");
    }
}

fn delete_old(db: &Db) -> Result<(), StoreError> {
    let now = db.clock().now();
    db.write_blocking(move |tx| {
        store::staff::invitations::remove_expired(tx)?;
        store::staff::sessions::close_ended_sessions(tx, &SessionCutoffs::at(now.into()))
    })?;
    if clock_check::implausible(db.path(), db.clock())?.is_some() {
        return Ok(());
    }
    let max_age = Duration::from_secs(MAX_AGE_DAYS * 24 * 3600);
    for leftover in list(db.path(), now.into()).into_iter().filter(|file| file.age > max_age) {
        let path = leftover.path;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(StoreError::at(&path)(e)),
            _ => tracing::info!(file = %path.display(), "deleted an old copy of the database"),
        }
    }
    Ok(())
}
