//! Taking a lead: read it, store it with its audit row, say what became of it.

use std::future::Future;
use std::pin::Pin;

use crate::app::in_time;
use crate::domain::audit::{ACTOR_SITE, AuditEvent, NewAuditRow};
use crate::domain::field_error;
use crate::domain::field_error::FieldError;
use crate::domain::id::RequestId;
use crate::domain::lead::NewLead;
use crate::domain::lead::parse::LeadParseError;
use crate::store;
use crate::store::error::StoreError;
use crate::store::leads::{StoredLead, SubmitOutcome};
use crate::store::writer::Writer;

/// An answer of the inbox, once it is on the disk.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Where leads go. The writer; a benchmark puts other stores in its place.
pub trait Inbox: Send + Sync + 'static {
    /// Stores a lead with its audit row, or tells what its `request_id` is already.
    fn submit(&self, lead: NewLead) -> Answer<SubmitOutcome>;

    /// Notes a submission that is no valid lead: the names of the fields at fault, and its
    /// `request_id` where that was valid.
    fn reject(&self, fields: Vec<&'static str>, request_id: Option<RequestId>) -> Answer<()>;
}

impl Inbox for Writer {
    fn submit(&self, lead: NewLead) -> Answer<SubmitOutcome> {
        let queued = Self::submit(self, move |tx| store::leads::submit(tx, &lead));
        Box::pin(async move { queued?.await.unwrap_or(Err(StoreError::Closed)) })
    }

    fn reject(&self, fields: Vec<&'static str>, request_id: Option<RequestId>) -> Answer<()> {
        let details = serde_json::json!({ "fields": fields }).to_string();
        let request_id = request_id.map(|id| id.to_string());
        let queued = Self::submit(self, move |tx| {
            let event = NewAuditRow {
                event: AuditEvent::LeadRejected,
                actor: ACTOR_SITE,
                lead_id: None,
                request_id: request_id.as_deref(),
                status_code: Some(422),
                details_json: Some(&details),
            };
            tx.append(&event).map(|_| ())
        });
        Box::pin(async move { queued?.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

/// A lead that is kept.
#[derive(Debug)]
pub enum Accepted {
    Created(StoredLead),
    /// Sent again; what was answered the first time.
    Replayed(StoredLead),
}

/// Why a submission was not taken.
#[derive(Debug)]
pub enum Refusal {
    NotJson(String),
    Invalid(Vec<FieldError>),
    /// The `request_id` is stored with other content, in these fields.
    Conflict(Vec<&'static str>),
    Erased,
    Store(StoreError),
}

/// Takes a request's body. A 201's promise holds when this returns [`Accepted::Created`].
///
/// # Errors
/// [`Refusal`]; nothing is stored then, unless the disk did not answer in time.
pub async fn submit(inbox: &dyn Inbox, body: &[u8]) -> Result<Accepted, Refusal> {
    let lead = match NewLead::parse(body) {
        Ok(lead) => lead,
        Err(LeadParseError::NotJson(detail)) => return Err(Refusal::NotJson(detail)),
        Err(LeadParseError::Invalid { faults, request_id }) => {
            note_rejected(inbox, &faults, request_id).await;
            return Err(Refusal::Invalid(faults));
        }
    };
    match in_time(inbox.submit(lead)).await.map_err(Refusal::Store)? {
        SubmitOutcome::Created(stored) => Ok(Accepted::Created(stored)),
        SubmitOutcome::Replayed(stored) => Ok(Accepted::Replayed(stored)),
        SubmitOutcome::Conflict(fields) => Err(Refusal::Conflict(fields)),
        SubmitOutcome::Erased => Err(Refusal::Erased),
    }
}

/// A body that is no lead is refused whether or not the refusal could be written down.
async fn note_rejected(inbox: &dyn Inbox, faults: &[FieldError], request_id: Option<RequestId>) {
    let fields = field_error::field_names(faults);
    if let Err(error) = in_time(inbox.reject(fields, request_id)).await {
        tracing::warn!(%error, "a refused submission is missing from the audit log");
    }
}
