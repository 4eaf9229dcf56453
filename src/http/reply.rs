//! The one shape of every error, and of every JSON answer.

use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response as HttpResponse, StatusCode};
use serde::Serialize;
use warp::reply::{Reply, Response};

use crate::domain::fault::Fault;
use crate::store::StoreError;

/// When it is worth trying again, in seconds.
const RETRY_SECONDS: &str = "5";

/// Why a request was not done; says its status, its code and what else belongs to it.
#[derive(Debug)]
pub(super) enum Failure {
    /// Not a request that HTTP allows here: no path, or one that does not start with a slash.
    BadRequest(&'static str),
    InvalidJson(String),
    Unauthorized(&'static str),
    /// The password is right and a code is missing.
    CodeRequired,
    Forbidden(&'static str),
    NotFound,
    /// With the methods that there are.
    MethodNotAllowed(&'static str),
    Timeout(&'static str),
    DuplicateRequestId(String),
    LeadErased(&'static str),
    LinkExpired,
    PayloadTooLarge,
    UnsupportedMediaType,
    Validation(Vec<Fault>),
    HeadTooLarge,
    /// With the seconds after which it is worth trying again.
    TooManyRequests(i64),
    Internal,
    Unavailable(String),
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    ok: bool,
    error: &'a str,
    detail: T,
}

impl Failure {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::InvalidJson(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::CodeRequired => (StatusCode::UNAUTHORIZED, "code_required"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Timeout(_) => (StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::DuplicateRequestId(_) => (StatusCode::CONFLICT, "duplicate_request_id"),
            Self::LeadErased(_) => (StatusCode::GONE, "lead_erased"),
            Self::LinkExpired => (StatusCode::GONE, "link_expired"),
            Self::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::Validation(_) => (StatusCode::UNPROCESSABLE_ENTITY, "validation_error"),
            Self::HeadTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "request_header_fields_too_large")
            }
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        }
    }

    /// The status and the JSON body.
    pub(super) fn parts(&self) -> (StatusCode, String) {
        let (status, error) = self.status_and_code();
        let body = match self {
            Self::Validation(faults) => envelope(error, faults),
            Self::BadRequest(detail)
            | Self::Unauthorized(detail)
            | Self::Forbidden(detail)
            | Self::LeadErased(detail)
            | Self::Timeout(detail) => envelope(error, detail),
            Self::InvalidJson(detail)
            | Self::DuplicateRequestId(detail)
            | Self::Unavailable(detail) => envelope(error, detail),
            Self::NotFound => envelope(error, "There is nothing here"),
            Self::MethodNotAllowed(allow) => envelope(error, format!("This path takes {allow}")),
            Self::CodeRequired => envelope(error, "This account needs the code of its app as well"),
            Self::LinkExpired => envelope(error, "This link is wrong, used, or too old"),
            Self::TooManyRequests(seconds) => {
                envelope(error, format!("Too many tries; come back in {seconds} s"))
            }
            Self::PayloadTooLarge => envelope(error, "The body is larger than 64 KiB"),
            Self::UnsupportedMediaType => envelope(error, "The body should be application/json"),
            Self::HeadTooLarge => envelope(error, "The request's head is larger than 16 KiB"),
            Self::Internal => envelope(error, "Something went wrong here; the log has the cause"),
        };
        (status, body)
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthorized(_) | Self::CodeRequired => {
                Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            Self::TooManyRequests(seconds) => Some((RETRY_AFTER, HeaderValue::from(*seconds))),
            Self::MethodNotAllowed(allow) => Some((ALLOW, HeaderValue::from_static(allow))),
            Self::Unavailable(_) => Some((RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS))),
            _ => None,
        }
    }
}

fn envelope(error: &str, detail: impl Serialize) -> String {
    to_json(&Envelope { ok: false, error, detail })
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(_) | StoreError::Sqlite(_) => {
                tracing::error!(%error, "the store refused what it should take");
                Self::Internal
            }
            other => Self::Unavailable(format!("The database cannot be used now: {other}")),
        }
    }
}

impl Reply for Failure {
    fn into_response(self) -> Response {
        let (status, body) = self.parts();
        let mut response = json_text(status, body);
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The lead that a request was about, for the log.
#[derive(Debug, Clone)]
pub(super) struct LoggedLead(pub(super) String);

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_text(status, to_json(body))
}

fn json_text(status: StatusCode, body: String) -> Response {
    let mut response = HttpResponse::new(body).into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Serialising our own types cannot fail: they have text keys and no custom rules.
fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}
