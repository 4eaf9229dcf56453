//! `POST /inbound/leads`.

use bytes::Buf;
use futures_util::Stream;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::intake;
use crate::app::intake::{Accepted, Refusal};
use crate::domain::lead::NewLead;
use crate::domain::timestamp::Timestamp;
use crate::http::context::Context;
use crate::http::error::{ApiError, LoggedLead, json};
use crate::http::extract::{bearer, json_body};
use crate::http::openapi::LeadRefused;
use crate::store::leads::submit::StoredLead;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A lead that is stored, on the disk.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "leadId": "0198a6f2-53b0-7c4e-9d3a-2f1b6c8e4a70",
    "timestamp": "2026-01-03T10:30:45.123456Z",
    "status": "received",
    "receipt": "1:20c876de5f0a4b1c9e7d3f6a8b2c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e",
})))]
pub(crate) struct LeadResponse<'a> {
    /// The lead's own id.
    #[serde(rename = "leadId")]
    #[schema(format = Uuid)]
    lead_id: &'a str,
    /// When it was stored: UTC, with microseconds.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    status: Arrived,
    /// The audit row's place and hash: kept in the site's log, it proves later that nothing was
    /// rewritten (`fastcore audit verify --receipt`).
    #[schema(pattern = "^[1-9][0-9]*:[0-9a-f]{64}$")]
    receipt: String,
}

/// What a lead is at its arrival.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = StatusAtArrival)]
enum Arrived {
    Received,
}

/// Send a lead
///
/// A 201 is a promise: the lead and its audit row are on the disk before the first byte of the
/// answer. No answer, or a 503, means *unknown or not stored*: send the same `request_id` again,
/// which is always safe. The token is looked at first, then size, media type, JSON and fields.
#[utoipa::path(
    post,
    path = "/inbound/leads",
    operation_id = "sendLead",
    tag = "leads",
    request_body(content = NewLead, description = "At most 64 KiB of JSON in UTF-8.", example = json!({
        "name": "Jean Dupont",
        "email": "jean@example.com",
        "phone": "+33612345678",
        "company": "ACME SAS",
        "service": "diagnostic",
        "message": "Mon compresseur ne démarre plus depuis hier",
        "consent": true,
        "meta": {
            "source": "fast-techservices.com",
            "request_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "ip_hash": "abc123def456",
            "user_agent_hash": "xyz789",
            "timestamp_utc": "2024-01-03T10:30:45.123456Z"
        }
    })),
    responses(
        (status = 201, description = "StoredLead, on the disk.", body = LeadResponse,
            links(
                ("SendAgain" = (
                    operation_id = "sendLead",
                    request_body = "$request.body",
                    description = "The same again is answered with 200 and the first answer's body."
                )),
                ("Open" = (
                    operation_id = "openLead",
                    parameters(("id" = "$response.body#/leadId")),
                    description = "The lead, for staff."
                ))
            )),
        (status = 200, body = LeadResponse,
            description = "This `request_id` with this content was stored before: the first answer's body. \
                `ip_hash`, `user_agent_hash` and `timestamp_utc` do not count.",
            headers(("Idempotent-Replayed" = String, description = "Always `true`."))),
        LeadRefused,
    ),
    security(("site" = [])),
)]
pub(crate) async fn submit(
    context: Context,
    headers: HeaderMap,
    stream: impl Stream<Item = Result<impl Buf, warp::Error>>,
) -> Result<Response, ApiError> {
    bearer::site(&headers, &context.tokens)?;
    let body = json_body::json(&headers, stream, context.body_deadline).await?;
    match intake::submit(&context.app.db, &body).await? {
        Accepted::Created(stored) => Ok(answer(StatusCode::CREATED, &stored)),
        Accepted::Replayed(stored) => {
            let mut response = answer(StatusCode::OK, &stored);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
    }
}

fn answer(status: StatusCode, stored: &StoredLead) -> Response {
    let mut response = json(
        status,
        &LeadResponse {
            lead_id: &stored.lead_id,
            timestamp: stored.created_at_utc,
            status: Arrived::Received,
            receipt: stored.receipt.to_string(),
        },
    );
    response.extensions_mut().insert(LoggedLead(stored.lead_id.clone()));
    response
}

impl From<Refusal> for ApiError {
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
