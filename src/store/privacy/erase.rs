//! What is held on a person, found and deleted.

use crate::domain::id::LeadId;
use crate::store::db::open;
use crate::store::privacy::ledger;
use crate::store::privacy::ledger::ErasureLedger;
use crate::store::read::ReadTx;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;

use crate::domain::audit::{AuditEvent, ErasureReason, NewAuditRow};
use crate::domain::email;
use crate::domain::hash_chain::ChainPosition;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads;
use crate::store::search::index;
use crate::store::tx::WriteTx;

/// LeadSelector leads.
#[derive(Debug, Clone)]
pub enum LeadSelector {
    /// Everyone's who wrote from this address: as it is before the `@`, the domain in any case
    /// and any of its spellings.
    Address(String),
    /// The one lead of this id or `request_id`.
    Lead(String),
    /// All that came before this moment (as stored), the oldest first, and no more than so many.
    Before(Timestamp, u32),
}

/// A lead by what may be told of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LeadRef {
    pub lead_id: String,
    pub created_at_utc: Timestamp,
    #[serde(skip)]
    audit_seq: i64,
    #[serde(skip)]
    request_id: String,
}

/// A lead that was erased, and the audit row that tells of it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ErasedLead {
    pub lead_id: String,
    pub created_at_utc: Timestamp,
    pub audit_seq: i64,
}

const COLUMNS: &str = "SELECT audit_seq, id, request_id, created_at_utc, email FROM lead_inbox";

/// Finds leads that came behind a place in the audit log.
pub(crate) fn find(
    conn: &Connection,
    whose: &LeadSelector,
    behind: i64,
) -> Result<Vec<LeadRef>, StoreError> {
    let sql = |condition: &str| format!("{COLUMNS} WHERE audit_seq > ?1 AND {condition}");
    let found = match whose {
        LeadSelector::Address(address) => {
            let wanted = email::comparable(address);
            let mut statement = conn.prepare_cached(&sql("true ORDER BY audit_seq"))?;
            let mut rows = statement.query([behind])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let stored = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
                if email::comparable(stored) == wanted {
                    found.push(row_to_found(row)?);
                }
            }
            return Ok(found);
        }
        LeadSelector::Lead(id) => conn
            .prepare_cached(&sql("(id = ?2 OR request_id = ?2) ORDER BY id = ?2 DESC LIMIT 1"))?
            .query_map(params![behind, id], row_to_found)?
            .collect::<Result<_, _>>(),
        LeadSelector::Before(moment, most) => conn
            .prepare_cached(&sql("created_at_utc < ?2 ORDER BY created_at_utc LIMIT ?3"))?
            .query_map(params![behind, moment, most], row_to_found)?
            .collect::<Result<_, _>>(),
    };
    Ok(found?)
}

/// How many leads came before a moment, and when the oldest did.
pub(crate) fn count_before(
    conn: &Connection,
    time: Timestamp,
) -> Result<(u64, Option<Timestamp>), StoreError> {
    let sql = "SELECT count(*), min(created_at_utc) FROM lead_inbox WHERE created_at_utc < ?1";
    Ok(conn.query_row(sql, [time], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))?)
}

