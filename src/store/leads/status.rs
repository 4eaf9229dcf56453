//! The present status of leads: changes are audit rows, and `lead_status` is what they add up to.

use rusqlite::params;
use serde_json::json;

use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::domain::lead::status::LeadStatus;
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::tx::WriteTx;

/// Records a change of a lead's status. Returns the status before; nothing is written if it is the
/// same. `None` if no lead has this id or `request_id`.
///
/// # Errors
/// The database's own.
pub fn set_status(
    tx: &mut WriteTx<'_>,
    id: &str,
    to: LeadStatus,
    actor: &str,
) -> Result<Option<LeadStatus>, StoreError> {
    let Some(lead) = rows::find(tx.conn, id)? else {
        return Ok(None);
    };
    if lead.status == to {
        return Ok(Some(lead.status));
    }
    let details = json!({ "from": lead.status, "to": to }).to_string();
    tx.append(&NewAuditRow {
        event: AuditEvent::LeadProcessed,
        actor,
        lead_id: Some(&lead.id),
        request_id: Some(&lead.request_id),
        status_code: None,
        details_json: Some(&details),
    })?;
    let sql = "INSERT INTO lead_status (audit_seq, status) VALUES (?1, ?2)
               ON CONFLICT (audit_seq) DO UPDATE SET status = excluded.status";
    tx.conn.prepare_cached(sql)?.execute(params![lead.audit_seq, to])?;
    Ok(Some(lead.status))
}

/// Rebuilds `lead_status` from the last change of each lead in the audit log. Returns the number of
/// leads with a change.
///
/// # Errors
/// The database's own.
pub fn rebuild_status(tx: &mut WriteTx<'_>) -> Result<usize, StoreError> {
    tx.conn.execute("DELETE FROM lead_status", [])?;
    Ok(tx.conn.execute(include_str!("rebuild_status.sql"), [])?)
}
