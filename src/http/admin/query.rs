//! The part of an address behind the `?`, read into filters; every fault at once.

use super::super::reply::Failure;
use crate::domain::fault::Fault;
use crate::domain::filter::{self, LeadFilter, Period};
use crate::domain::lead::Service;
use crate::domain::place::Place;
use crate::domain::search::Words;
use crate::domain::status::Status;

/// Rows of a page unless asked otherwise, and at most.
pub(super) const PAGE: usize = 50;
pub(super) const LARGEST_PAGE: usize = 200;
/// Characters of a search that are looked at.
pub(super) const SEARCH: usize = 200;

/// Names and values; what stands first counts, and what is empty is as good as left out.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Query {
    pub(super) fn read(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Self { pairs: pairs.into_owned().collect(), faults: Vec::new() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(n, _)| n == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// A value read by `parse`; where it cannot be, a fault and nothing.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        accepts: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let parsed = parse(value);
        if parsed.is_none() {
            self.faults.push(Fault {
                loc: vec!["query".to_owned(), name.to_owned()],
                msg: format!("this takes {accepts}"),
                kind: "value_error",
            });
        }
        parsed
    }

    pub(super) fn period(&mut self) -> Period {
        let accepts = "a moment (RFC 3339) or a day such as 2026-01-31";
        Period {
            since: self.parsed("since", accepts, filter::since),
            until: self.parsed("until", accepts, filter::until),
        }
    }

    pub(super) fn leads(&mut self) -> LeadFilter {
        let services = "ponts, cabines, compresseurs, diagnostic or autre";
        let statuses = "received, processing, resolved or archived";
        let words = self.get("q").map(|q| q.chars().take(SEARCH).collect::<String>());
        LeadFilter {
            period: self.period(),
            service: self.parsed("service", services, Service::parse),
            status: self.parsed("status", statuses, Status::parse),
            words: words.as_deref().map(Words::of),
        }
    }

    /// Behind which place of the list of leads the page begins, and how many rows it has.
    pub(super) fn lead_page(&mut self) -> (Option<Place>, usize) {
        self.page(Place::parse)
    }

    /// Behind which audit row the page begins, and how many rows it has.
    pub(super) fn audit_page(&mut self) -> (Option<i64>, usize) {
        self.page(|text| text.parse().ok().filter(|seq| *seq > 0))
    }

    fn page<T>(&mut self, place: impl Fn(&str) -> Option<T>) -> (Option<T>, usize) {
        let before = self.parsed("cursor", "what `next` of the page before said", place);
        let limit = |text: &str| text.parse().ok().filter(|n| (1..=LARGEST_PAGE).contains(n));
        let limit = self.parsed("limit", "a number from 1 to 200", limit);
        (before, limit.unwrap_or(PAGE))
    }

    /// Fails if anything that was read could not be.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Failure::Validation(std::mem::take(&mut self.faults)))
        }
    }
}
