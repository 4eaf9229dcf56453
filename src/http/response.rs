//! JSON responses.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response as HttpResponse, StatusCode};
use serde::Serialize;
use warp::reply::{Reply, Response};

/// The id of the lead that a request was about, for the request log.
#[derive(Debug, Clone)]
pub(crate) struct LoggedLead(pub(crate) String);

/// The staff account that a request came from, for the request log.
#[derive(Debug, Clone)]
pub(crate) struct LoggedAccount(pub(crate) String);

/// A JSON response.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_text(status, to_json(body))
}

/// A response whose body is already JSON.
pub(crate) fn json_text(status: StatusCode, body: String) -> Response {
    let mut response = HttpResponse::new(body).into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Serialising the types of this crate cannot fail: their keys are strings.
pub(crate) fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}
