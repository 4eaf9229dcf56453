//! `GET /admin/api/audit`.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::audit::AuditPage;
use crate::domain::audit::{AuditEvent, AuditRow};
use crate::http::admin::{AdminRequest, unread};
use crate::http::error::{ApiError, json};
use crate::http::openapi::admin::Filtered;
use crate::http::openapi::params;
use crate::store::audit::page::AuditFilter;

/// A page of the audit log
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/admin/api/audit",
    operation_id = "auditLog",
    tag = "admin",
    params(params::AuditFilter),
    responses(
        (status = 200, description = "A page of what the filter finds.", body = AuditPageDto,
            links(("NextPage" = (
                operation_id = "auditLog",
                parameters(("cursor" = "$response.body#/next")),
                description = "The page behind this one."
            )))),
        Filtered,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn page(mut request: AdminRequest) -> Result<Response, ApiError> {
    request.staff().await?;
    let query = &mut request.query;
    let text = |value: Option<&str>| value.map(str::to_owned);
    let filter = AuditFilter {
        period: query.period(),
        event: text(query.get("event")),
        actor: text(query.get("actor")),
        lead_id: text(query.get("lead")).map(|id| id.to_ascii_lowercase()),
    };
    let (before, limit) = query.audit_page();
    query.check()?;
    let page = request.state.audit(filter, before, limit).await.map_err(unread)?;
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
    #[schema(format = DateTime)]
    created_at_utc: String,
    event: String,
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
            events: AuditEvent::ALL.into_iter().map(AuditEvent::as_str).collect(),
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
