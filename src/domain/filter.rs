//! Filters of lists and exports.

use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::person::SamePerson;
use crate::domain::search::terms::SearchTerms;
use crate::domain::timestamp::Timestamp;

/// A half-open time range: from `since`, included, to `until`, not included.
#[derive(Debug, Clone, Copy, Default)]
pub struct Period {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Which leads; every condition that is set must be met.
#[derive(Debug, Clone, Default)]
pub struct LeadFilter {
    pub period: Period,
    pub service: Option<LeadService>,
    pub status: Option<LeadStatus>,
    /// Whether somebody has opened the lead.
    pub opened: Option<bool>,
    pub terms: Option<SearchTerms>,
    pub person: Option<SamePerson>,
    /// The submissions of `fastcore canary`, instead of the leads.
    pub canary: bool,
}

impl LeadFilter {
    /// Whether no lead can match: the search has no term.
    #[must_use]
    pub fn matches_nothing(&self) -> bool {
        self.terms.as_ref().is_some_and(SearchTerms::is_empty)
    }
}

/// The order of a list of leads, by the time of their arrival.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LeadOrder {
    #[default]
    NewestFirst,
    OldestFirst,
}

/// Parses the beginning of a period: RFC 3339, or a day (in UTC) from its first microsecond.
#[must_use]
pub fn parse_since(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_day_start(text))
}

/// Parses the end of a period: RFC 3339, which is not part of the period, or a day (in UTC), which
/// is part of it as a whole.
#[must_use]
pub fn parse_until(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_day_end(text))
}
