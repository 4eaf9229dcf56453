//! `GET /admin/api/state`.

use http::StatusCode;
use warp::reply::Response;

use super::super::reply::{Failure, json};
use super::{Asked, unread};

/// How the server is.
pub(super) async fn answer(asked: Asked) -> Result<Response, Failure> {
    asked.staff().await?;
    let state = asked.desk.state().await.map_err(unread)?;
    Ok(json(StatusCode::OK, &state))
}
