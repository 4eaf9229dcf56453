//! Taking a lead: read it, store it with its audit row, say what became of it.

use std::future::Future;
use std::pin::Pin;

use super::in_time;
use crate::domain::audit::{Event, NewEvent, SITE};
use crate::domain::fault::{self, Fault};
use crate::domain::id::RequestId;
use crate::domain::lead::NewLead;
use crate::domain::submission::BodyError;
use crate::store::{self, Intake, StoreError, Stored, Writer};

/// An answer of the inbox, once it is on the disk.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Where leads go. The writer; a benchmark puts other stores in its place.
pub trait Inbox: Send + Sync + 'static {
    /// Stores a lead with its audit row, or tells what its `request_id` is already.
    fn submit(&self, lead: NewLead) -> Answer<Intake>;

    /// Notes a submission that is no valid lead: the names of the fields at fault, and its
    /// `request_id` where that was valid.
    fn reject(&self, fields: Vec<&'static str>, request_id: Option<RequestId>) -> Answer<()>;
}

impl Inbox for Writer {
    fn submit(&self, lead: NewLead) -> Answer<Intake> {
        let queued = Self::submit(self, move |tx| store::submit(tx, &lead));
        Box::pin(async move { queued?.await.unwrap_or(Err(StoreError::Closed)) })
    }

    fn reject(&self, fields: Vec<&'static str>, request_id: Option<RequestId>) -> Answer<()> {
        let details = serde_json::json!({ "fields": fields }).to_string();
        let request_id = request_id.map(|id| id.to_string());
        let queued = Self::submit(self, move |tx| {
            let event = NewEvent {
                event: Event::LeadRejected,
                actor: SITE,
                lead_id: None,
                request_id: request_id.as_deref(),
                status_code: Some(422),
                details_json: Some(&details),
            };
            store::append(tx, &event).map(|_| ())
        });
        Box::pin(async move { queued?.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

/// A lead that is kept.
#[derive(Debug)]
pub enum Taken {
    New(Stored),
    /// Sent again; what was answered the first time.
    Again(Stored),
}

/// Why a submission was not taken.
#[derive(Debug)]
pub enum Refusal {
    NotJson(String),
    Invalid(Vec<Fault>),
    /// The `request_id` is stored with other content, in these fields.
    Conflict(Vec<&'static str>),
    Erased,
    Store(StoreError),
}

/// Takes a request's body. A 201's promise holds when this returns [`Taken::New`].
///
/// # Errors
/// [`Refusal`]; nothing is stored then, unless the disk did not answer in time.
pub async fn submit(inbox: &dyn Inbox, body: &[u8]) -> Result<Taken, Refusal> {
    let lead = match NewLead::parse(body) {
        Ok(lead) => lead,
        Err(BodyError::NotJson(detail)) => return Err(Refusal::NotJson(detail)),
        Err(BodyError::Invalid { faults, request_id }) => {
            note_rejected(inbox, &faults, request_id).await;
            return Err(Refusal::Invalid(faults));
        }
    };
    match in_time(inbox.submit(lead)).await.map_err(Refusal::Store)? {
        Intake::Received(stored) => Ok(Taken::New(stored)),
        Intake::Replayed(stored) => Ok(Taken::Again(stored)),
        Intake::Conflict(fields) => Err(Refusal::Conflict(fields)),
        Intake::Erased => Err(Refusal::Erased),
    }
}

/// A body that is no lead is refused whether or not the refusal could be written down.
async fn note_rejected(inbox: &dyn Inbox, faults: &[Fault], request_id: Option<RequestId>) {
    let fields = fault::field_names(faults);
    if let Err(error) = in_time(inbox.reject(fields, request_id)).await {
        tracing::warn!(%error, "a refused submission is missing from the audit log");
    }
}
