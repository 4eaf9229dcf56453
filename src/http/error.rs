//! The one shape of every error response, and the only place that maps errors to HTTP statuses.

use std::borrow::Cow;

use http::StatusCode;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::http::response::{json_text, to_json};

/// `Retry-After` of a 503, in seconds.
pub(crate) const RETRY_SECONDS: &str = "5";
/// Why a request failed. Determines the status, the error code, the message and one header.
#[derive(Debug)]
pub(crate) enum ApiError {
    BadRequest(&'static str),
    InvalidJson(String),
    Unauthorized(&'static str),
    /// The password is correct, and the account requires a code as well.
    CodeRequired,
    Forbidden(&'static str),
    /// The present password of somebody who changes their account.
    WrongPassword,
    NoSecondFactor,
    NotFound,
    /// With the value of `Allow`.
    MethodNotAllowed(String),
    Timeout(&'static str),
    DuplicateRequestId(String),
    LeadErased(&'static str),
    LinkExpired,
    PayloadTooLarge,
    /// With the media type that is accepted.
    UnsupportedMediaType(&'static str),
    /// The body is compressed.
    UnsupportedContentEncoding,
    Validation(Vec<FieldError>),
    /// With the value of `Retry-After`, in seconds.
    TooManyRequests(i64),
    /// Another export is not over yet. With the value of `Retry-After`, in seconds.
    ExportBusy(i64),
    Internal,
    Unavailable(String),
    /// A refused submission that is kept for staff to see.
    Kept(Box<Self>),
}

/// The body of an error.
#[derive(Serialize)]
struct ErrorBody<'a, D> {
    ok: bool,
    error: &'a str,
    detail: D,
    /// Only said where it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    kept: bool,
}

/// One invalid field.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
pub(crate) struct FieldErrorDto<'a> {
    /// The path of the field, beginning with `body` or `query`: names, and `[]` for an item of a
    /// list.
    loc: &'a [String],
    /// A sentence for people; it quotes nothing of the request.
    msg: &'a str,
    /// The rule that is broken, for programs.
    #[serde(rename = "type")]
    kind: &'a str,
}

impl<'a> From<&'a FieldError> for FieldErrorDto<'a> {
    fn from(error: &'a FieldError) -> Self {
        Self { loc: &error.loc, msg: &error.msg, kind: error.kind }
    }
}

impl ApiError {
    pub(crate) const HEAD_TIMEOUT: Self = Self::Timeout("The request head did not arrive in time");
    pub(crate) const BODY_TIMEOUT: Self = Self::Timeout("The request body did not arrive in time");
    pub(crate) const BROKEN_BODY: Self = Self::BadRequest("The body is incomplete or malformed");
    pub(crate) const NOT_A_PATH: Self = Self::BadRequest("The request target is not a path");
    pub(crate) const NOT_ONE_HOST: Self = Self::BadRequest("The request must have one Host header");
    /// There is no valid session.
    pub(crate) const UNAUTHENTICATED: Self = Self::Unauthorized("Sign in first");
    /// The request comes from a page of another origin.
    pub(crate) const CROSS_ORIGIN: Self =
        Self::Forbidden("Only pages of this server may send this request");
    /// The lead existed and was erased.
    pub(crate) const ERASED: Self = Self::LeadErased("This lead was erased");

    /// The code does not confirm the second factor that was proposed.
    pub(crate) fn wrong_code() -> Self {
        let mut errors = FieldErrors::default();
        errors.add(&["body", "code"], "value_error", "The code is wrong or too old");
        Self::Validation(errors.into_vec())
    }

    /// The second factor that was proposed is of another account, or older than 30 minutes.
    pub(crate) fn enrolment_expired() -> Self {
        let mut errors = FieldErrors::default();
        let msg = "This enrolment is invalid or older than 30 minutes; begin again";
        errors.add(&["body", "enrolment"], "value_error", msg);
        Self::Validation(errors.into_vec())
    }

    /// Fails if there is an error.
    pub(crate) fn check(errors: FieldErrors) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::Validation(errors.into_vec())) }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::InvalidJson(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::CodeRequired => (StatusCode::UNAUTHORIZED, "code_required"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::WrongPassword => (StatusCode::FORBIDDEN, "wrong_password"),
            Self::NoSecondFactor => (StatusCode::CONFLICT, "no_second_factor"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Timeout(_) => (StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::DuplicateRequestId(_) => (StatusCode::CONFLICT, "duplicate_request_id"),
            Self::LeadErased(_) => (StatusCode::GONE, "lead_erased"),
            Self::LinkExpired => (StatusCode::GONE, "link_expired"),
            Self::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::UnsupportedMediaType(_) | Self::UnsupportedContentEncoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::Validation(_) => (StatusCode::UNPROCESSABLE_ENTITY, "validation_error"),
            Self::TooManyRequests(_) | Self::ExportBusy(_) => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Kept(refusal) => refusal.status_and_code(),
        }
    }

    /// The same refusal, saying that the submission is kept.
    pub(crate) fn kept_if(self, is_kept: bool) -> Self {
        if is_kept { Self::Kept(Box::new(self)) } else { self }
    }

    /// The rule that a body of another kind breaks, for programs.
    pub(crate) fn fault_kind(&self) -> &'static str {
        match self {
            Self::UnsupportedContentEncoding => "content_encoding",
            _ => "media_type",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status_and_code().0
    }

    /// The error code, for programs.
    pub(crate) fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> String {
        let error = self.code();
        let (refusal, kept) = match self {
            Self::Kept(refusal) => (&**refusal, true),
            other => (other, false),
        };
        match refusal {
            Self::Validation(errors) => {
                let detail: Vec<_> = errors.iter().map(FieldErrorDto::from).collect();
                to_json(&ErrorBody { ok: false, error, detail, kept })
            }
            _ => to_json(&ErrorBody { ok: false, error, detail: refusal.detail(), kept }),
        }
    }

    /// The sentence for people.
    pub(crate) fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::BadRequest(detail)
            | Self::Unauthorized(detail)
            | Self::Forbidden(detail)
            | Self::LeadErased(detail)
            | Self::Timeout(detail) => Cow::Borrowed(detail),
            Self::InvalidJson(detail)
            | Self::DuplicateRequestId(detail)
            | Self::Unavailable(detail) => Cow::Borrowed(detail),
            Self::WrongPassword => "The present password is wrong".into(),
            Self::NoSecondFactor => "This account has no second factor".into(),
            Self::NotFound => "There is no resource at this path".into(),
            Self::MethodNotAllowed(allow) => format!("This path accepts {allow}").into(),
            Self::CodeRequired => "This account requires the code of its second factor".into(),
            Self::LinkExpired => "This link is invalid, already used, or expired".into(),
            Self::TooManyRequests(seconds) => {
                format!("Too many attempts; retry in {seconds} s").into()
            }
            Self::ExportBusy(seconds) => {
                format!("Another export is not over yet; retry in {seconds} s").into()
            }
            Self::PayloadTooLarge => "The body is larger than 64 KiB".into(),
            Self::UnsupportedMediaType(accepted) => format!("The body must be {accepted}").into(),
            Self::UnsupportedContentEncoding => "The body must not be compressed".into(),
            Self::Validation(_) => "The request is not valid".into(),
            Self::Internal => "Internal error; the cause is in the server's log".into(),
            Self::Kept(refusal) => refusal.detail(),
        }
    }

    /// The header that belongs to the status.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthorized(_) | Self::CodeRequired => {
                Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            Self::TooManyRequests(seconds) | Self::ExportBusy(seconds) => {
                Some((RETRY_AFTER, HeaderValue::from(*seconds)))
            }
            Self::MethodNotAllowed(allow) => Some((ALLOW, HeaderValue::from_str(allow).ok()?)),
            Self::UnsupportedMediaType(accepted) => {
                Some((ACCEPT, HeaderValue::from_static(accepted)))
            }
            Self::UnsupportedContentEncoding => {
                Some((ACCEPT_ENCODING, HeaderValue::from_static("identity")))
            }
            Self::Unavailable(_) => Some((RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS))),
            Self::Kept(refusal) => refusal.header(),
            _ => None,
        }
    }
}

impl Reply for ApiError {
    fn into_response(self) -> Response {
        let mut response = json_text(self.status(), self.body());
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
