//! `GET /health`.

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde::Serialize;
use warp::reply::Response;

use super::context::Context;
use super::reply::json;
use crate::app::health;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Reports the writer's last proof; costs no I/O.
pub(super) fn report(context: &Context) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let Some(detail) = health::obstacle(&context.app) else {
        return json(StatusCode::OK, &Health { status: "ok", version, detail: None });
    };
    let unavailable = Health { status: "unavailable", version, detail: Some(detail) };
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &unavailable);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
