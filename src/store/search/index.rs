//! The index that leads are searched with: their words and service, and apart from these their status and
//! whether somebody has opened them.
//! It follows the audit log in steps of its own, so that no lead waits for it; leads that it has not
//! processed yet are looked at one by one ([`crate::store::search::unindexed`]).

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, params_from_iter};

use crate::domain::audit::AuditEvent;
use crate::domain::cursor::Cursor;
use crate::domain::filter::Period;
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService};
use crate::domain::person::SamePerson;
use crate::domain::recorded::Recorded;
use crate::domain::search::{TOKENIZER_VERSION, lead_text};
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::read::ReadTx;
use crate::store::search::filter_lists::FilterLists;
use crate::store::tx::WriteTx;

/// Prefixes of words up to this number of characters have lists of their own; as in the migration.
pub(crate) const MAX_PREFIX_LEN: usize = 9;
/// The bits of a key that distinguish leads of the same microsecond.
pub(crate) const LOW_BITS: u32 = 10;
/// Pages that one step of merging writes, roughly.
const MERGE_PAGES: u32 = 16;

/// The last audit row that the index has processed; 0 if it is of another tokenizer.
pub(crate) fn indexed_through(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT indexed_through FROM search_index_state WHERE tokenizer_version = ?1";
    let seq = conn.prepare_cached(sql)?.query_row([TOKENIZER_VERSION], |row| row.get(0));
    Ok(seq.optional()?.unwrap_or(0))
}

/// Indexes the next audit rows: `max_rows`, or fewer once `max_time` has passed. Returns the last one.
///
/// # Errors
/// The database's own.
pub fn index_next(
    tx: &mut WriteTx<'_>,
    max_rows: u32,
    max_time: Duration,
) -> Result<i64, StoreError> {
    let conn = tx.conn;
    let began = Instant::now();
    reset_if_stale(conn)?;
    let from = indexed_through(conn)?;
    let mut statement = conn.prepare_cached(
        "SELECT seq, event, lead_id, details_json ->> 'to'
         FROM audit_log WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![from, max_rows])?;
    let mut to = from;
    while let Some(row) = rows.next()? {
        to = row.get(0)?;
        index_row(conn, to, row)?;
        if began.elapsed() >= max_time {
            break;
        }
    }
    conn.prepare_cached("UPDATE search_index_state SET indexed_through = ?1")?.execute([to])?;
    Ok(to)
}

/// Merges a part of the lists that the steps of the index have left. FTS5 does it by itself only where it
/// must: hundreds of pages at once, while leads wait. Returns whether there is more to merge.
///
/// # Errors
/// The database's own.
pub fn merge_next(tx: &mut WriteTx<'_>) -> Result<bool, StoreError> {
    let changes = tx.conn.total_changes();
    let sql = "INSERT INTO lead_search (lead_search, rank) VALUES ('merge', ?1)";
    tx.conn.prepare_cached(sql)?.execute([MERGE_PAGES])?;
    // The INSERT itself counts as one.
    Ok(tx.conn.total_changes() - changes >= 2)
}

