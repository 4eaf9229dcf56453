//! Parameters of the admin API for the document, made from the lists and limits that the extractors apply.

use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AnyOfBuilder, SchemaFormat};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Required, Schema, Type};

use crate::domain::audit::AuditEvent;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::http::extract::query::{
    DEFAULT_LIMIT, DEFAULT_ZONE, EXPORT_FORMATS, MAX_LIMIT, MAX_SEARCH,
};

/// The filter of leads.
pub(crate) struct LeadFilterParams;
/// The page of a list of leads.
pub(crate) struct LeadPageParams;
/// The filter and the page of the audit log.
pub(crate) struct AuditFilterParams;
/// The period, buckets and time zone of the stats.
pub(crate) struct StatsParams;
/// The format of an export.
pub(crate) struct ExportParams;
/// Where a stream of events resumes.
pub(crate) struct EventParams;
/// The header by which the server recognises its own pages.
pub(crate) struct OriginHeader;

macro_rules! parameters {
    ($of:ty, $parameters:expr) => {
        impl IntoParams for $of {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                Vec::from($parameters)
            }
        }
    };
}

parameters!(LeadFilterParams, {
    let words = format!(
        "Prefixes of words in name, email, phone, company or message, regardless of accents and \
         case; the first {MAX_SEARCH} characters are used."
    );
    let [since, until] = period();
    [
        query("q", &words, text().examples(["compres"])),
        query("status", "The status of the lead.", names(LeadStatus::ALL.map(LeadStatus::as_str))),
        query(
            "service",
            "The service that the visitor asks for.",
            names(LeadService::ALL.map(LeadService::as_str)),
        ),
        since,
        until,
    ]
});

parameters!(LeadPageParams, [limit(), cursor(r"^(0|[1-9][0-9]{0,16})-(0|[1-9][0-9]{0,17})$")]);

parameters!(AuditFilterParams, {
    let [since, until] = period();
    let event = "The name of an event; every page lists all names as `events`.";
    [
        query("event", event, text().examples([AuditEvent::LeadViewed.as_str()])),
        query("actor", "Who caused the event.", text().examples(["staff:jean"])),
        query("lead", "The id of a lead.", text()),
        since,
        until,
        limit(),
        cursor("^[1-9][0-9]{0,17}$"),
    ]
});

parameters!(StatsParams, {
    let zone = format!(
        "The time zone of the days, by its name in the IANA database; default `{DEFAULT_ZONE}`."
    );
    let [since, until] = period();
    let by = "The length of a bucket; default `day`.";
    [
        since,
        until,
        query("by", by, names(["day", "week"])),
        query("zone", &zone, text().pattern(Some("^[A-Za-z0-9/_+-]*$")).examples([DEFAULT_ZONE])),
    ]
});

parameters!(
    ExportParams,
    [query("format", "Default `csv`.", names(EXPORT_FORMATS.map(|format| format.as_str())))]
);

parameters!(EventParams, {
    let after = "The `seq` of the audit row after which events are sent; without it, or if it is not \
                 near the end of the log, only new events are sent.";
    let last = "Takes precedence over `after`; browsers send it when they reconnect.";
    [query("after", after, text()), header("Last-Event-ID", last, text()).build()]
});

parameters!(OriginHeader, {
    let what = "The origin of this server's pages; browsers send it by themselves.";
    let origin = text().examples(["http://127.0.0.1:8000"]);
    [header("Origin", what, origin).required(Required::True).build()]
});

/// An optional parameter. White space around the value is ignored; a blank value is the same as
/// none.
fn query(name: &str, what: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    header(name, what, schema).parameter_in(ParameterIn::Query).build()
}

fn header(name: &str, what: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(what))
        .schema(Some(schema))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn names(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    let names: Vec<Value> = names.into_iter().chain([""]).map(Value::from).collect();
    text().enum_values(Some(names))
}

fn or_blank(schemas: impl IntoIterator<Item = ObjectBuilder>) -> AnyOfBuilder {
    let blank = text().max_length(Some(0));
    schemas.into_iter().chain([blank]).fold(AnyOfBuilder::new(), |any, one| any.item(one))
}

fn period() -> [Parameter; 2] {
    let moment = || {
        let of = |format| text().format(Some(SchemaFormat::KnownFormat(format)));
        or_blank([of(KnownFormat::DateTime), of(KnownFormat::Date)])
    };
    let since = "The beginning of the period, inclusive: a date and time, or a day in UTC.";
    let until = "The end of the period: a date and time, exclusive, or a day in UTC, inclusive.";
    [query("since", since, moment()), query("until", until, moment())]
}

fn limit() -> Parameter {
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_LIMIT))
        .default(Some(DEFAULT_LIMIT.into()));
    query("limit", "Rows of a page.", or_blank([number]))
}

fn cursor(pattern: &str) -> Parameter {
    let what = "`next` of the previous page.";
    query("cursor", what, or_blank([text().pattern(Some(pattern))]))
}
