//! `POST /inbound/leads`.

use bytes::Buf;
use futures_util::Stream;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use warp::reply::Response;

use super::context::Context;
use super::reply::{Failure, LoggedLead, json};
use super::{auth, body};
use crate::app::intake::{self, Refusal, Taken};
use crate::store::Stored;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The answer to a lead that is kept.
#[derive(Serialize)]
struct LeadResponse<'a> {
    #[serde(rename = "leadId")]
    lead_id: &'a str,
    timestamp: &'a str,
    status: &'static str,
    receipt: String,
}

/// Takes the token, then the body, and calls the use case.
pub(super) async fn submit(
    context: Context,
    headers: HeaderMap,
    stream: impl Stream<Item = Result<impl Buf, warp::Error>>,
) -> Result<Response, Failure> {
    auth::site(&headers, &context.tokens)?;
    let body = body::json(&headers, stream, context.body_deadline).await?;
    match intake::submit(&*context.app.inbox, &body).await? {
        Taken::New(stored) => Ok(answer(StatusCode::CREATED, &stored)),
        Taken::Again(stored) => {
            let mut response = answer(StatusCode::OK, &stored);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
    }
}

fn answer(status: StatusCode, stored: &Stored) -> Response {
    let mut response = json(
        status,
        &LeadResponse {
            lead_id: &stored.lead_id,
            timestamp: &stored.created_at_utc,
            status: "received",
            receipt: stored.receipt.to_string(),
        },
    );
    response.extensions_mut().insert(LoggedLead(stored.lead_id.clone()));
    response
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotJson(detail) => Self::InvalidJson(detail),
            Refusal::Invalid(faults) => Self::Validation(faults),
            Refusal::Conflict(fields) => Self::DuplicateRequestId(format!(
                "This request_id is stored with other content in: {}",
                fields.join(", ")
            )),
            Refusal::Erased => Self::LeadErased(
                "This request_id belonged to a lead that was erased; nothing is stored",
            ),
            Refusal::Store(error) => error.into(),
        }
    }
}
