//! `GET /health`.

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::http::context::Context;
use crate::http::error::json;
use crate::http::openapi::AnyRequest;

/// Whether leads can be stored, as the writer's last real commit proved.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    status: State,
    /// The server's version.
    version: &'static str,
    /// Why not, where it is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
enum State {
    Ok,
    Unavailable,
}

/// Can leads be stored?
///
/// 200 only while they truly can: the writer proves it with a small real commit when it has been
/// idle for 30 s, and the answer reports that proof. The request itself costs no I/O.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "health",
    responses(
        (status = 200, description = "Leads can be stored.", body = Health,
            example = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})),
        (status = 503, description = "They cannot now; try again after `Retry-After`.", body = Health,
            headers(("Retry-After" = i32, description = "Seconds to wait.")),
            example = json!({"status": "unavailable", "version": env!("CARGO_PKG_VERSION"), "detail": "the disk is full"})),
        AnyRequest,
    ),
    security(()),
)]
pub(crate) fn report(context: &Context) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let Some(detail) = context.app.db.health().unavailable_reason() else {
        return json(StatusCode::OK, &Health { status: State::Ok, version, detail: None });
    };
    let unavailable = Health { status: State::Unavailable, version, detail: Some(detail) };
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &unavailable);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
