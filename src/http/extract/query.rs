//! The parameters of a read, in the query string or in a body, parsed into filters; all errors at once.

use serde_json::{Map, Value};

use crate::app::export::format::ExportFormat;
use crate::app::export::sheet::SheetColumns;
use crate::app::stats;
use crate::app::stats::{Bucket, StatsQuery};
use crate::domain::cursor::Cursor;
use crate::domain::field_error::FieldErrors;
use crate::domain::filter;
use crate::domain::filter::{LeadFilter, LeadOrder, Period};
use crate::domain::language::Language;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::recorded::Recorded;
use crate::domain::search::terms::SearchTerms;
use crate::http::error::ApiError;
use crate::http::extract::fields::parse_json;
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
pub(crate) const EXPORT_FORMATS: [ExportFormat; 4] = [
    ExportFormat::Xlsx(SheetColumns::Readable(Language::French)),
    ExportFormat::Csv,
    ExportFormat::CsvExcelFr,
    ExportFormat::Jsonl,
];

/// The parameters of a read. Of a repeated one the first counts; a blank one is the same as none.
/// Reading one that is invalid records an error for [`Query::check`].
pub(crate) struct Query {
    values: Map<String, Value>,
    source: QuerySource,
    errors: FieldErrors,
}

/// Where the parameters are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum QuerySource {
    Address,
    Form,
    Json,
}

impl Query {
    /// Parses a query string.
    pub(crate) fn parse(text: &str) -> Self {
        Self::of(form_values(text.as_bytes()), QuerySource::Address)
    }

    /// Parses the body of a form.
    pub(crate) fn parse_form(body: &[u8]) -> Self {
        Self::of(form_values(body), QuerySource::Form)
    }

    /// Parses a JSON object.
    pub(crate) fn parse_json(body: &[u8]) -> Result<Self, ApiError> {
        match parse_json(body)? {
            Value::Object(values) => Ok(Self::of(values, QuerySource::Json)),
            _ => {
                let mut query = Self::of(Map::new(), QuerySource::Json);
                query.errors.add(&["body"], "dict_type", "Input should be a valid object");
                Ok(query)
            }
        }
    }

    fn of(values: Map<String, Value>, source: QuerySource) -> Self {
        Self { values, source, errors: FieldErrors::default() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        Some(self.values.get(name)?.as_str()?.trim()).filter(|value| !value.is_empty())
    }

    /// A parameter that `parse` accepts; `accepts` says what that is, for the error message.
    fn parsed<T>(
        &mut self,
        name: &str,
        accepts: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if !matches!(self.values.get(name), None | Some(Value::Null | Value::String(_))) {
            self.add_error(name, "string_type", "Input should be a valid string".to_owned());
        }
        let value = self.get(name)?;
        let parsed = parse(value);
        if parsed.is_none() {
            self.add_error(name, "value_error", format!("Input should be {accepts}"));
        }
        parsed
    }

    fn add_error(&mut self, name: &str, kind: &'static str, msg: String) {
        let place = if self.source == QuerySource::Address { "query" } else { "body" };
        self.errors.add(&[place, name], kind, msg);
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
        let terms = self.search();
        LeadFilter {
            period: self.period(),
            service: self.parsed("service", services, LeadService::parse),
            status: self.parsed("status", statuses, LeadStatus::parse),
            opened: self.parsed("opened", "true or false", |text| text.parse().ok()),
            terms: terms.as_deref().map(SearchTerms::parse),
            person: None,
            canary: false,
        }
    }

    pub(crate) fn lead_order(&mut self) -> LeadOrder {
        let order = |text: &str| match text {
            "newest" => Some(LeadOrder::NewestFirst),
            "oldest" => Some(LeadOrder::OldestFirst),
            _ => None,
        };
        self.parsed("order", "newest or oldest", order).unwrap_or_default()
    }

    /// The filter of an export: a search without anything to look for is an error, as somebody expects a file
    /// of what was found.
    pub(crate) fn export_filter(&mut self) -> LeadFilter {
        let filter = self.lead_filter();
        if filter.matches_nothing() {
            self.add_error("q", "value_error", "Input should have a letter or a digit".to_owned());
        }
        filter
    }

    /// The text of a search: usually a name or an e-mail address, so it is refused in an address.
    fn search(&mut self) -> Option<String> {
        let text = self.parsed("q", "", |q| Some(q.chars().take(MAX_SEARCH).collect()))?;
        if self.source == QuerySource::Address {
            let msg = "A search does not belong in an address, which logs keep; send it in the body of POST \
                       /admin/api/leads/search, or POST /admin/api/leads/{id} for one lead";
            self.add_error("q", "value_error", msg.to_owned());
        }
        Some(text)
    }

    /// Whether refused submissions that have become leads are wanted as well.
    pub(crate) fn settled(&mut self) -> bool {
        self.parsed("settled", "true or false", |text| text.parse().ok()).unwrap_or(false)
    }

    /// Whether refused submissions are exported instead of leads.
    pub(crate) fn exports_refused(&mut self) -> bool {
        let is_refused = |text: &str| match text {
            "refused" => Some(true),
            "leads" => Some(false),
            _ => None,
        };
        self.parsed("source", "leads or refused", is_refused).unwrap_or(false)
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

    /// The format of an export; the language is that of a workbook.
    pub(crate) fn export_format(&mut self) -> ExportFormat {
        let format = |name: &str| EXPORT_FORMATS.into_iter().find(|f| f.as_str() == name);
        let accepts = "xlsx, csv, csv-excel-fr or jsonl";
        let format = self.parsed("format", accepts, format).unwrap_or(ExportFormat::Csv);
        let language = self.parsed("language", "fr or en", Language::parse).unwrap_or_default();
        match format {
            ExportFormat::Xlsx(_) => ExportFormat::Xlsx(SheetColumns::Readable(language)),
            other => other,
        }
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
        (cursor, self.limit())
    }

    /// A number in JSON, its digits elsewhere.
    fn limit(&mut self) -> usize {
        let Some(value) = self.values.get("limit").filter(|value| !is_blank(value)) else {
            return DEFAULT_LIMIT;
        };
        let limit: Option<usize> = match value {
            Value::String(digits) if self.source != QuerySource::Json => digits.trim().parse().ok(),
            // `50.0` is a whole number in JSON, and is written as `50`.
            value => value.as_f64().and_then(|number| number.to_string().parse().ok()),
        };
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.unwrap_or_else(|| {
            self.add_error(
                "limit",
                "value_error",
                "Input should be a number from 1 to 200".to_owned(),
            );
            DEFAULT_LIMIT
        })
    }

    /// Fails with every invalid parameter that was read.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        ApiError::check(std::mem::take(&mut self.errors))
    }
}

/// Names and values of a query string or a form; of a repeated name the first.
fn form_values(text: &[u8]) -> Map<String, Value> {
    let mut values = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        values.entry(name).or_insert_with(|| value.into_owned().into());
    }
    values
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}
