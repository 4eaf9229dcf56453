//! `GET /admin/api/status`.

use http::StatusCode;
use warp::reply::Response;

use crate::app::status::server_status::ServerStatus;
use crate::http::admin::{AdminRequest, unread};
use crate::http::error::{ApiError, json};
use crate::http::openapi::admin::Read;

/// How the server is
///
/// DiskUsage, the last lead and backup, how far the chain was proved, and what somebody should look at.
#[utoipa::path(
    get,
    path = "/admin/api/status",
    operation_id = "state",
    tag = "admin",
    responses((status = 200, description = "The state.", body = ServerStatus), Read),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn answer(request: AdminRequest) -> Result<Response, ApiError> {
    request.staff().await?;
    let state = request.state.status.read().await.map_err(unread)?;
    Ok(json(StatusCode::OK, &state))
}
