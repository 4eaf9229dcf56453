//! The bodies of searches and exports for the document.

use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::domain::language::Language;
use crate::http::extract::query::{EXPORT_FORMATS, MAX_SEARCH};
use crate::http::openapi::body::{Property, body, optional};
use crate::http::openapi::filter_schemas::{
    CURSOR, LEAD_CURSOR, LIMIT, OPENED, ORDER, SERVICE, SINCE, STATUS, UNTIL, lead_names,
    limit_schema, moment, names, opened, or_blank, order, text,
};

body!(
    /// Which leads. Blank or null is the same as none.
    LeadFilterBody,
    "LeadFilterRequest",
    lead_filter()
);
body!(
    /// Which leads, and which page of them. Blank or null is the same as none.
    LeadSearchBody,
    "LeadSearchRequest",
    {
        let cursor = or_blank([text().pattern(Some(LEAD_CURSOR))]).description(Some(CURSOR));
        lead_filter().into_iter().chain([
            optional("order", or_null(order().description(Some(ORDER)))),
            optional("limit", or_null(limit_schema().description(Some(LIMIT)))),
            optional("cursor", or_null(cursor)),
        ])
    }
);
// All members are texts: generators of clients fail at a form whose members have alternatives.
body!(
    /// Which leads, and the format.
    ExportBody,
    "ExportRequest",
    {
        let [status, service] = lead_names();
        let language = names(Language::ALL.map(Language::as_str));
        let format = names(EXPORT_FORMATS.map(|format| format.as_str()));
        [
            optional("q", words()),
            optional("status", status.description(Some(STATUS))),
            optional("opened", opened().description(Some(OPENED))),
            optional("service", service.description(Some(SERVICE))),
            optional("since", text().description(Some(SINCE))),
            optional("until", text().description(Some(UNTIL))),
            optional("language", language.description(Some("Of a workbook. Default `fr`."))),
            optional("format", format.description(Some("Default `csv`."))),
            optional("source", names(["leads", "refused"]).description(Some(
                "What is exported; default `leads`. Of `refused` submissions, all, without a filter.",
            ))),
        ]
    }
);

/// The members of a filter of leads.
fn lead_filter() -> [Property; 6] {
    let [status, service] = lead_names();
    [
        optional("q", or_null(words())),
        optional("status", or_null(status.description(Some(STATUS)))),
        optional("opened", or_null(opened().description(Some(OPENED)))),
        optional("service", or_null(service.description(Some(SERVICE)))),
        optional("since", or_null(moment().description(Some(SINCE)))),
        optional("until", or_null(moment().description(Some(UNTIL)))),
    ]
}

/// The words that are searched for.
fn words() -> ObjectBuilder {
    let what = format!(
        "Prefixes of words in name, email, phone, company, service or message, regardless of accents and case; \
         telephone numbers in any spelling, or four or more of their digits; ids, or eight characters of their \
         beginning. The first {MAX_SEARCH} characters are used."
    );
    text().examples(["compres"]).description(Some(what))
}

fn or_null(schema: impl Into<RefOr<Schema>>) -> AnyOfBuilder {
    AnyOfBuilder::new().item(schema).item(ObjectBuilder::new().schema_type(Type::Null))
}
