//! Leads of the service that FASTCore replaces, stored with their ids, times and statuses.

use serde::Serialize;

use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::domain::hash_chain::LeadDigestInput;
use crate::domain::lead::LeadService;
use crate::domain::lead::postgres_row::ImportedLead;
use crate::domain::lead::status::LeadStatus;
use crate::domain::text::Personal;
use crate::store::error::StoreError;
use crate::store::leads::request_id::{self, RequestIdState};
use crate::store::leads::rows;
use crate::store::tx::WriteTx;

/// The result of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    Imported,
    /// Its `request_id` is stored already, whatever else the row has.
    Present,
    /// The lead was erased here and must not come back.
    Erased,
    /// Another lead has its id.
    IdTaken,
}

/// Stores a lead with its audit row, unless it is stored already or was erased.
///
/// # Errors
/// The database's own.
pub fn import(
    tx: &mut WriteTx<'_>,
    lead: &ImportedLead,
    actor: &str,
) -> Result<ImportOutcome, StoreError> {
    let (id, request_id) = (lead.id.to_string(), lead.request_id.to_string());
    match request_id::state(tx.conn, &request_id)? {
        RequestIdState::Stored => return Ok(ImportOutcome::Present),
        RequestIdState::Erased => return Ok(ImportOutcome::Erased),
        RequestIdState::Unknown => {}
    }
    let exists = |sql| Ok::<_, StoreError>(tx.conn.prepare_cached(sql)?.exists([&id])?);
    if exists("SELECT 1 FROM audit_log WHERE lead_id = ?1 AND event = 'LEAD_ERASED'")? {
        return Ok(ImportOutcome::Erased);
    }
    if exists("SELECT 1 FROM lead_inbox WHERE id = ?1")? {
        return Ok(ImportOutcome::IdTaken);
    }
    insert(tx, lead, &id, &request_id, actor)?;
    Ok(ImportOutcome::Imported)
}

/// `details_json` of `LEAD_IMPORTED`.
#[derive(Serialize)]
struct ImportedDetails<'a> {
    source: &'a str,
    status: LeadStatus,
    lead_digest: String,
}

fn insert(
    tx: &mut WriteTx<'_>,
    lead: &ImportedLead,
    id: &str,
    request_id: &str,
    actor: &str,
) -> Result<(), StoreError> {
    let salt: [u8; 16] = rand::random();
    let columns = LeadDigestInput {
        salt: &salt,
        id,
        created_at_utc: &lead.created_at_utc.to_string(),
        name: lead.name.as_str(),
        email: lead.email.as_str(),
        phone: lead.phone.as_ref().map(Personal::as_str),
        company: lead.company.as_ref().map(Personal::as_str),
        service: lead.service.map(LeadService::as_str),
        message: lead.message.as_str(),
        consent: lead.consent,
        source: &lead.source,
        request_id,
        ip_hash: &lead.ip_hash,
        meta_json: lead.meta_json.as_deref(),
    };
    let details = serde_json::to_string(&ImportedDetails {
        source: &lead.source,
        status: lead.status,
        lead_digest: columns.digest().to_string(),
    })
    .map_err(|e| StoreError::Sqlite(e.to_string()))?;
    let receipt = tx.append(&NewAuditRow {
        event: AuditEvent::LeadImported,
        actor,
        lead_id: Some(id),
        request_id: Some(request_id),
        status_code: None,
        details_json: Some(&details),
    })?;
    rows::insert(tx.conn, receipt.seq, &columns, lead.status)
}
