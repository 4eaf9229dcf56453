//! Accepts a submission: parses it, stores the lead with its audit row, and says what became of it.

use crate::app::db::Db;
use crate::domain::audit::{ACTOR_SITE, AuditEvent, NewAuditRow};
use crate::domain::field_error::{self, FieldError};
use crate::domain::id::RequestId;
use crate::domain::lead::NewLead;
use crate::domain::lead::parse::LeadParseError;
use crate::store;
use crate::store::error::StoreError;
use crate::store::leads::submit::{StoredLead, SubmitOutcome};

/// A lead that is stored.
#[derive(Debug)]
pub enum Accepted {
    Created(StoredLead),
    /// Sent before; with what was answered then.
    Replayed(StoredLead),
}

/// Why a submission was not accepted.
#[derive(Debug)]
pub enum Refusal {
    NotJson(String),
    Invalid(Vec<FieldError>),
    /// The `request_id` is stored with other content, in these fields.
    Conflict(Vec<&'static str>),
    Erased,
    Store(StoreError),
}

/// Stores the lead of a request's body. When this returns [`Accepted::Created`], the lead and its
/// audit row are on the disk.
///
/// # Errors
/// [`Refusal`]; nothing is stored then, unless the disk did not answer in time.
pub async fn submit(db: &Db, body: &[u8]) -> Result<Accepted, Refusal> {
    let lead = match NewLead::parse(body) {
        Ok(lead) => lead,
        Err(LeadParseError::NotJson(detail)) => return Err(Refusal::NotJson(detail)),
        Err(LeadParseError::Invalid { errors, request_id }) => {
            record_rejected(db, &errors, request_id).await?;
            return Err(Refusal::Invalid(errors));
        }
    };
    let outcome = db.write(move |tx| store::leads::submit::submit(tx, &lead)).await;
    match outcome.map_err(Refusal::Store)? {
        SubmitOutcome::Created(stored) => Ok(Accepted::Created(stored)),
        SubmitOutcome::Replayed(stored) => Ok(Accepted::Replayed(stored)),
        SubmitOutcome::Conflict(fields) => Err(Refusal::Conflict(fields)),
        SubmitOutcome::Erased => Err(Refusal::Erased),
    }
}

/// Records the names of the invalid fields, and the `request_id` where that is valid. The
/// submission is refused whether or not this could be written, but for a disk with nothing left for the
/// site: then it is to come again.
async fn record_rejected(
    db: &Db,
    errors: &[FieldError],
    request_id: Option<RequestId>,
) -> Result<(), Refusal> {
    let fields = field_error::field_names(errors);
    let details = serde_json::json!({ "fields": fields }).to_string();
    let request_id = request_id.map(|id| id.to_string());
    let recorded = db.write(move |tx| {
        tx.check_disk_reserve()?;
        let event = NewAuditRow {
            event: AuditEvent::LeadRejected,
            actor: ACTOR_SITE,
            lead_id: None,
            request_id: request_id.as_deref(),
            status_code: Some(422),
            details_json: Some(&details),
        };
        tx.append(&event).map(drop)
    });
    match recorded.await {
        Err(error @ StoreError::DiskReserve(_)) => Err(Refusal::Store(error)),
        Err(error) => {
            tracing::warn!(%error, "a refused submission is missing from the audit log");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
