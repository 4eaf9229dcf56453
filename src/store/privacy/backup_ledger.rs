//! The ledgers in folders of backups. Every backup adds the erasures so far to the one in its folder, so
//! that an older backup there, restored on another machine, is erased from as well.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::store::db::open;
use crate::store::error::StoreError;
use crate::store::paths::{folder_of, no_follow};
use crate::store::privacy::ledger::{self, ErasureLedger, Erasures, SUFFIX};

/// A ledger that a restore applies.
pub(crate) struct FoundLedger {
    pub(crate) path: PathBuf,
    pub(crate) erasures: Erasures,
}

/// Adds every erasure of a database to the ledger in a folder of backups. It has the name of the database's
/// own: copied next to a database, with or without a backup, it is that database's.
///
/// # Errors
/// The database or its ledger cannot be read; the one in the folder cannot be read or written, or is damaged.
/// It keeps what it contains.
pub fn add_erasures(database: &Path, folder: &Path) -> Result<(), StoreError> {
    let same_folder = |a: &Path, b: &Path| Some(a.canonicalize().ok()? == b.canonicalize().ok()?);
    if same_folder(folder, folder_of(database)) == Some(true) {
        return ErasureLedger::open_complete(database).map(drop);
    }
    let erasures = all_erasures(database)?;
    // Whoever may write in the folder could make root write to another file through a link.
    ErasureLedger::open_at(&path_in(folder, database), database, no_follow())?.record(&erasures)
}

/// How many erased leads are missing from the ledger in a folder of backups.
///
/// # Errors
/// The database or a ledger cannot be read, or is damaged.
pub fn count_missing(database: &Path, folder: &Path) -> Result<usize, StoreError> {
    let erasures = all_erasures(database)?;
    let there = ledger::read(&path_in(folder, database))?.unwrap_or_default();
    Ok(erasures.leads.difference(&there.leads).count())
}

/// The ledger of a database in a folder of backups.
#[must_use]
pub fn path_in(folder: &Path, database: &Path) -> PathBuf {
    folder.join(ledger::path(database).file_name().unwrap_or_default())
}

/// The ledgers for a restore: that of the database, and every file in the folder of the backup whose name
/// ends with `.erased`. More of them erase no more than what was erased somewhere; but one that is left out
/// lets a person come back, so one that cannot be read is an error.
///
/// # Errors
/// The folder or a ledger cannot be read; a ledger is damaged, cut short among others: it may be a copy.
pub(crate) fn find(database: &Path, folder: &Path) -> Result<Vec<FoundLedger>, StoreError> {
    let own = ledger::path(database);
    let inode = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let mut found: Vec<FoundLedger> = ledger::read(&own)?
        .map(|erasures| FoundLedger { path: own.clone(), erasures })
        .into_iter()
        .collect();
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::at(folder))? {
        let path = entry.map_err(StoreError::at(folder))?.path();
        if path.as_os_str().as_encoded_bytes().ends_with(SUFFIX.as_bytes()) {
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        let fail = StoreError::at(&path);
        if !fs::metadata(&path).map_err(fail)?.is_file() || inode(&path) == inode(&own) {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path).map_err(fail)?).into_owned();
        let erasures = Erasures::parse(&path, &text)?;
        found.push(FoundLedger { path, erasures });
    }
    Ok(found)
}

/// The erasures in the audit log of a database and in its ledger.
fn all_erasures(database: &Path) -> Result<Erasures, StoreError> {
    let mut erasures = Erasures::in_log(&open::read_only(database)?)?;
    erasures.extend(ledger::read(&ledger::path(database))?.unwrap_or_default());
    Ok(erasures)
}
