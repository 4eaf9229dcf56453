//! What the page's interface takes, for the document: its parameters and bodies, made from the
//! lists and limits that the readers apply.

use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AnyOfBuilder, SchemaFormat, SchemaType};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Required, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::app::stats;
use crate::domain::audit::AuditEvent;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::staff::{AccountName, Password};
use crate::http::admin::export::FORMATS;
use crate::http::admin::stats::ZONE;
use crate::http::extract::query::{LARGEST_PAGE, PAGE, SEARCH};

/// Which leads.
pub(crate) struct LeadFilter;
/// Which page of the leads.
pub(crate) struct LeadPage;
/// Which audit rows, and which page of them.
pub(crate) struct AuditFilter;
/// Which figures.
pub(crate) struct FigureFilter;
/// In which form leads are exported.
pub(crate) struct ExportForm;
/// Where events go on.
pub(crate) struct LivePlace;
/// Where a page is from that changes something.
pub(crate) struct FromHere;

macro_rules! parameters {
    ($of:ty, $parameters:expr) => {
        impl IntoParams for $of {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                Vec::from($parameters)
            }
        }
    };
}

parameters!(LeadFilter, {
    let words = format!(
        "SearchTerms that begin words of name, e-mail, phone, company or message, regardless of accents \
         and case; the first {SEARCH} characters are looked at."
    );
    let [since, until] = period();
    [
        query("q", &words, text().examples(["compres"])),
        query("status", "Where the lead stands.", names(LeadStatus::ALL.map(LeadStatus::as_str))),
        query("service", "What was asked for.", names(LeadService::ALL.map(LeadService::as_str))),
        since,
        until,
    ]
});

parameters!(LeadPage, [limit(), cursor(r"^(0|[1-9][0-9]{0,16})-(0|[1-9][0-9]{0,17})$")]);

parameters!(AuditFilter, {
    let [since, until] = period();
    let event = "The name of an event; every page lists them all as `events`.";
    [
        query("event", event, text().examples([AuditEvent::LeadViewed.as_str()])),
        query("actor", "Who did it.", text().examples(["staff:jean"])),
        query("lead", "The id of a lead.", text()),
        since,
        until,
        limit(),
        cursor("^[1-9][0-9]{0,17}$"),
    ]
});

parameters!(FigureFilter, {
    let zone = format!("LeadSelector days are counted; `{ZONE}` unless given.");
    let [since, until] = period();
    let by = "What is counted together; `day` unless given.";
    [
        since,
        until,
        query("by", by, names(["day", "week"])),
        query("zone", &zone, names(stats::zones())),
    ]
});

parameters!(
    ExportForm,
    [query("format", "`csv` unless given.", names(FORMATS.map(|format| format.as_str())))]
);

parameters!(LivePlace, {
    let after = "The place in the audit log behind which events are told; without one, or with \
                 one that is not near its end, they begin now.";
    let last = "As `after`, and before it: what a browser sends when it comes back.";
    [query("after", after, text()), header("Last-Event-ID", last, text()).build()]
});

parameters!(FromHere, {
    let what = "The origin of this server's own pages; a browser sends it by itself.";
    let origin = text().examples(["http://127.0.0.1:8000"]);
    [header("Origin", what, origin).required(Required::True).build()]
});

/// A parameter that may be left out. White space around it does not count, and what is blank is as
/// good as left out.
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
    let since = "From this moment on, or from the first one of this day (in UTC).";
    let until = "Up to this moment, itself without, or with the whole of this day (in UTC).";
    [query("since", since, moment()), query("until", until, moment())]
}

fn limit() -> Parameter {
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(LARGEST_PAGE))
        .default(Some(PAGE.into()));
    query("limit", "Rows of a page.", or_blank([number]))
}

fn cursor(pattern: &str) -> Parameter {
    let what = "Where the page begins: what `next` of the page before said.";
    query("cursor", what, or_blank([text().pattern(Some(pattern))]))
}

/// What somebody signs in with.
pub(crate) struct SignInRequest;

impl PartialSchema for SignInRequest {
    fn schema() -> RefOr<Schema> {
        let code = text()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Of the second factor, where the account has one."))
            .examples(["123456"]);
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("What somebody signs in with."))
            .property("name", text().examples(["jean"]))
            .property("password", secret())
            .property("code", code)
            .required("name")
            .required("password")
            .into()
    }
}

impl ToSchema for SignInRequest {}

/// The first account, and the token of the link that the first start printed.
pub(crate) struct FirstAccountRequest;

impl PartialSchema for FirstAccountRequest {
    fn schema() -> RefOr<Schema> {
        let pattern = format!(r"^\s*[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}\s*$", AccountName::MOST - 1);
        let name = text().pattern(Some(pattern)).description(Some(AccountName::RULE));
        let password = secret()
            .min_length(Some(Password::LEAST))
            .max_length(Some(Password::MOST))
            .description(Some(Password::RULE));
        let what = "The first account, and the token of the link that the first start printed.";
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(what))
            .property("token", text())
            .property("name", name.examples(["jean"]))
            .property("password", password)
            .required("token")
            .required("name")
            .required("password")
            .into()
    }
}

impl ToSchema for FirstAccountRequest {}

fn secret() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
}
