//! `GET /admin/api/stats`.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::stats;
use crate::app::stats::{LeadStats, ServiceCount, StatusCount, TimeBucket};
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::http::admin::authenticate;
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::openapi::params;
use crate::http::openapi::responses::FilterErrors;
use crate::http::request::HttpRequest;
use crate::http::response::json;

/// Count leads
///
/// By day or week, by service and by status.
#[utoipa::path(
    get,
    path = "/admin/api/stats",
    operation_id = "getStats",
    tag = "admin",
    params(params::StatsParams),
    responses((status = 200, description = "The stats.", body = LeadStatsDto), FilterErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn stats(mut request: HttpRequest) -> Result<Response, ApiError> {
    authenticate(&request).await?;
    let query = request.query.stats();
    request.query.check()?;
    let stats = stats::count(&request.context.app.db, query).await.map_err(read_error)?;
    Ok(json(StatusCode::OK, &LeadStatsDto::from(stats)))
}

/// Counts of leads over a period.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadStats)]
struct LeadStatsDto {
    /// Oldest first; buckets without a lead are included.
    series: Vec<TimeBucketDto>,
    by_service: Vec<ServiceCountDto>,
    by_status: Vec<StatusCountDto>,
    /// From a lead's arrival to its first status other than `received`.
    #[schema(required)]
    median_seconds_to_processing: Option<i64>,
    leads: i64,
}

/// A day or a week.
#[derive(Serialize, ToSchema)]
#[schema(as = TimeBucket)]
struct TimeBucketDto {
    /// Its first day, such as `2026-01-31`.
    #[schema(format = Date)]
    start: String,
    leads: i64,
}

/// The number of leads for one service; `null` counts the leads that name no service.
#[derive(Serialize, ToSchema)]
#[schema(as = ServiceCount)]
struct ServiceCountDto {
    #[schema(required)]
    service: Option<LeadService>,
    leads: i64,
}

/// The number of leads with one status.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusCount)]
struct StatusCountDto {
    #[schema(required)]
    status: Option<LeadStatus>,
    leads: i64,
}

impl From<LeadStats> for LeadStatsDto {
    fn from(stats: LeadStats) -> Self {
        Self {
            series: stats.series.into_iter().map(TimeBucketDto::from).collect(),
            by_service: stats.by_service.into_iter().map(ServiceCountDto::from).collect(),
            by_status: stats.by_status.into_iter().map(StatusCountDto::from).collect(),
            median_seconds_to_processing: stats.median_seconds_to_processing,
            leads: stats.leads,
        }
    }
}

impl From<TimeBucket> for TimeBucketDto {
    fn from(bucket: TimeBucket) -> Self {
        Self { start: bucket.start, leads: bucket.leads }
    }
}

impl From<ServiceCount> for ServiceCountDto {
    fn from(count: ServiceCount) -> Self {
        Self { service: count.service, leads: count.leads }
    }
}

impl From<StatusCount> for StatusCountDto {
    fn from(count: StatusCount) -> Self {
        Self { status: count.status, leads: count.leads }
    }
}
