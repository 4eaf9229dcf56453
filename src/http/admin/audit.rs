//! `GET /admin/api/audit`.

use http::StatusCode;
use warp::reply::Response;

use super::super::reply::{Failure, json};
use super::document::Filtered;
use super::{Asked, shape, unread};
use crate::app::audit::Page;
use crate::store::AuditFilter;

/// A page of the audit log
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/admin/api/audit",
    operation_id = "auditLog",
    tag = "admin",
    params(shape::AuditFilter),
    responses(
        (status = 200, description = "A page of what the filter finds.", body = Page,
            links(("NextPage" = (
                operation_id = "auditLog",
                parameters(("cursor" = "$response.body#/next")),
                description = "The page behind this one."
            )))),
        Filtered,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(super) async fn page(mut asked: Asked) -> Result<Response, Failure> {
    asked.staff().await?;
    let query = &mut asked.query;
    let text = |value: Option<&str>| value.map(str::to_owned);
    let filter = AuditFilter {
        period: query.period(),
        event: text(query.get("event")),
        actor: text(query.get("actor")),
        lead_id: text(query.get("lead")).map(|id| id.to_ascii_lowercase()),
    };
    let (before, limit) = query.audit_page();
    query.check()?;
    let page = asked.desk.audit(filter, before, limit).await.map_err(unread)?;
    Ok(json(StatusCode::OK, &page))
}
