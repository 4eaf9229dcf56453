//! Keeps what is refused, in the transaction of its audit row.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::domain::audit::{ACTOR_SITE, AuditEvent, NewAuditRow};
use crate::domain::field_error;
use crate::domain::refused::RefusedSubmission;
use crate::store::error::StoreError;
use crate::store::tx::WriteTx;

/// Rows that are kept, at most.
pub const MAX_ROWS: i64 = 10_000;
/// Bytes of bodies that are kept, at most.
pub const MAX_BYTES: i64 = 64 << 20;
/// Rows that make room for one, at most: leads wait meanwhile. A large body takes the place of many small ones.
const MAX_EVICTED: usize = 512;

/// Records a refused submission in the audit log, by the names of its invalid fields; with a fingerprint, also
/// keeps it. The same again is counted with the first.
///
/// # Errors
/// [`StoreError::DiskReserve`], or the database's own.
pub fn reject(
    tx: &mut WriteTx<'_>,
    refused: &RefusedSubmission,
    fingerprint: Option<&[u8; 32]>,
) -> Result<(), StoreError> {
    tx.check_disk_reserve()?;
    let details = serde_json::json!({ "fields": field_error::field_names(&refused.faults) });
    let request_id = refused.request_id.map(|id| id.to_string());
    let position = tx.append(&NewAuditRow {
        event: AuditEvent::LeadRejected,
        actor: ACTOR_SITE,
        lead_id: None,
        request_id: request_id.as_deref(),
        status_code: Some(refused.status_code),
        details_json: Some(&details.to_string()),
    })?;
    let Some(fingerprint) = fingerprint else { return Ok(()) };
    let sql =
        "UPDATE refused_submission SET times = times + 1, last_at_utc = ?2 WHERE fingerprint = ?1";
    if tx.conn.prepare_cached(sql)?.execute(params![fingerprint, tx.now()])? > 0 {
        return Ok(());
    }
    let mut id = Uuid::encode_buffer();
    let id: &str = tx.new_id().hyphenated().encode_lower(&mut id);
    let sql = "INSERT INTO refused_submission (audit_seq, id, received_at_utc, status_code, faults_json, media_type,
                   content_encoding, request_id, size, fingerprint, last_at_utc)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?3)";
    tx.conn.prepare_cached(sql)?.execute(params![
        position.seq,
        id,
        tx.now(),
        refused.status_code,
        refused.faults_json(),
        refused.media_type,
        refused.content_encoding,
        request_id,
        i64::try_from(refused.body.len()).unwrap_or(i64::MAX),
        fingerprint,
    ])?;
    let sql = "INSERT INTO refused_body (audit_seq, body) VALUES (?1, ?2)";
    tx.conn.prepare_cached(sql)?.execute(params![position.seq, &refused.body[..]])?;
    make_room(tx)
}

/// Removes the oldest rows while there are more than the limits allow.
fn make_room(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    let mut evicted = 0;
    while evicted < MAX_EVICTED && is_over_limit(tx.conn)? {
        let sql = "DELETE FROM refused_submission
                   WHERE audit_seq = (SELECT min(audit_seq) FROM refused_submission)";
        match tx.conn.prepare_cached(sql)?.execute([])? {
            0 => break,
            rows => evicted += rows,
        }
    }
    if evicted > 0 {
        let sql = "UPDATE refused_total SET evicted = evicted + ?1, evicted_at_utc = ?2";
        tx.conn.prepare_cached(sql)?.execute(params![evicted as i64, tx.now()])?;
    }
    Ok(())
}

fn is_over_limit(conn: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT kept_rows > 1 AND (kept_rows > ?1 OR kept_bytes > ?2) FROM refused_total";
    let over = conn
        .prepare_cached(sql)?
        .query_row(params![MAX_ROWS, MAX_BYTES], |row| row.get(0))
        .optional()?;
    Ok(over.unwrap_or(false))
}

/// Adds to the counts of what was refused and not kept.
///
/// # Errors
/// The database's own.
pub fn add_counts(tx: &WriteTx<'_>, over_budget: u64, too_large: u64) -> Result<(), StoreError> {
    let sql = "UPDATE refused_total SET over_budget = over_budget + ?1, too_large = too_large + ?2";
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    tx.conn.prepare_cached(sql)?.execute([number(over_budget), number(too_large)])?;
    Ok(())
}
