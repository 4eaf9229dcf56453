//! The types of an open lead in the admin API's responses.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::leads::LeadInContext;
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService};
use crate::domain::phone;
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::audit::AuditRowDto;
use crate::http::admin::lead_list_types::{LeadCountDto, LeadSummaryDto};
use crate::http::admin::notice_types::LeadNoticeDto;
use crate::http::admin::search_hits::{LeadHitsDto, utf16};

/// A lead with its history.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadDetail)]
pub(crate) struct LeadDetailDto {
    lead: LeadDto,
    /// Oldest first.
    timeline: Vec<AuditRowDto>,
    /// Who was told of it, by the channels; null where that cannot be read.
    #[schema(required)]
    notices: Option<Vec<LeadNoticeDto>>,
    /// The receipt that the site got.
    #[schema(required, pattern = "^[1-9][0-9]*:[0-9a-f]{64}$")]
    receipt: Option<String>,
    digest: DigestStatus,
    /// The next newer lead that matches the filter.
    #[schema(required, format = Uuid)]
    newer: Option<String>,
    /// The next older lead that matches the filter.
    #[schema(required, format = Uuid)]
    older: Option<String>,
    /// The other requests of the same e-mail address or telephone number; null while the search index is being
    /// built.
    #[schema(required)]
    others: Option<OtherRequestsDto>,
    /// Where the terms of the search are; null without one.
    #[schema(required)]
    hits: Option<LeadHitsDto>,
}

/// The other requests of a person.
#[derive(Serialize, ToSchema)]
#[schema(as = OtherRequests)]
struct OtherRequestsDto {
    /// The newest, newest first.
    leads: Vec<LeadSummaryDto>,
    count: LeadCountDto,
}

/// Whether the lead's content matches the digest in its audit row.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DigestStatus {
    Valid,
    Invalid,
}

/// A lead.
#[derive(Serialize, ToSchema)]
#[schema(as = Lead)]
struct LeadDto {
    #[schema(format = Uuid)]
    id: String,
    /// The `seq` of its first audit row.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at_utc: Timestamp,
    name: String,
    email: String,
    #[schema(required)]
    phone: Option<String>,
    /// A link that dials the first number of `phone`; null where none is certain.
    #[schema(required, pattern = "^tel:[+][0-9]+(;ext=[0-9]+)?$")]
    phone_uri: Option<String>,
    #[schema(required)]
    company: Option<String>,
    #[schema(required)]
    service: Option<LeadService>,
    message: String,
    /// The telephone numbers of the message.
    message_phones: Vec<PhoneLinkDto>,
    consent: bool,
    source: String,
    #[schema(format = Uuid)]
    request_id: String,
    ip_hash: String,
    #[schema(required)]
    user_agent_hash: Option<String>,
    /// When the visitor submitted it.
    #[schema(required, format = DateTime)]
    timestamp_utc: Option<String>,
    status: LeadStatus,
}

/// A telephone number in a text.
#[derive(Serialize, ToSchema)]
#[schema(as = PhoneLink)]
struct PhoneLinkDto {
    /// Where it begins and ends, in UTF-16 code units.
    start: usize,
    end: usize,
    /// A link that dials it.
    #[schema(pattern = "^tel:[+][0-9]+(;ext=[0-9]+)?$")]
    uri: String,
}

impl From<LeadInContext> for LeadDetailDto {
    fn from(opened: LeadInContext) -> Self {
        let detail = opened.detail;
        let terms = opened.filter.terms.as_ref();
        Self {
            hits: terms.map(|terms| LeadHitsDto::of(terms, &detail.lead)),
            others: opened.others.map(|others| OtherRequestsDto {
                leads: others.leads.iter().map(LeadSummaryDto::from).collect(),
                count: others.count.into(),
            }),
            lead: detail.lead.into(),
            timeline: detail.timeline.into_iter().map(AuditRowDto::from).collect(),
            notices: detail.notices.map(|of| of.into_iter().map(LeadNoticeDto::from).collect()),
            receipt: detail.receipt.map(|receipt| receipt.to_string()),
            digest: if detail.digest_valid { DigestStatus::Valid } else { DigestStatus::Invalid },
            newer: opened.newer,
            older: opened.older,
        }
    }
}

impl From<Lead> for LeadDto {
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
            phone_uri: lead
                .phone
                .as_ref()
                .and_then(|phone| phone_links(phone).into_iter().next())
                .map(|link| link.uri),
            message: text(&lead.message),
            message_phones: phone_links(&lead.message),
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

fn phone_links(text: &Personal) -> Vec<PhoneLinkDto> {
    let text = text.as_str();
    let numbers = phone::find_all(text).into_iter();
    let links = numbers.map(|number| PhoneLinkDto {
        start: utf16(text, number.range.start),
        end: utf16(text, number.range.end),
        uri: number.uri(),
    });
    links.collect()
}
