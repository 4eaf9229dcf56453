//! The types of leads in the admin API's responses.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::leads::{LeadInContext, LeadPage, ListedLead};
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService, LeadView};
use crate::domain::phone;
use crate::domain::search::terms::SearchTerms;
use crate::domain::text::Personal;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::audit::AuditRowDto;
use crate::http::admin::search_hits::{LeadHitsDto, RowHitsDto, excerpt, utf16};
use crate::store::leads::query::LeadCount;
use crate::store::leads::tally::{LeadTally, StatusTally};

/// A page of leads.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadPage)]
pub(crate) struct LeadPageDto {
    leads: Vec<LeadSummaryDto>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    next: Option<String>,
    /// Whether the search has a letter or a digit to look for; without, it finds nothing.
    searchable: bool,
    /// What a search that finds nothing may have meant: it finds leads.
    #[schema(required)]
    suggestion: Option<String>,
    /// How many leads the filter matches; for the first page only.
    #[schema(required)]
    count: Option<LeadCountDto>,
    /// The `seq` of the last audit row when the page was read: later events are not in it.
    as_of: i64,
    /// Counts of the filter with any status, opened or not; for the first page only, and not of a search that
    /// finds very many leads.
    #[schema(required)]
    tally: Option<LeadTallyDto>,
}

/// How many leads have each status, and since when leads wait.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadTally)]
struct LeadTallyDto {
    by_status: Vec<StatusTallyDto>,
    /// When the oldest lead arrived whose status is `received`.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    oldest_received_utc: Option<Timestamp>,
}

/// The leads of one status.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusTally)]
struct StatusTallyDto {
    status: LeadStatus,
    leads: LeadCountDto,
    /// Those of them that nobody has opened.
    unopened: LeadCountDto,
}

/// How many leads a filter matches: `rows`, or more than that where it is not exact.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadCount)]
struct LeadCountDto {
    rows: usize,
    exact: bool,
}

/// A lead in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadSummary)]
pub(crate) struct LeadSummaryDto {
    #[schema(format = Uuid)]
    id: String,
    /// The `seq` of its first audit row.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at_utc: Timestamp,
    name: String,
    #[schema(required)]
    company: Option<String>,
    #[schema(required)]
    service: Option<LeadService>,
    status: LeadStatus,
    /// Who opened it first, and when.
    #[schema(required)]
    first_view: Option<LeadViewDto>,
    /// Who opened it last, and when.
    #[schema(required)]
    last_view: Option<LeadViewDto>,
    /// How many requests the same e-mail address or telephone number has sent, this one included; 10 stands for
    /// more than 9. Null in an event, and while the search index is being built.
    #[schema(required, maximum = 10)]
    requests: Option<usize>,
    /// The first characters of the message, on one line; those around the first term of a search, if it has one.
    excerpt: String,
    /// Where the terms of the search are; null without one.
    #[schema(required)]
    hits: Option<RowHitsDto>,
}

/// Who opened a lead, and when.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadView)]
pub(crate) struct LeadViewDto {
    /// The actor in the audit log, such as `staff:jean`.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at_utc: Timestamp,
}

/// A lead with its history.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadDetail)]
pub(crate) struct LeadDetailDto {
    lead: LeadDto,
    /// Oldest first.
    timeline: Vec<AuditRowDto>,
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

impl From<LeadPage> for LeadPageDto {
    fn from(page: LeadPage) -> Self {
        let terms = page.filter.terms.as_ref();
        Self {
            leads: page.leads.iter().map(|listed| LeadSummaryDto::listed(listed, terms)).collect(),
            searchable: !page.filter.matches_nothing(),
            suggestion: page.suggestion,
            next: page.next.map(|cursor| cursor.to_string()),
            count: page.count.map(LeadCountDto::from),
            as_of: page.as_of,
            tally: page.tally.map(LeadTallyDto::from),
        }
    }
}

impl From<LeadTally> for LeadTallyDto {
    fn from(tally: LeadTally) -> Self {
        Self {
            by_status: tally.by_status.into_iter().map(StatusTallyDto::from).collect(),
            oldest_received_utc: tally.oldest_received,
        }
    }
}

impl From<StatusTally> for StatusTallyDto {
    fn from(tally: StatusTally) -> Self {
        let StatusTally { status, leads, unopened } = tally;
        Self { status, leads: leads.into(), unopened: unopened.into() }
    }
}

impl From<&LeadView> for LeadViewDto {
    fn from(view: &LeadView) -> Self {
        Self { by: view.actor.clone(), at_utc: view.at_utc }
    }
}

impl From<LeadCount> for LeadCountDto {
    fn from(count: LeadCount) -> Self {
        Self { rows: count.rows, exact: count.exact }
    }
}

impl From<&Lead> for LeadSummaryDto {
    fn from(lead: &Lead) -> Self {
        Self {
            id: lead.id.clone(),
            seq: lead.audit_seq,
            created_at_utc: lead.created_at_utc,
            name: lead.name.as_str().to_owned(),
            company: lead.company.as_ref().map(|c| c.as_str().to_owned()),
            service: lead.service,
            status: lead.status,
            first_view: lead.views.as_ref().map(|views| LeadViewDto::from(&views.first)),
            last_view: lead.views.as_ref().map(|views| LeadViewDto::from(&views.last)),
            requests: None,
            excerpt: excerpt(lead.message.as_str()),
            hits: None,
        }
    }
}

impl LeadSummaryDto {
    fn listed(listed: &ListedLead, terms: Option<&SearchTerms>) -> Self {
        let lead = &listed.lead;
        let mut row = Self { requests: listed.requests, ..Self::from(lead) };
        if let Some(terms) = terms {
            let (excerpt, hits) = RowHitsDto::of(terms, lead);
            row.excerpt = excerpt.unwrap_or(row.excerpt);
            row.hits = Some(hits);
        }
        row
    }
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
