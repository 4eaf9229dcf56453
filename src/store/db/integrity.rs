//! SQLite's own check of a database file: what no row shows.

use std::path::Path;

use rusqlite::Connection;

use crate::store::db::open;
use crate::store::error::StoreError;

/// Faults beyond this number are not listed.
const MAX_FAULTS: usize = 20;
/// The page cache, in KiB (negative, as `PRAGMA cache_size` wants it). Every row is looked up in every
/// index, in no order: with SQLite's default of 2 MiB, the same pages are read again and again.
const CACHE_SIZE: i32 = -16 * 1024;

/// Runs SQLite's integrity check: indexes that lack a row (the triggers and the intake look rows up in
/// them), pages that belong to nothing. Returns the faults.
pub(crate) fn check(conn: &Connection) -> Result<Vec<String>, StoreError> {
    conn.pragma_update(None, "cache_size", CACHE_SIZE)?;
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check({MAX_FAULTS})"))?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    Ok(texts.into_iter().filter(|text| text != "ok").map(|text| text.replace('\n', "; ")).collect())
}

/// Opens a database file and runs SQLite's integrity check.
///
/// # Errors
/// The file cannot be read at all.
pub fn check_file(path: &Path) -> Result<Vec<String>, StoreError> {
    check(&open::read_only(path)?)
}
