//! `POST /inbound/leads`.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::intake::{Accepted, Submission};
use crate::domain::lead::NewLead;
use crate::domain::refused::header_tokens;
use crate::domain::timestamp::Timestamp;
use crate::http::error::ApiError;
use crate::http::extract::{bearer_auth, body};
use crate::http::openapi::responses::IntakeErrors;
use crate::http::request::HttpRequest;
use crate::http::response::{LoggedLead, json};
use crate::store::leads::submit::StoredLead;

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A stored lead.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "leadId": "0198a6f2-53b0-7c4e-9d3a-2f1b6c8e4a70",
    "timestamp": "2026-01-03T10:30:45.123456Z",
    "status": "received",
    "receipt": "1:20c876de5f0a4b1c9e7d3f6a8b2c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e",
})))]
pub(crate) struct LeadResponse<'a> {
    /// The lead's id.
    #[serde(rename = "leadId")]
    #[schema(format = Uuid)]
    lead_id: &'a str,
    /// When it was stored: UTC, with microseconds.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    status: InitialStatus,
    /// `seq` and hash of the lead's audit row. Kept in the site's log, it later verifies that the
    /// audit log was not rewritten (`fastcore audit verify --receipt`).
    #[schema(pattern = "^[1-9][0-9]*:[0-9a-f]{64}$")]
    receipt: String,
}

/// The status of a new lead.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum InitialStatus {
    Received,
}

/// Send a lead
///
/// A 201 is a promise: the lead and its audit row are flushed to the disk before the first byte of
/// the response. No response, or a 503, means *unknown or not stored*: send the same `request_id`
/// again, which is always safe. The token is checked first, then size, media type, JSON and fields.
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
        (status = 201, description = "The lead is stored.", body = LeadResponse,
            links(
                ("SendAgain" = (
                    operation_id = "sendLead",
                    request_body = "$request.body",
                    description = "The same request again gets a 200 with the body of the first response."
                )),
                ("OpenLead" = (
                    operation_id = "openLead",
                    parameters(("id" = "$response.body#/leadId")),
                    description = "The lead, for staff."
                ))
            )),
        (status = 200, body = LeadResponse,
            description = "This `request_id` with this content was already stored: the body of the first \
                response. `ip_hash`, `user_agent_hash` and `timestamp_utc` are not compared.",
            headers(("Idempotent-Replayed" = String, description = "Always `true`."))),
        IntakeErrors,
    ),
    security(("site" = [])),
)]
pub(crate) async fn submit(request: HttpRequest) -> Result<Response, ApiError> {
    let metrics = request.context.app.db.metrics().clone();
    let answer = accept(request).await;
    metrics.count_submission(match &answer {
        Ok(response) if response.status() == StatusCode::CREATED => "stored",
        Ok(_) => "replayed",
        Err(error) => error.code(),
    });
    answer
}

async fn accept(mut request: HttpRequest) -> Result<Response, ApiError> {
    let HttpRequest { headers, context, .. } = &request;
    bearer_auth::check(headers, |token| context.tokens.accepts(token))?;
    let body = request.read_raw().await.inspect_err(|error| {
        if matches!(error, ApiError::PayloadTooLarge) {
            request.context.app.intake.keeper.count_too_large();
        }
    })?;
    let HttpRequest { headers, context, .. } = &request;
    let intake = &context.app.intake;
    let submission = Submission {
        body: body.clone(),
        media_type: header_text(headers, &CONTENT_TYPE),
        content_encoding: header_text(headers, &CONTENT_ENCODING),
    };
    if let Err(error) = body::check(headers, &body, body::JSON) {
        let kept = intake.refuse_media(error.fault_kind(), &error.detail(), submission).await?;
        return Err(error.kept_if(kept));
    }
    match intake.submit(submission, &body::without_bom(body)).await? {
        Accepted::Created(stored) => Ok(lead_response(StatusCode::CREATED, &stored)),
        Accepted::Replayed(stored) => {
            let mut response = lead_response(StatusCode::OK, &stored);
            let replayed = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, replayed);
            Ok(response)
        }
    }
}

/// A header as it is kept with a refused body.
fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    header_tokens(&String::from_utf8_lossy(headers.get(name)?.as_bytes()))
}

fn lead_response(status: StatusCode, stored: &StoredLead) -> Response {
    let mut response = json(
        status,
        &LeadResponse {
            lead_id: &stored.lead_id,
            timestamp: stored.created_at_utc,
            status: InitialStatus::Received,
            receipt: stored.receipt.to_string(),
        },
    );
    response.extensions_mut().insert(LoggedLead(stored.lead_id.clone()));
    response
}
