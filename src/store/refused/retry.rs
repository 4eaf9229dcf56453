//! Makes a lead of a refused submission, by the operator's choice.

use rusqlite::OptionalExtension;
use serde_json::json;

use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::domain::lead::NewLead;
use crate::store::error::StoreError;
use crate::store::leads::submit::{SubmitOutcome, submit};
use crate::store::refused::settle;
use crate::store::tx::WriteTx;

/// What came of a retry.
#[derive(Debug, Clone)]
pub enum RetryOutcome {
    Submitted(SubmitOutcome),
    /// It has become this lead meanwhile.
    Settled(String),
    /// It is not kept any more.
    Gone,
}

/// Submits the lead that was made of a refused submission, as the site would, and settles that; `set` are the
/// names of the fields that were changed. Twice at the same moment, it is one lead.
///
/// # Errors
/// The database's own.
pub fn retry(
    tx: &mut WriteTx<'_>,
    id: &str,
    lead: &NewLead,
    set: &[&str],
    actor: &str,
) -> Result<RetryOutcome, StoreError> {
    let sql = "SELECT settled_at_utc IS NOT NULL, coalesce(lead_id, '') FROM refused_submission WHERE id = ?1";
    let state = tx.conn.prepare_cached(sql)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)));
    match state.optional()? {
        None => return Ok(RetryOutcome::Gone),
        Some((true, lead_id)) => return Ok(RetryOutcome::Settled(lead_id)),
        Some((false, _)) => {}
    }
    let outcome = submit(tx, lead, Some(id))?;
    if let SubmitOutcome::Created(stored) | SubmitOutcome::Replayed(stored) = &outcome {
        settle::settle(tx, id, &stored.lead_id)?;
        let details = json!({ "refused_id": id, "set": set }).to_string();
        tx.append(&NewAuditRow {
            event: AuditEvent::RefusedRetried,
            actor,
            lead_id: Some(&stored.lead_id),
            request_id: Some(&lead.request_id().to_string()),
            status_code: None,
            details_json: Some(&details),
        })?;
    }
    Ok(RetryOutcome::Submitted(outcome))
}
