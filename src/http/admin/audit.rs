//! `GET /admin/api/audit`.

use http::StatusCode;
use warp::reply::Response;

use super::super::reply::{Failure, json};
use super::{Asked, unread};
use crate::store::AuditFilter;

/// A page of the audit log.
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
