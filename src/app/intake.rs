//! Accepts a submission: parses it, stores the lead with its audit row, and says what became of it. What is
//! refused is kept.

use bytes::Bytes;

use crate::app::db::Db;
use crate::app::refused::keeper::RefusedKeeper;
use crate::domain::field_error::FieldError;
use crate::domain::id::RequestId;
use crate::domain::lead::NewLead;
use crate::domain::lead::parse::LeadParseError;
use crate::domain::refused::{self, RefusedSubmission};
use crate::store;
use crate::store::error::StoreError;
use crate::store::leads::submit::{StoredLead, SubmitOutcome};

/// The bytes of a submission, and how they were sent.
#[derive(Clone)]
pub struct Submission {
    pub body: Bytes,
    pub media_type: Option<String>,
    pub content_encoding: Option<String>,
}

/// Shows nothing of the body.
impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.body.len())
    }
}

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
    /// `kept` says whether it is kept among the refused submissions.
    NotJson {
        detail: String,
        kept: bool,
    },
    Invalid {
        errors: Vec<FieldError>,
        kept: bool,
    },
    /// The `request_id` is stored with other content, in these fields.
    Conflict(Vec<&'static str>),
    Erased,
    Store(StoreError),
}

/// Stores what the site sends; cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake {
    pub db: Db,
    pub keeper: RefusedKeeper,
}

impl Intake {
    /// Stores the lead of a request's body; `json` is the body without a byte order mark. When this returns
    /// [`Accepted::Created`], the lead and its audit row are on the disk.
    ///
    /// # Errors
    /// [`Refusal`]; no lead is stored then, unless the disk did not answer in time.
    pub async fn submit(&self, submission: Submission, json: &[u8]) -> Result<Accepted, Refusal> {
        let lead = match NewLead::parse(json) {
            Ok(lead) => lead,
            Err(LeadParseError::NotJson(detail)) => {
                let fault = body_fault("json_invalid", &detail);
                let kept =
                    self.keep(400, vec![fault], submission, refused::request_id_in_text).await;
                let kept = kept.map_err(Refusal::Store)?;
                return Err(Refusal::NotJson { detail, kept });
            }
            Err(LeadParseError::Invalid { errors, request_id }) => {
                let kept = self.keep(422, errors.clone(), submission, |_| request_id).await;
                let kept = kept.map_err(Refusal::Store)?;
                return Err(Refusal::Invalid { errors, kept });
            }
        };
        let outcome = self.db.write(move |tx| store::leads::submit::submit(tx, &lead, None)).await;
        match outcome.map_err(Refusal::Store)? {
            SubmitOutcome::Created(stored) => Ok(Accepted::Created(stored)),
            SubmitOutcome::Replayed(stored) => Ok(Accepted::Replayed(stored)),
            SubmitOutcome::Conflict(fields) => Err(Refusal::Conflict(fields)),
            SubmitOutcome::Erased => Err(Refusal::Erased),
        }
    }

    /// Keeps a submission of another media type or encoding. Returns whether it is kept.
    ///
    /// # Errors
    /// The database cannot be written now, or whether it was is unknown: the submission is to come again.
    pub async fn refuse_media(
        &self,
        kind: &'static str,
        detail: &str,
        submission: Submission,
    ) -> Result<bool, StoreError> {
        self.keep(415, vec![body_fault(kind, detail)], submission, refused::request_id).await
    }

    /// `find_request_id` finds the `request_id` in the body, where it can be read.
    async fn keep(
        &self,
        status_code: i64,
        faults: Vec<FieldError>,
        submission: Submission,
        find_request_id: impl FnOnce(&[u8]) -> Option<RequestId>,
    ) -> Result<bool, StoreError> {
        let Submission { body, media_type, content_encoding } = submission;
        // First: a flood costs no more than this.
        if !self.keeper.admit(body.len() + refused::faults_size(&faults)) {
            return Ok(false);
        }
        let request_id = find_request_id(&body);
        let refused = RefusedSubmission {
            status_code,
            faults,
            media_type,
            content_encoding,
            request_id,
            body,
        };
        self.keeper.keep(refused).await
    }
}

fn body_fault(kind: &'static str, msg: &str) -> FieldError {
    FieldError { loc: vec!["body".to_owned()], msg: msg.to_owned(), kind }
}
