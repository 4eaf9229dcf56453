//! What `check` asks a database about, beside the proof of its rows.

use std::path::Path;

use rusqlite::Connection;

use super::error::StoreError;
use super::privacy::{self, Whose};
use super::{ledger, open};

/// More faults of the file than these are not told.
const MOST: usize = 20;
/// In KiB. Every row is looked up in every index, and one of these is in no order: with SQLite's
/// own 2 MiB, most of the time goes into reading the same pages again.
const CACHE: i32 = -16 * 1024;

/// Asks SQLite about what no row shows: the indexes, which the triggers and the intake look rows
/// up in, and pages that belong to nothing.
pub(super) fn file(conn: &Connection) -> Result<Vec<String>, StoreError> {
    conn.pragma_update(None, "cache_size", CACHE)?;
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    Ok(texts.into_iter().filter(|text| text != "ok").map(|text| text.replace('\n', "; ")).collect())
}

/// How the ledger and the audit log agree: leads in the ledger that are still there, and leads
/// whose erasure the log tells of and the ledger does not.
pub(super) fn ledger(path: &Path) -> Result<(usize, usize), StoreError> {
    let conn = open::read_only(path)?;
    // The ledger first: an erasure that is under way notes its leads there before.
    let erased = privacy::erased_ids(&conn)?;
    let noted = ledger::read(path)?;
    let mut there = 0;
    for id in &noted {
        there += privacy::find(&conn, &Whose::Lead(id.to_string()), 0)?.len();
    }
    let parsed = erased.iter().filter_map(|id| crate::domain::id::LeadId::parse(id));
    Ok((there, parsed.filter(|id| !noted.contains(id)).count()))
}
