//! `GET /admin/api/state`.

use http::StatusCode;
use warp::reply::Response;

use super::super::reply::{Failure, json};
use super::document::Read;
use super::{Asked, unread};
use crate::app::state::State;

/// How the server is
///
/// Sizes, the last lead and backup, how far the chain was proved, and what somebody should look at.
#[utoipa::path(
    get,
    path = "/admin/api/state",
    operation_id = "state",
    tag = "admin",
    responses((status = 200, description = "The state.", body = State), Read),
    security(("session" = []), ("session_https" = [])),
)]
pub(super) async fn answer(asked: Asked) -> Result<Response, Failure> {
    asked.staff().await?;
    let state = asked.desk.state().await.map_err(unread)?;
    Ok(json(StatusCode::OK, &state))
}
