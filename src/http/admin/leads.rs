//! `GET /admin/api/leads` and `/admin/api/leads/{id}`.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use warp::reply::Response;

use super::super::reply::{Failure, LoggedLead, json};
use super::document::{Filtered, OneLead};
use super::{Asked, shape, unread};
use crate::app::audit::Row;
use crate::app::browse::{NotOpened, Opened, Page};
use crate::domain::id::LeadId;
use crate::domain::lead::{Lead, Service};
use crate::domain::status::Status;
use crate::domain::text::Personal;

/// A lead with everything that is known of it.
#[derive(Serialize, ToSchema)]
struct OpenedLead {
    lead: WholeLead,
    /// Oldest first.
    timeline: Vec<Row>,
    /// As the site was answered.
    #[schema(required, pattern = "^[1-9][0-9]*:[0-9a-f]{64}$")]
    receipt: Option<String>,
    digest: Digest,
    /// The lead before it in the list of this filter.
    #[schema(required, format = Uuid)]
    newer: Option<String>,
    /// The one behind it.
    #[schema(required, format = Uuid)]
    older: Option<String>,
}

/// Whether the lead is what its audit row tells of.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Digest {
    Holds,
    Broken,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Lead)]
struct WholeLead {
    #[schema(format = Uuid)]
    id: String,
    /// The place of its arrival in the audit log.
    seq: i64,
    #[schema(format = DateTime)]
    created_at_utc: String,
    name: String,
    email: String,
    #[schema(required)]
    phone: Option<String>,
    #[schema(required)]
    company: Option<String>,
    #[schema(required, value_type = Option<Service>)]
    service: Option<String>,
    message: String,
    consent: bool,
    source: String,
    #[schema(format = Uuid)]
    request_id: String,
    ip_hash: String,
    #[schema(required)]
    user_agent_hash: Option<String>,
    /// When the visitor sent it.
    #[schema(required, format = DateTime)]
    timestamp_utc: Option<String>,
    #[schema(value_type = Status)]
    status: String,
}

/// A page of the inbox
///
/// Newest first; the first page has the count of what the filter finds.
#[utoipa::path(
    get,
    path = "/admin/api/leads",
    operation_id = "leads",
    tag = "admin",
    params(shape::LeadFilter, shape::LeadPage),
    responses(
        (status = 200, description = "A page of what the filter finds.", body = Page,
            links(
                ("NextPage" = (
                    operation_id = "leads",
                    parameters(("cursor" = "$response.body#/next")),
                    description = "The page behind this one."
                )),
                ("Open" = (
                    operation_id = "openLead",
                    parameters(("id" = "$response.body#/leads/0/id")),
                    description = "The newest of them."
                ))
            )),
        Filtered,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(super) async fn page(mut asked: Asked) -> Result<Response, Failure> {
    asked.staff().await?;
    let filter = asked.query.leads();
    let (before, limit) = asked.query.lead_page();
    asked.query.check()?;
    let page = asked.desk.leads(filter, before, limit).await.map_err(unread)?;
    Ok(json(StatusCode::OK, &page))
}

/// A lead
///
/// Everything that is known of it, and its neighbours in the list of this filter. That it was
/// opened is in the audit log before it is answered.
#[utoipa::path(
    get,
    path = "/admin/api/leads/{id}",
    operation_id = "openLead",
    tag = "admin",
    params(("id" = Uuid, Path, description = "Its own id."), shape::LeadFilter),
    responses(
        (status = 200, description = "The lead.", body = OpenedLead,
            links(("Older" = (
                operation_id = "openLead",
                parameters(("id" = "$response.body#/older")),
                description = "The lead behind it."
            )))),
        OneLead,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(super) async fn open(mut asked: Asked, id: &str) -> Result<Response, Failure> {
    let staff = asked.staff().await?;
    let filter = asked.query.leads();
    asked.query.check()?;
    let id = LeadId::parse(id).ok_or(Failure::NotFound)?.to_string();
    let opened = asked.desk.open(id, filter, staff.actor()).await.map_err(|e| match e {
        NotOpened::Unknown => Failure::NotFound,
        NotOpened::Erased => erased(),
        NotOpened::Store(error) => unread(error),
    })?;
    let lead_id = opened.shown.lead.id.clone();
    let mut response = json(StatusCode::OK, &OpenedLead::from(opened));
    response.extensions_mut().insert(LoggedLead(lead_id));
    Ok(response)
}

/// Where a lead was once.
pub(super) fn erased() -> Failure {
    Failure::LeadErased("This lead was erased")
}

impl From<Opened> for OpenedLead {
    fn from(opened: Opened) -> Self {
        let shown = opened.shown;
        Self {
            lead: shown.lead.into(),
            timeline: shown.timeline.into_iter().map(Row::from).collect(),
            receipt: shown.receipt.map(|receipt| receipt.to_string()),
            digest: if shown.digest_holds { Digest::Holds } else { Digest::Broken },
            newer: opened.newer,
            older: opened.older,
        }
    }
}

impl From<Lead> for WholeLead {
    fn from(lead: Lead) -> Self {
        let meta = lead.meta_json.as_deref().unwrap_or("null");
        let meta: Value = serde_json::from_str(meta).unwrap_or_default();
        let of_meta = |name: &str| meta[name].as_str().map(str::to_owned);
        let text = |text: &Personal| text.as_str().to_owned();
        Self {
            name: text(&lead.name),
            email: text(&lead.email),
            phone: lead.phone.as_ref().map(text),
            company: lead.company.as_ref().map(text),
            message: text(&lead.message),
            user_agent_hash: of_meta("user_agent_hash"),
            timestamp_utc: of_meta("timestamp_utc"),
            id: lead.id,
            seq: lead.audit_seq,
            created_at_utc: lead.created_at_utc,
            service: lead.service,
            consent: lead.consent,
            source: lead.source,
            request_id: lead.request_id,
            ip_hash: lead.ip_hash,
            status: lead.status,
        }
    }
}
