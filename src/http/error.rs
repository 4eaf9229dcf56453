//! The one shape of every error, and of every JSON answer.

use std::borrow::Cow;

use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response as HttpResponse, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use warp::reply::{Reply, Response};

use crate::domain::field_error::FieldError;
use crate::store::error::StoreError;

/// When it is worth trying again, in seconds.
const RETRY_SECONDS: &str = "5";

/// Why a request was not done; says its status, its code and what else belongs to it.
#[derive(Debug)]
pub(crate) enum ApiError {
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
    Validation(Vec<FieldError>),
    HeadTooLarge,
    /// With the seconds after which it is worth trying again.
    TooManyRequests(i64),
    Internal,
    Unavailable(String),
}

/// Why a request was not done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Error<'a> {
    #[schema(schema_with = no)]
    ok: bool,
    /// The code, for programs.
    error: &'a str,
    /// A sentence for people.
    detail: &'a str,
}

/// Every fault of what was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct ValidationError<'a> {
    #[schema(schema_with = no)]
    ok: bool,
    #[schema(pattern = "^validation_error$")]
    error: &'a str,
    detail: &'a [FieldError],
}

fn no() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([false])).build()
}

impl ApiError {
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
    pub(crate) fn parts(&self) -> (StatusCode, String) {
        let (status, error) = self.status_and_code();
        let body = match self {
            Self::Validation(faults) => {
                to_json(&ValidationError { ok: false, error, detail: faults })
            }
            _ => to_json(&Error { ok: false, error, detail: &self.detail() }),
        };
        (status, body)
    }

    /// The code, for programs.
    pub(crate) fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    /// The sentence for people.
    fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::BadRequest(detail)
            | Self::Unauthorized(detail)
            | Self::Forbidden(detail)
            | Self::LeadErased(detail)
            | Self::Timeout(detail) => Cow::Borrowed(detail),
            Self::InvalidJson(detail)
            | Self::DuplicateRequestId(detail)
            | Self::Unavailable(detail) => Cow::Borrowed(detail),
            Self::NotFound => "There is nothing here".into(),
            Self::MethodNotAllowed(allow) => format!("This path takes {allow}").into(),
            Self::CodeRequired => "This account needs the code of its app as well".into(),
            Self::LinkExpired => "This link is wrong, used, or too old".into(),
            Self::TooManyRequests(seconds) => {
                format!("Too many tries; come back in {seconds} s").into()
            }
            Self::PayloadTooLarge => "The body is larger than 64 KiB".into(),
            Self::UnsupportedMediaType => "The body should be application/json".into(),
            Self::Validation(_) => "The body is not a valid lead".into(),
            Self::HeadTooLarge => "The request's head is larger than 16 KiB".into(),
            Self::Internal => "Something went wrong here; the log has the cause".into(),
        }
    }

    /// The header that belongs to it.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
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

impl From<StoreError> for ApiError {
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

impl Reply for ApiError {
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
pub(crate) struct LoggedLead(pub(crate) String);

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
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
