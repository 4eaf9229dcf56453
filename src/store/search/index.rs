//! The index that leads are found by: their words and service, and apart from these their status.
//! It follows the audit log some moments behind, so that no lead waits for it; what it has not come
//! to yet is looked at directly by [`crate::store::leads::query`].

use crate::store::read::ReadTx;
use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::domain::audit::AuditEvent;
use crate::domain::cursor::Cursor;
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService};
use crate::domain::recorded::Recorded;
use crate::domain::search_terms::{TOKENIZER_VERSION, each_word};
use crate::store::error::StoreError;
use crate::store::leads;
use crate::store::tx::WriteTx;

/// Beginnings of words, up to so many characters, have lists of their own; as in the migration.
pub(crate) const MAX_PREFIX_LEN: usize = 9;
/// The bits of a row key that tell apart what was stored in the same microsecond.
pub(crate) const LOW_BITS: u32 = 10;

/// Up to which audit row the index has come; nothing of it counts where words were split by other
/// rules.
pub(crate) fn indexed_through(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT followed FROM lead_search_place WHERE rules = ?1";
    let indexed_through =
        conn.prepare_cached(sql)?.query_row([TOKENIZER_VERSION], |row| row.get(0)).optional()?;
    Ok(indexed_through.unwrap_or(0))
}

/// How many audit rows are still ahead of the index.
pub(crate) fn lag(conn: &Connection) -> Result<i64, StoreError> {
    Ok(crate::store::audit::query::head(conn)?.seq - indexed_through(conn)?)
}

/// Takes the index so many audit rows further along the audit log.
pub fn index_next(tx: &mut WriteTx<'_>, step: u32) -> Result<(), StoreError> {
    let conn = tx.conn;
    reset_if_stale(conn)?;
    let from = indexed_through(conn)?;
    let mut statement = conn.prepare_cached(
        "SELECT seq, event, lead_id, details_json ->> 'to'
         FROM audit_log WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![from, step])?;
    let mut to = from;
    while let Some(row) = rows.next()? {
        to = row.get(0)?;
        follow(conn, to, row)?;
    }
    conn.prepare_cached("UPDATE lead_search_place SET followed = ?1")?.execute([to])?;
    Ok(())
}

fn follow(conn: &Connection, seq: i64, row: &Row<'_>) -> Result<(), StoreError> {
    match row.get::<_, Recorded<AuditEvent>>(1)?.known() {
        Some(AuditEvent::LeadReceived | AuditEvent::LeadImported) => {
            // None where the lead was erased since.
            if let Some((lead, status)) = leads::arrived(conn, seq)? {
                let sql = "INSERT INTO lead_search (rowid, words) VALUES (?1, ?2)";
                conn.prepare_cached(sql)?.execute(params![key(Cursor::of(&lead)), words(&lead)])?;
                set_status(conn, &lead, status)?;
            }
        }
        Some(AuditEvent::LeadProcessed) => {
            let (id, to): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            if let (Some(id), Some(to)) = (id, to.as_deref().and_then(LeadStatus::parse))
                && let Some(lead) = leads::find(conn, &id)?
            {
                drop_status(conn, &lead)?;
                set_status(conn, &lead, to)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Empties an index of words that were split by other rules: by which ones, nobody knows any more.
fn reset_if_stale(conn: &Connection) -> Result<(), StoreError> {
    if conn
        .prepare_cached("SELECT 1 FROM lead_search_place WHERE rules <> ?1")?
        .exists([TOKENIZER_VERSION])?
    {
        conn.execute_batch(
            "INSERT INTO lead_search (lead_search) VALUES ('delete-all');
             DELETE FROM lead_search_status",
        )?;
        conn.execute("UPDATE lead_search_place SET followed = 0, rules = ?1", [TOKENIZER_VERSION])?;
    }
    Ok(())
}

/// Takes everything of a lead out of the index, in the transaction that erases it.
pub(crate) fn remove(conn: &Connection, lead: &Lead) -> Result<(), StoreError> {
    reset_if_stale(conn)?;
    if lead.audit_seq <= indexed_through(conn)? {
        // The words have to be those that were added.
        let sql = "INSERT INTO lead_search (lead_search, rowid, words) VALUES ('delete', ?1, ?2)";
        conn.prepare_cached(sql)?.execute(params![key(Cursor::of(lead)), words(lead)])?;
        drop_status(conn, lead)?;
    }
    Ok(())
}

fn set_status(conn: &Connection, lead: &Lead, status: LeadStatus) -> Result<(), StoreError> {
    let sql = "INSERT INTO lead_search_status (status, key, audit_seq, service)
               VALUES (?1, ?2, ?3, ?4)";
    let service = lead.service.map_or("", LeadService::as_str);
    let row = params![status, key(Cursor::of(lead)), lead.audit_seq, service];
    conn.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Whichever status it is.
fn drop_status(conn: &Connection, lead: &Lead) -> Result<(), StoreError> {
    let sql = "DELETE FROM lead_search_status WHERE status = ?1 AND key = ?2 AND audit_seq = ?3";
    let mut statement = conn.prepare_cached(sql)?;
    for status in LeadStatus::ALL {
        statement.execute(params![status, key(Cursor::of(lead)), lead.audit_seq])?;
    }
    Ok(())
}

/// The row key of a lead in the index. Two leads can only share one where both came by an import,
/// of the same microsecond; whoever reads the index looks at the leads themselves as well.
pub(crate) fn key(place: Cursor) -> i64 {
    (place.micros.clamp(0, i64::MAX >> LOW_BITS) << LOW_BITS) | (place.seq & low_mask())
}

pub(crate) fn low_mask() -> i64 {
    (1 << LOW_BITS) - 1
}

/// The words that a lead is found by, each once.
fn words(lead: &Lead) -> String {
    let mut words = BTreeSet::new();
    for text in leads::searched(lead) {
        each_word(text, |word| {
            words.insert(word.to_owned());
        });
    }
    words.insert(service_word(lead.service));
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// No word of a text has an underscore.
pub(crate) fn service_word(service: Option<LeadService>) -> String {
    format!("_s{}", service.map_or("", LeadService::as_str))
}

impl ReadTx<'_> {
    /// How many audit rows the search index has not processed yet.
    ///
    /// # Errors
    /// The database's own.
    pub fn search_lag(&self) -> Result<i64, StoreError> {
        lag(self.0)
    }
}
