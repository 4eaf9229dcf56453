//! Records that a lead was opened.

use rusqlite::OptionalExtension;

use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::store::error::StoreError;
use crate::store::tx::WriteTx;

/// Records that `actor` opened a lead. Returns whether the lead is stored.
///
/// # Errors
/// The database's own.
pub fn record_view(tx: &mut WriteTx<'_>, id: &str, actor: &str) -> Result<bool, StoreError> {
    let sql = "SELECT id, request_id FROM lead_inbox WHERE id = ?1 OR request_id = ?1";
    let lead = tx.conn.prepare_cached(sql)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((id, request_id)): Option<(String, String)> = lead.optional()? else {
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
    Ok(true)
}
