//! SQLite's own check of a database file: what no row shows.

use std::path::Path;

use rusqlite::Connection;

use crate::store::db::open;
use crate::store::error::StoreError;

/// The name of the search index, with which its tables' names begin; messages about them contain it.
const SEARCH_INDEX: &str = "lead_search";
/// Faults beyond this number are not listed.
const MAX_FAULTS: usize = 20;
/// The page cache, in KiB (negative, as `PRAGMA cache_size` wants it). Every row is looked up in every
/// index, in no order: with SQLite's default of 2 MiB, the same pages are read again and again.
const CACHE_SIZE: i32 = -16 * 1024;

/// What SQLite's integrity check has found.
#[derive(Debug, Default)]
pub struct IntegrityReport {
    /// Indexes that lack a row (the triggers and the intake look rows up in them), pages that belong to
    /// nothing.
    pub faults: Vec<String>,
    /// Faults of the search index, which can be built again from the leads.
    pub index_faults: Vec<String>,
}

/// Runs SQLite's integrity check.
pub(crate) fn check(conn: &Connection) -> Result<IntegrityReport, StoreError> {
    conn.pragma_update(None, "cache_size", CACHE_SIZE)?;
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check({MAX_FAULTS})"))?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    let texts = texts.into_iter().filter(|text| text != "ok").map(|text| text.replace('\n', "; "));
    let (index_faults, faults) = texts.partition(|text| text.contains(SEARCH_INDEX));
    Ok(IntegrityReport { faults, index_faults })
}

/// Opens a database file and runs SQLite's integrity check.
///
/// # Errors
/// The file cannot be read at all.
pub fn check_file(path: &Path) -> Result<IntegrityReport, StoreError> {
    check(&open::read_only(path)?)
}
