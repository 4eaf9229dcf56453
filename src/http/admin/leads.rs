//! `GET /admin/api/leads` and `/admin/api/leads/{id}`.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use warp::reply::Response;

use super::super::reply::{Failure, LoggedLead, json};
use super::{Asked, unread};
use crate::app::audit::Row;
use crate::app::browse::{NotOpened, Opened};
use crate::domain::id::LeadId;
use crate::domain::lead::Lead;
use crate::domain::text::Personal;

/// A lead with everything that is known of it.
#[derive(Serialize)]
struct OpenedLead {
    lead: WholeLead,
    /// Oldest first.
    timeline: Vec<Row>,
    receipt: Option<String>,
    /// `holds` or `broken`.
    digest: &'static str,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Serialize)]
struct WholeLead {
    id: String,
    seq: i64,
    created_at_utc: String,
    name: String,
    email: String,
    phone: Option<String>,
    company: Option<String>,
    service: Option<String>,
    message: String,
    consent: bool,
    source: String,
    request_id: String,
    ip_hash: String,
    user_agent_hash: Option<String>,
    timestamp_utc: Option<String>,
    status: String,
}

/// A page of the inbox.
pub(super) async fn page(mut asked: Asked) -> Result<Response, Failure> {
    asked.staff().await?;
    let filter = asked.query.leads();
    let (before, limit) = asked.query.lead_page();
    asked.query.check()?;
    let page = asked.desk.leads(filter, before, limit).await.map_err(unread)?;
    Ok(json(StatusCode::OK, &page))
}

/// One lead; that it was opened is in the audit log before it is answered.
pub(super) async fn open(mut asked: Asked, id: &str) -> Result<Response, Failure> {
    let staff = asked.staff().await?;
    let filter = asked.query.leads();
    asked.query.check()?;
    let id = LeadId::parse(id).ok_or(Failure::NotFound)?.to_string();
    let opened = asked.desk.open(id, filter, staff.actor()).await.map_err(|e| match e {
        NotOpened::Unknown => Failure::NotFound,
        NotOpened::Erased => Failure::LeadErased("This lead was erased"),
        NotOpened::Store(error) => unread(error),
    })?;
    let lead_id = opened.shown.lead.id.clone();
    let mut response = json(StatusCode::OK, &OpenedLead::from(opened));
    response.extensions_mut().insert(LoggedLead(lead_id));
    Ok(response)
}

impl From<Opened> for OpenedLead {
    fn from(opened: Opened) -> Self {
        let shown = opened.shown;
        Self {
            lead: shown.lead.into(),
            timeline: shown.timeline.into_iter().map(Row::from).collect(),
            receipt: shown.receipt.map(|receipt| receipt.to_string()),
            digest: if shown.digest_holds { "holds" } else { "broken" },
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