/// The leads whose erasure the audit log tells of.
pub(crate) fn erased_ids(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT lead_id FROM audit_log WHERE event = 'LEAD_ERASED' AND lead_id IS NOT NULL";
    let mut statement = conn.prepare(sql)?;
    let ids = statement.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Whether the audit log tells of the erasure of a lead by its id or `request_id`.
pub(crate) fn was_erased(conn: &Connection, id: &str) -> Result<bool, StoreError> {
    let sql =
        "SELECT 1 FROM audit_log WHERE event = 'LEAD_ERASED' AND (lead_id = ?1 OR request_id = ?1)";
    Ok(conn.query_row(sql, [id], |_| Ok(())).optional()?.is_some())
}

/// Deletes a lead, if it is there, and all that was made from it, behind the audit row that tells
/// of it.
pub(crate) fn erase(
    tx: &mut WriteTx<'_>,
    found: &LeadRef,
    reason: ErasureReason,
    actor: &str,
) -> Result<Option<ErasedLead>, StoreError> {
    let Some((content, _)) = leads::arrived(tx.conn, found.audit_seq)? else {
        return Ok(None);
    };
    let details = serde_json::json!({ "reason": reason }).to_string();
    let ChainPosition { seq, .. } = tx.append(&NewAuditRow {
        event: AuditEvent::LeadErased,
        actor,
        lead_id: Some(&found.lead_id),
        request_id: Some(&found.request_id),
        status_code: None,
        details_json: Some(&details),
    })?;
    // `lead_status` goes with it by its foreign key. Whatever else is made from a lead's content
    // and does not is deleted here.
    index::remove(tx.conn, &content)?;
    let sql = "DELETE FROM lead_inbox WHERE audit_seq = ?1";
    tx.conn.prepare_cached(sql)?.execute([found.audit_seq])?;
    Ok(Some(ErasedLead {
        lead_id: found.lead_id.clone(),
        created_at_utc: found.created_at_utc,
        audit_seq: seq,
    }))
}

fn row_to_found(row: &Row<'_>) -> rusqlite::Result<LeadRef> {
    Ok(LeadRef {
        audit_seq: row.get(0)?,
        lead_id: row.get(1)?,
        request_id: row.get(2)?,
        created_at_utc: row.get(3)?,
    })
}

/// Erases the leads that a read transaction found and that are still there, and those that arrived
/// after an audit row since, if any. Each is recorded in the ledger first.
///
/// # Errors
/// The database's own; the ledger cannot be written.
pub fn erase_leads(
    tx: &mut WriteTx<'_>,
    ledger: &mut ErasureLedger,
    found: &[LeadRef],
    since: Option<(&LeadSelector, i64)>,
    reason: ErasureReason,
    actor: &str,
) -> Result<Vec<ErasedLead>, StoreError> {
    let new = since.map_or(Ok(Vec::new()), |(whose, at)| find(tx.conn, whose, at))?;
    ledger.note(found.iter().chain(&new).map(|lead| lead.lead_id.as_str()))?;
    let erased = found.iter().chain(&new).map(|lead| erase(tx, lead, reason, actor));
    erased.filter_map(Result::transpose).collect()
}

/// Compares the ledger with the audit log: how many leads are in the ledger and still stored, and how
/// many erased leads are missing from it.
///
/// # Errors
/// The database or the ledger cannot be read.
pub fn check_ledger(path: &Path) -> Result<(usize, usize), StoreError> {
    let conn = open::read_only(path)?;
    // The ledger is read second: an erasure in progress records its leads there first.
    let erased = erased_ids(&conn)?;
    let noted = ledger::read(path)?;
    let mut there = 0;
    for id in &noted {
        there += find(&conn, &LeadSelector::Lead(id.to_string()), 0)?.len();
    }
    let parsed = erased.iter().filter_map(|id| LeadId::parse(id));
    Ok((there, parsed.filter(|id| !noted.contains(id)).count()))
}

impl ReadTx<'_> {
    /// Finds the leads of a person or a time.
    ///
    /// # Errors
    /// The database's own.
    pub fn find(&self, whose: &LeadSelector) -> Result<Vec<LeadRef>, StoreError> {
        find(self.0, whose, 0)
    }

    /// How many leads arrived before a moment, and when the oldest did.
    ///
    /// # Errors
    /// The database's own.
    pub fn count_before(&self, time: Timestamp) -> Result<(u64, Option<Timestamp>), StoreError> {
        count_before(self.0, time)
    }

    /// The ids of the leads whose erasure the audit log records.
    ///
    /// # Errors
    /// The database's own.
    pub fn erased_ids(&self) -> Result<Vec<String>, StoreError> {
        erased_ids(self.0)
    }

    /// Whether the audit log records the erasure of a lead, by its id or `request_id`.
    ///
    /// # Errors
    /// The database's own.
    pub fn was_erased(&self, id: &str) -> Result<bool, StoreError> {
        was_erased(self.0, id)
    }
}
