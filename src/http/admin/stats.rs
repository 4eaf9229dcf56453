//! `GET /admin/api/stats`.

use http::StatusCode;
use warp::reply::Response;

use crate::app::stats;
use crate::app::stats::{Bucket, LeadStats};
use crate::http::admin::{AdminRequest, unread};
use crate::http::error::{ApiError, json};
use crate::http::openapi::admin::Filtered;
use crate::http::openapi::params;

/// The default time zone whose days are counted: the company's.
pub(crate) const ZONE: &str = "Europe/Paris";

/// Leads counted
///
/// For each day or week, and by service and status.
#[utoipa::path(
    get,
    path = "/admin/api/stats",
    operation_id = "stats",
    tag = "admin",
    params(params::FigureFilter),
    responses((status = 200, description = "The stats.", body = LeadStats), Filtered),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn answer(mut request: AdminRequest) -> Result<Response, ApiError> {
    request.staff().await?;
    let query = &mut request.query;
    let by = |text: &str| match text {
        "day" => Some(Bucket::Day),
        "week" => Some(Bucket::Week),
        _ => None,
    };
    let zone = query.parsed("zone", "the name of a time zone, such as Europe/Paris", stats::zone);
    let wanted = stats::StatsQuery {
        period: query.period(),
        by: query.parsed("by", "day or week", by).unwrap_or(Bucket::Day),
        zone: zone.or_else(|| stats::zone(ZONE)).unwrap_or_default(),
    };
    query.check()?;
    let stats = stats::count(&request.state.db, wanted).await.map_err(unread)?;
    Ok(json(StatusCode::OK, &stats))
}