fn index_row(conn: &Connection, seq: i64, row: &Row<'_>) -> Result<(), StoreError> {
    match row.get::<_, Recorded<AuditEvent>>(1)?.known() {
        Some(AuditEvent::LeadReceived | AuditEvent::LeadImported) => {
            // `None` if the lead was erased since.
            if let Some((lead, status)) = rows::find_by_audit_seq(conn, seq)?
                && !lead.is_canary()
            {
                let sql = "INSERT INTO lead_search (rowid, words) VALUES (?1, ?2)";
                conn.prepare_cached(sql)?.execute(params![place(&lead), words(&lead)])?;
                insert_persons(conn, &lead)?;
                insert_listed(conn, &lead, status)?;
            }
        }
        Some(AuditEvent::LeadProcessed) => {
            let (id, to): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            if let (Some(id), Some(to)) = (id, to.as_deref().and_then(LeadStatus::parse))
                && let Some(lead) = rows::find(conn, &id)?
            {
                update_listed(conn, "status = ?3", params![place(&lead), lead.audit_seq, to])?;
            }
        }
        Some(AuditEvent::LeadViewed) => {
            if let Some(id) = row.get::<_, Option<String>>(2)?
                && let Some(lead) = rows::find(conn, &id)?
            {
                update_listed(conn, "opened = 1", params![place(&lead), lead.audit_seq])?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Empties an index that was made with another tokenizer.
fn reset_if_stale(conn: &Connection) -> Result<(), StoreError> {
    let is_stale = "SELECT 1 FROM search_index_state WHERE tokenizer_version <> ?1";
    if conn.prepare_cached(is_stale)?.exists([TOKENIZER_VERSION])? { empty(conn) } else { Ok(()) }
}

/// Empties the index, so that the next steps build it again; also one that is damaged.
///
/// # Errors
/// The database's own.
pub fn reset(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    empty(tx.conn)
}

fn empty(conn: &Connection) -> Result<(), StoreError> {
    // FTS5 reads nothing of the index for this.
    conn.execute_batch(
        "INSERT INTO lead_search (lead_search) VALUES ('delete-all');
         DELETE FROM lead_search_filter;
         DELETE FROM lead_search_person",
    )?;
    let reset = "UPDATE search_index_state SET indexed_through = 0, tokenizer_version = ?1";
    conn.execute(reset, [TOKENIZER_VERSION])?;
    Ok(())
}

/// Removes a lead from the index, in the transaction that erases it. An index that is damaged is emptied
/// instead: nothing of the lead stays in it, and the lead is erased.
pub(crate) fn remove(conn: &Connection, lead: &Lead) -> Result<(), StoreError> {
    conn.execute_batch("SAVEPOINT remove_from_index")?;
    let removed = remove_words(conn, lead).or_else(|error| {
        if error.is_database_wide() {
            return Err(error);
        }
        conn.execute_batch("ROLLBACK TO remove_from_index")?;
        empty(conn)
    });
    conn.execute_batch("RELEASE remove_from_index")?;
    removed
}

fn remove_words(conn: &Connection, lead: &Lead) -> Result<(), StoreError> {
    reset_if_stale(conn)?;
    if lead.audit_seq <= indexed_through(conn)? && !lead.is_canary() {
        // FTS5 needs the words that were inserted.
        let sql = "INSERT INTO lead_search (lead_search, rowid, words) VALUES ('delete', ?1, ?2)";
        conn.prepare_cached(sql)?.execute(params![place(lead), words(lead)])?;
        let sql = "DELETE FROM lead_search_person WHERE person = ?1 AND key = ?2";
        for person in lead_text::person_hashes(&SamePerson::as_in(lead)) {
            conn.prepare_cached(sql)?.execute(params![person, place(lead)])?;
        }
        let sql = format!("DELETE FROM lead_search_filter WHERE {}", is_listed());
        conn.prepare_cached(&sql)?.execute(params![place(lead), lead.audit_seq])?;
    }
    Ok(())
}

/// The condition that a row is that of the lead with a key and an `audit_seq`, whatever its status is.
fn is_listed() -> String {
    format!("{} AND key = ?1 AND audit_seq = ?2", FilterLists::all().condition())
}

/// Adds a lead to those of its person.
fn insert_persons(conn: &Connection, lead: &Lead) -> Result<(), StoreError> {
    // Two leads of the same key are one row.
    let sql = "INSERT OR IGNORE INTO lead_search_person (person, key) VALUES (?1, ?2)";
    for person in lead_text::person_hashes(&SamePerson::as_in(lead)) {
        conn.prepare_cached(sql)?.execute(params![person, place(lead)])?;
    }
    Ok(())
}

/// How many leads of a person are indexed, counted up to `limit`.
pub(crate) fn count_of_person(
    conn: &Connection,
    person: &SamePerson,
    limit: usize,
) -> Result<usize, StoreError> {
    let hashes = lead_text::person_hashes(person);
    let sql = format!(
        "SELECT count(*) FROM (
             SELECT DISTINCT key FROM lead_search_person WHERE person IN ({}) LIMIT {limit}
         )",
        vec!["?"; hashes.len()].join(", ")
    );
    let count = conn.prepare_cached(&sql)?.query_row(params_from_iter(hashes), |row| row.get(0));
    Ok(usize::try_from(count.map(|n: i64| n)?).unwrap_or(0))
}

/// Adds a lead that has just arrived, which nobody can have opened.
fn insert_listed(conn: &Connection, lead: &Lead, status: LeadStatus) -> Result<(), StoreError> {
    let sql = "INSERT INTO lead_search_filter (status, opened, key, audit_seq, service)
               VALUES (?1, 0, ?2, ?3, ?4)";
    let service = lead.service.map_or("", LeadService::as_str);
    conn.prepare_cached(sql)?.execute(params![status, place(lead), lead.audit_seq, service])?;
    Ok(())
}

fn update_listed(conn: &Connection, set: &str, values: &[&dyn ToSql]) -> Result<(), StoreError> {
    let sql = format!("UPDATE lead_search_filter SET {set} WHERE {}", is_listed());
    conn.prepare_cached(&sql)?.execute(values)?;
    Ok(())
}

/// The key of a lead in the index.
fn place(lead: &Lead) -> i64 {
    key(Cursor::of(lead))
}

/// The key of a place in the index. Only imported leads of the same microsecond can share one; whoever
/// reads the index looks at the leads as well.
pub(crate) fn key(place: Cursor) -> i64 {
    (place.micros.clamp(0, i64::MAX >> LOW_BITS) << LOW_BITS) | (place.seq & low_mask())
}

pub(crate) fn low_mask() -> i64 {
    (1 << LOW_BITS) - 1
}

/// The first key of a microsecond.
pub(crate) fn first_key(micros: i64) -> i64 {
    key(Cursor { micros, seq: 0 })
}

/// The last key of a microsecond.
pub(crate) fn last_key(micros: i64) -> i64 {
    key(Cursor { micros, seq: low_mask() })
}

/// The first and the last key of a period.
pub(crate) fn key_bounds(period: &Period) -> (i64, i64) {
    let first = period.since.map_or(0, Timestamp::micros);
    let last = period.until.map_or(i64::MAX, |until| until.micros() - 1);
    (first_key(first), last_key(last))
}

/// The tokens of a lead, each once.
fn words(lead: &Lead) -> String {
    lead_text::index_tokens(lead).into_iter().collect::<Vec<_>>().join(" ")
}

impl ReadTx<'_> {
    /// How many audit rows the search index has not processed yet.
    ///
    /// # Errors
    /// The database's own.
    pub fn search_lag(&self) -> Result<i64, StoreError> {
        Ok(query::last_seq(self.0)? - indexed_through(self.0)?)
    }
}
