//! `GET /admin/api/figures`.

use http::StatusCode;
use warp::reply::Response;

use super::super::reply::{Failure, json};
use super::{Asked, unread};
use crate::app::figures::{self, By};

/// Whose days are counted unless another zone is asked for: the company's.
const ZONE: &str = "Europe/Paris";

/// Leads counted.
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
