//! The types of lists of leads in the admin API's responses.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::leads::{LeadPage, ListedLead};
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService, LeadView};
use crate::domain::search::terms::SearchTerms;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::search_hits::{RowHitsDto, excerpt};
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
pub(crate) struct LeadCountDto {
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
