//! Who opened a lead: each time is an audit row, and `lead_view` has the first and the last.

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::store::error::StoreError;
use crate::store::tx::WriteTx;

/// Records that `actor` opened a lead. Returns whether the lead is stored.
///
/// # Errors
/// The database's own.
pub fn record_view(tx: &mut WriteTx<'_>, id: &str, actor: &str) -> Result<bool, StoreError> {
    let sql = "SELECT audit_seq, id, request_id FROM lead_inbox WHERE id = ?1 OR request_id = ?1";
    let keys = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let lead = tx.conn.prepare_cached(sql)?.query_row([id], keys);
    let Some((audit_seq, id, request_id)): Option<(i64, String, String)> = lead.optional()? else {
        return Ok(false);
    };
    tx.append(&NewAuditRow {
        event: AuditEvent::LeadViewed,
        actor,
        lead_id: Some(&id),
        request_id: Some(&request_id),
        status_code: None,
        details_json: None,
    })?;
    let sql = "INSERT INTO lead_view (audit_seq, first_by, first_at_utc, last_by, last_at_utc)
               VALUES (?1, ?2, ?3, ?2, ?3)
               ON CONFLICT (audit_seq) DO UPDATE
               SET last_by = excluded.last_by, last_at_utc = excluded.last_at_utc";
    tx.conn.prepare_cached(sql)?.execute(params![audit_seq, actor, tx.now()])?;
    Ok(true)
}

/// Rebuilds `lead_view` from the audit log. Returns the number of leads that somebody has opened.
///
/// # Errors
/// The database's own.
pub fn rebuild_views(tx: &mut WriteTx<'_>) -> Result<usize, StoreError> {
    tx.conn.execute("DELETE FROM lead_view", [])?;
    Ok(tx.conn.execute(include_str!("rebuild_views.sql"), [])?)
}
