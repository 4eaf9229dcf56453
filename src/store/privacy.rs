//! What is held on a person, found and deleted.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::tx::WriteTx;
use super::{lead, search};
use crate::domain::audit::{Event, NewEvent};
use crate::domain::chain::Receipt;
use crate::domain::email;

/// Whose leads.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Everyone's who wrote from this address: as it is before the `@`, the domain in any case
    /// and any of its spellings.
    Address(String),
    /// The one lead of this id or `request_id`.
    Lead(String),
    /// All that came before this moment (as stored), the oldest first, and no more than so many.
    Before(String, u32),
}

/// A lead by what may be told of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    pub lead_id: String,
    pub created_at_utc: String,
    #[serde(skip)]
    audit_seq: i64,
    #[serde(skip)]
    request_id: String,
}

/// A lead that was erased, and the audit row that tells of it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Erased {
    pub lead_id: String,
    pub created_at_utc: String,
    pub audit_seq: i64,
}

const COLUMNS: &str = "SELECT audit_seq, id, request_id, created_at_utc, email FROM lead_inbox";

/// Finds leads that came behind a place in the audit log.
pub(super) fn find(
    conn: &Connection,
    whose: &Whose,
    behind: i64,
) -> Result<Vec<Found>, StoreError> {
    let sql = |condition: &str| format!("{COLUMNS} WHERE audit_seq > ?1 AND {condition}");
    let found = match whose {
        Whose::Address(address) => {
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
        Whose::Lead(id) => conn
            .prepare_cached(&sql("(id = ?2 OR request_id = ?2) ORDER BY id = ?2 DESC LIMIT 1"))?
            .query_map(params![behind, id], row_to_found)?
            .collect::<Result<_, _>>(),
        Whose::Before(moment, most) => conn
            .prepare_cached(&sql("created_at_utc < ?2 ORDER BY created_at_utc LIMIT ?3"))?
            .query_map(params![behind, moment, most], row_to_found)?
            .collect::<Result<_, _>>(),
    };
    Ok(found?)
}

/// How many leads came before a moment, and when the oldest did.
pub(super) fn count_before(
    conn: &Connection,
    moment: &str,
) -> Result<(u64, Option<String>), StoreError> {
    let sql = "SELECT count(*), min(created_at_utc) FROM lead_inbox WHERE created_at_utc < ?1";
    Ok(conn
        .query_row(sql, [moment], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))?)
}

/// The leads whose erasure the audit log tells of.
pub(super) fn erased_ids(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT lead_id FROM audit_log WHERE event = 'LEAD_ERASED' AND lead_id IS NOT NULL";
    let mut statement = conn.prepare(sql)?;
    let ids = statement.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Whether the audit log tells of the erasure of a lead by its id or `request_id`.
pub(super) fn was_erased(conn: &Connection, id: &str) -> Result<bool, StoreError> {
    let sql =
        "SELECT 1 FROM audit_log WHERE event = 'LEAD_ERASED' AND (lead_id = ?1 OR request_id = ?1)";
    Ok(conn.query_row(sql, [id], |_| Ok(())).optional()?.is_some())
}

/// Deletes a lead, if it is there, and all that was made from it, behind the audit row that tells
/// of it.
pub(super) fn erase(
    tx: &mut WriteTx<'_>,
    found: &Found,
    reason: &str,
    actor: &str,
) -> Result<Option<Erased>, StoreError> {
    let Some((content, _)) = lead::arrived(tx.conn, found.audit_seq)? else {
        return Ok(None);
    };
    let details = serde_json::json!({ "reason": reason }).to_string();
    let Receipt { seq, .. } = tx.append(&NewEvent {
        event: Event::LeadErased,
        actor,
        lead_id: Some(&found.lead_id),
        request_id: Some(&found.request_id),
        status_code: None,
        details_json: Some(&details),
    })?;
    // `lead_status` goes with it by its foreign key. Whatever else is made from a lead's content
    // and does not is deleted here.
    search::forget(tx.conn, &content)?;
    let sql = "DELETE FROM lead_inbox WHERE audit_seq = ?1";
    tx.conn.prepare_cached(sql)?.execute([found.audit_seq])?;
    Ok(Some(Erased {
        lead_id: found.lead_id.clone(),
        created_at_utc: found.created_at_utc.clone(),
        audit_seq: seq,
    }))
}

fn row_to_found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        audit_seq: row.get(0)?,
        lead_id: row.get(1)?,
        request_id: row.get(2)?,
        created_at_utc: row.get(3)?,
    })
}
