//! Stores submissions of the site, each `request_id` once.

use rusqlite::Connection;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::audit::{ACTOR_SITE, AuditEvent, NewAuditRow};
use crate::domain::hash_chain::{ChainPosition, LeadDigestInput};
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService, NewLead};
use crate::domain::refused::contacts::LeadSender;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::error::StoreError;
use crate::store::leads::{request_id, rows};
use crate::store::refused::settle;
use crate::store::tx::WriteTx;

/// A lead that is stored.
#[derive(Debug, Clone)]
pub struct StoredLead {
    pub lead_id: String,
    pub created_at_utc: Timestamp,
    /// The position of the audit row of its arrival.
    pub receipt: ChainPosition,
}

/// The result of a submission.
#[derive(Debug, Clone)]
pub enum SubmitOutcome {
    Created(StoredLead),
    /// The same submission again; the result of the first time.
    Replayed(StoredLead),
    /// The `request_id` is stored with other content; the fields that differ.
    Conflict(Vec<&'static str>),
    /// The `request_id` belonged to a lead that was erased.
    Erased,
}

/// Stores a submission with its audit row, unless its `request_id` is known. When the site sent it, what was
/// refused before of the same person with this `request_id` is settled. `refused_id` is the refused submission that it is made of
/// instead: the caller settles that, and others with its `request_id` may be of other people.
///
/// # Errors
/// The database's own.
pub fn submit(
    tx: &mut WriteTx<'_>,
    lead: &NewLead,
    refused_id: Option<&str>,
) -> Result<SubmitOutcome, StoreError> {
    let request_id = lead.request_id().to_string();
    // Nearly every submission is new, and the table's trigger refuses the others: only then are the
    // queries below needed.
    let refusal = match insert(tx, lead, &request_id, refused_id) {
        Err(error) if error.is_refusal() => error,
        outcome => return outcome.map(SubmitOutcome::Created),
    };
    if let Some(stored) = rows::find_by_request_id(tx.conn, &request_id)? {
        let outcome = handle_duplicate(tx, lead, &stored)?;
        if let (SubmitOutcome::Replayed(stored), None) = (&outcome, refused_id) {
            settle::settle_by_request_id(tx, &request_id, &stored.lead_id, sender(lead))?;
        }
        return Ok(outcome);
    }
    if request_id::was_erased(tx.conn, &request_id)? {
        return Ok(SubmitOutcome::Erased);
    }
    Err(refusal)
}

fn insert(
    tx: &mut WriteTx<'_>,
    lead: &NewLead,
    request_id: &str,
    refused_id: Option<&str>,
) -> Result<StoredLead, StoreError> {
    let mut id = Uuid::encode_buffer();
    let id: &str = tx.new_id().hyphenated().encode_lower(&mut id);
    let salt: [u8; 16] = rand::random();
    let now = tx.now();
    let columns = LeadDigestInput {
        salt: &salt,
        id,
        created_at_utc: &now.to_string(),
        name: lead.name(),
        email: lead.email().as_str(),
        phone: lead.phone(),
        company: lead.company(),
        service: lead.service().map(LeadService::as_str),
        message: lead.message(),
        consent: lead.consent(),
        source: lead.source(),
        request_id,
        ip_hash: lead.ip_hash(),
        meta_json: Some(lead.meta_json()),
    };
    let details = serde_json::to_string(&ReceivedDetails {
        email: lead.email().masked(),
        service: lead.service(),
        ip_hash: lead.ip_hash(),
        lead_digest: columns.digest().to_string(),
        refused_id,
    })
    .map_err(|e| StoreError::Sqlite(e.to_string()))?;
    rows::insert(tx.conn, tx.head().seq + 1, &columns, LeadStatus::Received)?;
    // Not before: what is stored already is answered as before.
    tx.check_disk_reserve()?;
    let receipt = tx.append(&NewAuditRow {
        event: AuditEvent::LeadReceived,
        actor: ACTOR_SITE,
        lead_id: Some(id),
        request_id: Some(request_id),
        status_code: Some(201),
        details_json: Some(&details),
    })?;
    if refused_id.is_none() {
        settle::settle_by_request_id(tx, request_id, id, sender(lead))?;
    }
    Ok(StoredLead { lead_id: id.to_owned(), created_at_utc: now, receipt })
}

fn sender(lead: &NewLead) -> LeadSender<'_> {
    LeadSender { name: lead.name(), email: lead.email().as_str(), phone: lead.phone() }
}

/// `details_json` of `LEAD_RECEIVED`.
#[derive(Serialize)]
struct ReceivedDetails<'a> {
    email: String,
    service: Option<LeadService>,
    ip_hash: &'a str,
    lead_digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_id: Option<&'a str>,
}

/// Records that a `request_id` came again. Returns the first result if the content is the same.
fn handle_duplicate(
    tx: &mut WriteTx<'_>,
    new: &NewLead,
    stored: &Lead,
) -> Result<SubmitOutcome, StoreError> {
    let differences = stored.differences(new);
    let (event, status_code, details) = if differences.is_empty() {
        (AuditEvent::LeadDuplicate, 200, None)
    } else {
        let details = serde_json::json!({ "fields": differences }).to_string();
        (AuditEvent::LeadConflict, 409, Some(details))
    };
    let receipt = receipt(tx.conn, stored)?;
    tx.append(&NewAuditRow {
        event,
        actor: ACTOR_SITE,
        lead_id: Some(&stored.id),
        request_id: Some(&stored.request_id),
        status_code: Some(status_code),
        details_json: details.as_deref(),
    })?;
    if !differences.is_empty() {
        return Ok(SubmitOutcome::Conflict(differences));
    }
    Ok(SubmitOutcome::Replayed(StoredLead {
        lead_id: stored.id.clone(),
        created_at_utc: stored.created_at_utc,
        receipt,
    }))
}

/// The position of the audit row of a lead's arrival.
fn receipt(conn: &Connection, lead: &Lead) -> Result<ChainPosition, StoreError> {
    let hash = query::hash_at(conn, lead.audit_seq)?.ok_or_else(|| {
        StoreError::Corrupt(format!("the audit row {} of a lead is missing", lead.audit_seq))
    })?;
    Ok(ChainPosition { seq: lead.audit_seq, hash })
}
