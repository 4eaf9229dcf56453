//! Finds the refused submissions of a person or of a lead, and erases them.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::json;

use crate::domain::audit::{AuditEvent, ErasureReason, NewAuditRow};
use crate::domain::lead::Lead;
use crate::domain::person::PersonKey;
use crate::domain::refused::contacts::{self, LeadSender};
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// A refused submission without personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRef {
    pub refused_id: String,
    pub received_at_utc: Timestamp,
    #[serde(skip)]
    pub(crate) audit_seq: i64,
}

/// A refused submission that was erased.
#[derive(Debug, Clone, Serialize)]
pub struct ErasedRefused {
    pub refused_id: String,
    pub received_at_utc: Timestamp,
    /// The `seq` of the audit row that records the erasure.
    pub audit_seq: i64,
    /// The `seq` of the row of its arrival.
    #[serde(skip)]
    pub(crate) rejected_seq: i64,
}

/// Reads every body that arrived after an audit row: what was refused has no fields to look in.
pub(crate) fn find_person(
    conn: &Connection,
    person: &PersonKey,
    after_seq: i64,
) -> Result<Vec<RefusedRef>, StoreError> {
    let mut found = Vec::new();
    ReadTx(conn).each_refused(after_seq, &mut |refused, body| {
        if contacts::names(body, person) {
            found.push(RefusedRef {
                refused_id: refused.id.clone(),
                received_at_utc: refused.received_at_utc,
                audit_seq: refused.audit_seq,
            });
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Those that a lead was made of; of those that were sent with its `request_id`, the person's own: a site may give
/// one `request_id` to many.
pub(crate) fn find_of_lead(
    conn: &Connection,
    lead_seq: i64,
    lead_id: &str,
    request_id: &str,
) -> Result<Vec<RefusedRef>, StoreError> {
    let sql = "SELECT audit_seq, id, received_at_utc FROM refused_submission WHERE lead_id = ?1
               UNION SELECT audit_seq, id, received_at_utc FROM refused_submission WHERE request_id = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![lead_id, request_id], to_ref)?;
    let candidates: Vec<RefusedRef> = rows.collect::<Result<_, _>>()?;
    if candidates.is_empty() {
        return Ok(candidates);
    }
    let made_of = ids_made_into(conn, lead_id)?;
    let lead = rows::find_by_audit_seq(conn, lead_seq)?.map(|(lead, _)| lead);
    let mut found = Vec::new();
    for refused in candidates {
        let is_of_person = |lead| {
            let kept = ReadTx(conn).refused(&refused.refused_id)?;
            Ok::<_, StoreError>(
                kept.is_some_and(|(_, body)| contacts::is_of_sender(&body, sender(lead))),
            )
        };
        let is_own = made_of.contains(&refused.refused_id)
            || lead.as_ref().map(is_of_person).transpose()?.unwrap_or(false);
        if is_own {
            found.push(refused);
        }
    }
    Ok(found)
}

fn sender(lead: &Lead) -> LeadSender<'_> {
    LeadSender {
        name: lead.name.as_str(),
        email: lead.email.as_str(),
        phone: lead.phone.as_ref().map(Personal::as_str),
    }
}

/// The ids of the refused submissions that a lead was made of, whether they are still kept or not.
pub(crate) fn ids_made_into(conn: &Connection, lead_id: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT details_json ->> 'refused_id' FROM audit_log
               WHERE lead_id = ?1 AND event IN ('LEAD_RECEIVED', 'REFUSED_RETRIED')
                 AND details_json ->> 'refused_id' IS NOT NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let ids = statement.query_map([lead_id], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The one with this id, if there is one.
pub(crate) fn find_by_id(conn: &Connection, id: &str) -> Result<Vec<RefusedRef>, StoreError> {
    let sql = "SELECT audit_seq, id, received_at_utc FROM refused_submission WHERE id = ?1";
    Ok(conn.prepare_cached(sql)?.query_map([id], to_ref)?.collect::<Result<_, _>>()?)
}

fn to_ref(row: &Row<'_>) -> rusqlite::Result<RefusedRef> {
    Ok(RefusedRef { audit_seq: row.get(0)?, refused_id: row.get(1)?, received_at_utc: row.get(2)? })
}

/// Deletes a refused submission, if it is still kept, and records its erasure.
pub(crate) fn erase(
    tx: &mut WriteTx<'_>,
    refused: &RefusedRef,
    reason: ErasureReason,
    actor: &str,
) -> Result<Option<ErasedRefused>, StoreError> {
    let sql = "DELETE FROM refused_submission WHERE audit_seq = ?1 AND id = ?2";
    let RefusedRef { refused_id, received_at_utc, audit_seq: rejected_seq } = refused.clone();
    if tx.conn.prepare_cached(sql)?.execute(params![rejected_seq, refused_id])? == 0 {
        return Ok(None);
    }
    let details = json!({
        "reason": reason,
        "refused_id": refused_id,
        "received_at_utc": received_at_utc,
        "rejected_seq": rejected_seq,
    });
    let position = tx.append(&NewAuditRow {
        event: AuditEvent::RefusedErased,
        actor,
        lead_id: None,
        request_id: None,
        status_code: None,
        details_json: Some(&details.to_string()),
    })?;
    Ok(Some(ErasedRefused { refused_id, received_at_utc, audit_seq: position.seq, rejected_seq }))
}
