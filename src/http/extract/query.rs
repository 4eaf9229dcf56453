//! The part of an address behind the `?`, read into filters; every fault at once.

use crate::domain::cursor::Cursor;
use crate::domain::field_error::FieldError;
use crate::domain::filter;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::search_terms::SearchTerms;
use crate::http::error::ApiError;

/// Rows of a page unless asked otherwise, and at most.
pub(crate) const PAGE: usize = 50;
pub(crate) const LARGEST_PAGE: usize = 200;
/// Characters of a search that are looked at.
pub(crate) const SEARCH: usize = 200;

/// Names and values; what stands first counts, and what is empty is as good as left out.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    faults: Vec<FieldError>,
}

impl Query {
    pub(crate) fn read(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Self { pairs: pairs.into_owned().collect(), faults: Vec::new() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(n, _)| n == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// A value read by `parse`; where it cannot be, a fault and nothing.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &str,
        accepts: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let parsed = parse(value);
        if parsed.is_none() {
            self.faults.push(FieldError {
                loc: vec!["query".to_owned(), name.to_owned()],
                msg: format!("this takes {accepts}"),
                kind: "value_error",
            });
        }
        parsed
    }

    pub(crate) fn period(&mut self) -> Period {
        let accepts = "a moment (RFC 3339) or a day such as 2026-01-31";
        Period {
            since: self.parsed("since", accepts, filter::parse_since),
            until: self.parsed("until", accepts, filter::parse_until),
        }
    }

    pub(crate) fn leads(&mut self) -> LeadFilter {
        let services = "ponts, cabines, compresseurs, diagnostic or autre";
        let statuses = "received, processing, resolved or archived";
        let terms = self.get("q").map(|q| q.chars().take(SEARCH).collect::<String>());
        LeadFilter {
            period: self.period(),
            service: self.parsed("service", services, LeadService::parse),
            status: self.parsed("status", statuses, LeadStatus::parse),
            terms: terms.as_deref().map(SearchTerms::parse),
        }
    }

    /// Behind which place of the list of leads the page begins, and how many rows it has.
    pub(crate) fn lead_page(&mut self) -> (Option<Cursor>, usize) {
        self.page(Cursor::parse)
    }

    /// Behind which audit row the page begins, and how many rows it has.
    pub(crate) fn audit_page(&mut self) -> (Option<i64>, usize) {
        self.page(|text| text.parse().ok().filter(|seq| *seq > 0))
    }

    fn page<T>(&mut self, place: impl Fn(&str) -> Option<T>) -> (Option<T>, usize) {
        let before = self.parsed("cursor", "what `next` of the page before said", place);
        let limit = |text: &str| text.parse().ok().filter(|n| (1..=LARGEST_PAGE).contains(n));
        let limit = self.parsed("limit", "a number from 1 to 200", limit);
        (before, limit.unwrap_or(PAGE))
    }

    /// Fails if anything that was read could not be.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Validation(std::mem::take(&mut self.faults)))
        }
    }
}
