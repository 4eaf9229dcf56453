//! `GET /admin/api/figures`.

use http::StatusCode;
use warp::reply::Response;

use super::super::reply::{Failure, json};
use super::document::Filtered;
use super::{Asked, shape, unread};
use crate::app::figures::{self, By, Figures};

/// Whose days are counted unless another zone is asked for: the company's.
pub(super) const ZONE: &str = "Europe/Paris";

/// Leads counted
///
/// For each day or week, and by service and status.
#[utoipa::path(
    get,
    path = "/admin/api/figures",
    operation_id = "figures",
    tag = "admin",
    params(shape::FigureFilter),
    responses((status = 200, description = "The figures.", body = Figures), Filtered),
    security(("session" = []), ("session_https" = [])),
)]
pub(super) async fn answer(mut asked: Asked) -> Result<Response, Failure> {
    asked.staff().await?;
    let query = &mut asked.query;
    let by = |text: &str| match text {
        "day" => Some(By::Day),
        "week" => Some(By::Week),
        _ => None,
    };
    let zone = query.parsed("zone", "the name of a time zone, such as Europe/Paris", figures::zone);
    let wanted = figures::Asked {
        period: query.period(),
        by: query.parsed("by", "day or week", by).unwrap_or(By::Day),
        zone: zone.or_else(|| figures::zone(ZONE)).unwrap_or_default(),
    };
    query.check()?;
    let figures = asked.desk.figures(wanted).await.map_err(unread)?;
    Ok(json(StatusCode::OK, &figures))
}
