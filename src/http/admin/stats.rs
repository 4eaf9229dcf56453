//! `GET /admin/api/stats`.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::stats;
use crate::app::stats::{Bucket, LeadStats, ServiceCount, StatusCount, TimeBucket};
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
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
    responses((status = 200, description = "The stats.", body = LeadStatsDto), Filtered),
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
    let stats = request.state.stats(wanted).await.map_err(unread)?;
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
    #[schema(required, value_type = Option<LeadService>)]
    service: Option<String>,
    leads: i64,
}

/// The number of leads with one status.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusCount)]
struct StatusCountDto {
    #[schema(required, value_type = Option<LeadStatus>)]
    status: Option<String>,
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
