//! `GET /admin/api/stats`.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::stats;
use crate::app::stats::{LeadStats, PreviousPeriod, ServiceCount, StatusCount, TimeBucket};
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::authenticate;
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::openapi::params;
use crate::http::openapi::responses::FilterErrors;
use crate::http::request::HttpRequest;
use crate::http::response::json;

/// Count leads
///
/// By day or week, by service and by status; beside them, what the time before the period had.
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
    /// The time before, as long as what has passed of the period; without a beginning of the period there is none.
    #[schema(required)]
    previous: Option<PreviousPeriodDto>,
}

/// The time before a period, up to its beginning.
#[derive(Serialize, ToSchema)]
#[schema(as = PreviousPeriod)]
struct PreviousPeriodDto {
    #[schema(value_type = String, format = DateTime)]
    since_utc: Timestamp,
    leads: i64,
    #[schema(required)]
    median_seconds_to_processing: Option<i64>,
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
            previous: stats.previous.map(PreviousPeriodDto::from),
        }
    }
}

impl From<PreviousPeriod> for PreviousPeriodDto {
    fn from(previous: PreviousPeriod) -> Self {
        let PreviousPeriod { since, leads, median_seconds_to_processing } = previous;
        Self { since_utc: since, leads, median_seconds_to_processing }
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
