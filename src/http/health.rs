//! `GET /health`.

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::http::error::{ApiError, RETRY_SECONDS};
use crate::http::request::HttpRequest;
use crate::http::response::json;

/// Whether leads can be stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    status: HealthStatus,
    /// The server's version.
    version: &'static str,
    /// The reason, if the status is `unavailable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    Ok,
    Unavailable,
}

/// Check whether leads can be stored
///
/// 200 only while leads can be stored: the writer verifies it with a small real commit after 30 s
/// without one, and the response reports the result of the last commit. The request itself causes
/// no I/O.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "health",
    responses(
        (status = 200, description = "Leads can be stored.", body = Health,
            example = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})),
        (status = 503, description = "Leads cannot be stored now; retry after `Retry-After`.", body = Health,
            headers(("Retry-After" = i32, description = "Seconds to wait.")),
            example = json!({"status": "unavailable", "version": env!("CARGO_PKG_VERSION"), "detail": "the disk is full"})),
    ),
    security(()),
)]
pub(crate) async fn health(request: HttpRequest) -> Result<Response, ApiError> {
    let version = env!("CARGO_PKG_VERSION");
    let Some(detail) = request.context.app.db.health().unavailable_reason() else {
        return Ok(json(
            StatusCode::OK,
            &Health { status: HealthStatus::Ok, version, detail: None },
        ));
    };
    let unavailable = Health { status: HealthStatus::Unavailable, version, detail: Some(detail) };
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &unavailable);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    Ok(response)
}
