//! `GET /admin/api/audit`.

use http::StatusCode;
use warp::reply::Response;

use crate::app::audit::{self, AuditPage};
use crate::domain::recorded::Recorded;
use crate::http::admin::{AdminRequest, unread};
use crate::http::error::{ApiError, json};
use crate::http::openapi::admin::Filtered;
use crate::http::openapi::params;
use crate::store::audit::query::AuditFilter;

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
        (status = 200, description = "A page of what the filter finds.", body = AuditPage,
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
        event: query.get("event").map(Recorded::parse),
        actor: text(query.get("actor")),
        lead_id: text(query.get("lead")).map(|id| id.to_ascii_lowercase()),
    };
    let (before, limit) = query.audit_page();
    query.check()?;
    let page = audit::page(&request.state.db, filter, before, limit).await.map_err(unread)?;
    Ok(json(StatusCode::OK, &page))
}
