//! Parameters of the admin API for the document, made from the lists and limits that the extractors apply.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{RefOr, Required, Schema};

use crate::domain::audit::AuditEvent;
use crate::http::extract::query::DEFAULT_ZONE;
use crate::http::openapi::filter_schemas::{
    CURSOR, LEAD_CURSOR, LIMIT, OPENED, ORDER, SERVICE, SINCE, STATUS, UNTIL, lead_names,
    limit_schema, moment, names, opened, or_blank, order, text,
};

/// The filter of leads.
pub(crate) struct LeadFilterParams;
/// The order of a list of leads.
pub(crate) struct LeadOrderParam;
/// The page of a list of leads.
pub(crate) struct LeadPageParams;
/// The filter and the page of the audit log.
pub(crate) struct AuditFilterParams;
/// Which refused submissions, and which page of them.
pub(crate) struct RefusedParams;
/// The period, buckets and time zone of the stats.
pub(crate) struct StatsParams;
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
    let [since, until] = period();
    let [status, service] = lead_names();
    [
        query("status", STATUS, status),
        query("opened", OPENED, opened()),
        query("service", SERVICE, service),
        since,
        until,
    ]
});

parameters!(LeadOrderParam, [query("order", ORDER, order())]);

parameters!(LeadPageParams, [limit(), cursor(LEAD_CURSOR)]);

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

parameters!(RefusedParams, {
    let settled = "Those that have become leads as well; default `false`.";
    [query("settled", settled, names(["true", "false"])), limit(), cursor("^[1-9][0-9]{0,17}$")]
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

fn period() -> [Parameter; 2] {
    [query("since", SINCE, moment()), query("until", UNTIL, moment())]
}

fn limit() -> Parameter {
    query("limit", LIMIT, or_blank([limit_schema()]))
}

fn cursor(pattern: &str) -> Parameter {
    query("cursor", CURSOR, or_blank([text().pattern(Some(pattern))]))
}
