//! `GET /admin/api/leads` and `/admin/api/leads/{id}`.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::audit::AuditEntry;
use crate::app::leads::{self, LeadInContext, LeadPage, OpenLeadError};
use crate::domain::id::LeadId;
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService};
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::{AdminRequest, unread};
use crate::http::error::{ApiError, LoggedLead, json};
use crate::http::openapi::admin::{Filtered, OneLead};
use crate::http::openapi::params;

/// A lead with everything that is known of it.
#[derive(Serialize, ToSchema)]
struct OpenedLead {
    lead: WholeLead,
    /// Oldest first.
    timeline: Vec<AuditEntry>,
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
    Valid,
    Invalid,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Lead)]
struct WholeLead {
    #[schema(format = Uuid)]
    id: String,
    /// The place of its arrival in the audit log.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at_utc: Timestamp,
    name: String,
    email: String,
    #[schema(required)]
    phone: Option<String>,
    #[schema(required)]
    company: Option<String>,
    #[schema(required)]
    service: Option<LeadService>,
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
    status: LeadStatus,
}

/// A page of the inbox
///
/// Newest first; the first page has the count of what the filter finds.
#[utoipa::path(
    get,
    path = "/admin/api/leads",
    operation_id = "leads",
    tag = "admin",
    params(params::LeadFilter, params::LeadPage),
    responses(
        (status = 200, description = "A page of what the filter finds.", body = LeadPage,
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
pub(crate) async fn page(mut request: AdminRequest) -> Result<Response, ApiError> {
    request.staff().await?;
    let filter = request.query.leads();
    let (before, limit) = request.query.lead_page();
    request.query.check()?;
    let page = leads::page(&request.state.db, filter, before, limit).await.map_err(unread)?;
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
    params(("id" = Uuid, Path, description = "Its own id."), params::LeadFilter),
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
pub(crate) async fn open(mut request: AdminRequest, id: &str) -> Result<Response, ApiError> {
    let staff = request.staff().await?;
    let filter = request.query.leads();
    request.query.check()?;
    let id = LeadId::parse(id).ok_or(ApiError::NotFound)?.to_string();
    let opened =
        leads::open(&request.state.db, id, filter, staff.actor()).await.map_err(|e| match e {
            OpenLeadError::Unknown => ApiError::NotFound,
            OpenLeadError::Erased => erased(),
            OpenLeadError::Store(error) => unread(error),
        })?;
    let lead_id = opened.detail.lead.id.clone();
    let mut response = json(StatusCode::OK, &OpenedLead::from(opened));
    response.extensions_mut().insert(LoggedLead(lead_id));
    Ok(response)
}

/// Where a lead was once.
pub(crate) fn erased() -> ApiError {
    ApiError::LeadErased("This lead was erased")
}

impl From<LeadInContext> for OpenedLead {
    fn from(opened: LeadInContext) -> Self {
        let shown = opened.detail;
        Self {
            lead: shown.lead.into(),
            timeline: shown.timeline.into_iter().map(AuditEntry::from).collect(),
            receipt: shown.receipt.map(|receipt| receipt.to_string()),
            digest: if shown.digest_valid { Digest::Valid } else { Digest::Invalid },
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
