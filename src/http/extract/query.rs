//! The query string, parsed into filters; all errors at once.

use crate::app::export::format::ExportFormat;
use crate::app::stats;
use crate::app::stats::{Bucket, StatsQuery};
use crate::domain::cursor::Cursor;
use crate::domain::field_error::FieldErrors;
use crate::domain::filter;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::recorded::Recorded;
use crate::domain::search_terms::SearchTerms;
use crate::http::error::ApiError;
use crate::store::audit::query::AuditFilter;

/// Rows of a page by default, and at most.
pub(crate) const DEFAULT_LIMIT: usize = 50;
pub(crate) const MAX_LIMIT: usize = 200;
/// Characters of a search that are used; the rest is ignored.
pub(crate) const MAX_SEARCH: usize = 200;
/// The default time zone of the stats: the company's.
pub(crate) const DEFAULT_ZONE: &str = "Europe/Paris";
/// The export formats of the admin page: those that people open. The PostgreSQL script is made on
/// the command line.
pub(crate) const EXPORT_FORMATS: [ExportFormat; 4] =
    [ExportFormat::Xlsx, ExportFormat::Csv, ExportFormat::CsvExcelFr, ExportFormat::Jsonl];

/// A query string. Of a repeated parameter the first counts; a blank one is the same as none.
/// Reading one that is invalid records an error for [`Query::check`].
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    errors: FieldErrors,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Self { pairs: pairs.into_owned().collect(), errors: FieldErrors::default() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(n, _)| n == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// A parameter that `parse` accepts; `accepts` says what that is, for the error message.
    fn parsed<T>(
        &mut self,
        name: &str,
        accepts: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let parsed = parse(value);
        if parsed.is_none() {
            let msg = format!("Input should be {accepts}");
            self.errors.add(&["query", name], "value_error", msg);
        }
        parsed
    }

    pub(crate) fn period(&mut self) -> Period {
        let accepts = "an RFC 3339 date and time, or a day such as 2026-01-31";
        Period {
            since: self.parsed("since", accepts, filter::parse_since),
            until: self.parsed("until", accepts, filter::parse_until),
        }
    }

    pub(crate) fn lead_filter(&mut self) -> LeadFilter {
        let services = "ponts, cabines, compresseurs, diagnostic or autre";
        let statuses = "received, processing, resolved or archived";
        let terms = self.get("q").map(|q| q.chars().take(MAX_SEARCH).collect::<String>());
        LeadFilter {
            period: self.period(),
            service: self.parsed("service", services, LeadService::parse),
            status: self.parsed("status", statuses, LeadStatus::parse),
            terms: terms.as_deref().map(SearchTerms::parse),
        }
    }

    pub(crate) fn audit_filter(&mut self) -> AuditFilter {
        let text = |value: Option<&str>| value.map(str::to_owned);
        AuditFilter {
            event: self.get("event").map(Recorded::parse),
            actor: text(self.get("actor")),
            lead_id: self.get("lead").map(str::to_ascii_lowercase),
            period: self.period(),
        }
    }

    pub(crate) fn stats(&mut self) -> StatsQuery {
        let bucket = |text: &str| match text {
            "day" => Some(Bucket::Day),
            "week" => Some(Bucket::Week),
            _ => None,
        };
        let zone = self.parsed("zone", "a time zone such as Europe/Paris", stats::zone);
        StatsQuery {
            period: self.period(),
            by: self.parsed("by", "day or week", bucket).unwrap_or(Bucket::Day),
            zone: zone.or_else(|| stats::zone(DEFAULT_ZONE)).unwrap_or_default(),
        }
    }

    pub(crate) fn export_format(&mut self) -> ExportFormat {
        let format = |name: &str| EXPORT_FORMATS.into_iter().find(|f| f.as_str() == name);
        let accepts = "xlsx, csv, csv-excel-fr or jsonl";
        self.parsed("format", accepts, format).unwrap_or(ExportFormat::Csv)
    }

    /// The cursor and the limit of a page of leads.
    pub(crate) fn lead_page(&mut self) -> (Option<Cursor>, usize) {
        self.page(Cursor::parse)
    }

    /// The cursor and the limit of a page of the audit log.
    pub(crate) fn audit_page(&mut self) -> (Option<i64>, usize) {
        self.page(|text| text.parse().ok().filter(|seq| *seq > 0))
    }

    fn page<T>(&mut self, parse_cursor: impl Fn(&str) -> Option<T>) -> (Option<T>, usize) {
        let cursor = self.parsed("cursor", "`next` of the previous page", parse_cursor);
        let limit = |text: &str| text.parse().ok().filter(|n| (1..=MAX_LIMIT).contains(n));
        let limit = self.parsed("limit", "a number from 1 to 200", limit);
        (cursor, limit.unwrap_or(DEFAULT_LIMIT))
    }

    /// Fails with every invalid parameter that was read.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        ApiError::check(std::mem::take(&mut self.errors))
    }
}
