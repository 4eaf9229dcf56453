//! `GET /admin/api/audit`.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::audit;
use crate::app::audit::AuditPage;
use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::authenticate;
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::openapi::params;
use crate::http::openapi::responses::FilterErrors;
use crate::http::request::HttpRequest;
use crate::http::response::json;

/// List the audit log
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/admin/api/audit",
    operation_id = "listAuditRows",
    tag = "admin",
    params(params::AuditFilterParams),
    responses(
        (status = 200, description = "A page of the rows that match the filter.", body = AuditPageDto,
            links(("NextPage" = (
                operation_id = "listAuditRows",
                parameters(("cursor" = "$response.body#/next")),
                description = "The next page."
            )))),
        FilterErrors,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn list(mut request: HttpRequest) -> Result<Response, ApiError> {
    authenticate(&request).await?;
    let filter = request.query.audit_filter();
    let (cursor, limit) = request.query.audit_page();
    request.query.check()?;
    let page =
        audit::page(&request.context.app.db, filter, cursor, limit).await.map_err(read_error)?;
    Ok(json(StatusCode::OK, &AuditPageDto::from(page)))
}

/// A page of the audit log, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditPage)]
struct AuditPageDto {
    rows: Vec<AuditRowDto>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    next: Option<String>,
    /// The names of all events, to filter by.
    events: Vec<&'static str>,
}

/// An audit row.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditRow)]
pub(crate) struct AuditRowDto {
    seq: i64,
    #[schema(format = Uuid)]
    id: String,
    #[schema(value_type = String, format = DateTime)]
    created_at_utc: Recorded<Timestamp>,
    #[schema(value_type = String)]
    event: Recorded<AuditEvent>,
    #[schema(required)]
    actor: Option<String>,
    #[schema(required, format = Uuid)]
    lead_id: Option<String>,
    #[schema(required, format = Uuid)]
    request_id: Option<String>,
    #[schema(required)]
    status_code: Option<i64>,
    /// What belongs to this event; contains no personal data.
    #[schema(required, value_type = Option<Object>)]
    details: Value,
    /// The hash of the previous row's hash and this row.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
}

impl From<AuditPage> for AuditPageDto {
    fn from(page: AuditPage) -> Self {
        Self {
            rows: page.rows.into_iter().map(AuditRowDto::from).collect(),
            next: page.next.map(|seq| seq.to_string()),
            events: AuditEvent::ALL.iter().map(|event| event.as_str()).collect(),
        }
    }
}

impl From<AuditRow> for AuditRowDto {
    fn from(row: AuditRow) -> Self {
        Self {
            details: row.details(),
            seq: row.seq,
            id: row.id,
            created_at_utc: row.created_at_utc,
            event: row.event,
            actor: row.actor,
            lead_id: row.lead_id,
            request_id: row.request_id,
            status_code: row.status_code,
            hash: row.hash,
        }
    }
}
