//! What `check` asks a database about, beside the proof of its rows.

use std::path::Path;

use rusqlite::Connection;

use crate::store::db::open;
use crate::store::error::StoreError;

/// More faults of the file than these are not told.
const MOST: usize = 20;
/// In KiB. Every row is looked up in every index, and one of these is in no order: with SQLite's
/// own 2 MiB, most of the time goes into reading the same pages again.
const CACHE: i32 = -16 * 1024;

/// Asks SQLite about what no row shows: the indexes, which the triggers and the intake look rows
/// up in, and pages that belong to nothing.
pub(crate) fn file(conn: &Connection) -> Result<Vec<String>, StoreError> {
    conn.pragma_update(None, "cache_size", CACHE)?;
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    Ok(texts.into_iter().filter(|text| text != "ok").map(|text| text.replace('\n', "; ")).collect())
}

/// Runs SQLite's integrity check on a database file: indexes that lack a row, pages that belong to
/// nothing.
///
/// # Errors
/// The file cannot be read at all.
pub fn check_file(path: &Path) -> Result<Vec<String>, StoreError> {
    file(&open::read_only(path)?)
}
