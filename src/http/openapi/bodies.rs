//! The bodies of searches and exports for the document.

use std::borrow::Cow;

use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::http::extract::query::{EXPORT_FORMATS, MAX_SEARCH};
use crate::http::openapi::filter_schemas::{
    CURSOR, LEAD_CURSOR, LIMIT, SERVICE, SINCE, STATUS, UNTIL, lead_names, limit_schema, moment,
    names, or_blank, text,
};

/// The filter of leads.
pub(crate) struct LeadFilterBody;
/// The filter and the page of a list of leads.
pub(crate) struct LeadSearchBody;
/// The filter and the format of an export, as a form.
pub(crate) struct ExportBody;

macro_rules! body {
    ($of:ty, $name:literal, $schema:expr) => {
        impl PartialSchema for $of {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $of {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    };
}

body!(LeadFilterBody, "LeadFilterRequest", {
    filter_object("Which leads. Blank or null is the same as none.")
});

body!(LeadSearchBody, "LeadSearchRequest", {
    let what = "Which leads, and which page of them. Blank or null is the same as none.";
    let cursor = or_blank([text().pattern(Some(LEAD_CURSOR))]).description(Some(CURSOR));
    filter_object(what)
        .property("limit", or_null(limit_schema().description(Some(LIMIT))))
        .property("cursor", or_null(cursor))
});

// All members are texts: generators of clients fail at a form whose members have alternatives.
body!(ExportBody, "ExportRequest", {
    let [status, service] = lead_names();
    let object = object("Which leads, and the format.")
        .property("q", words())
        .property("status", status.description(Some(STATUS)))
        .property("service", service.description(Some(SERVICE)))
        .property("since", text().description(Some(SINCE)))
        .property("until", text().description(Some(UNTIL)));
    let format = names(EXPORT_FORMATS.map(|format| format.as_str()));
    object.property("format", format.description(Some("Default `csv`.")))
});

fn object(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object).description(Some(description))
}

/// A JSON object with the members of a filter.
fn filter_object(description: &str) -> ObjectBuilder {
    let members = lead_filter().into_iter();
    members
        .fold(object(description), |object, (name, schema)| object.property(name, or_null(schema)))
}

/// The members of a filter of leads.
fn lead_filter() -> [(&'static str, RefOr<Schema>); 5] {
    let [status, service] = lead_names();
    [
        ("q", words().into()),
        ("status", status.description(Some(STATUS)).into()),
        ("service", service.description(Some(SERVICE)).into()),
        ("since", moment().description(Some(SINCE)).into()),
        ("until", moment().description(Some(UNTIL)).into()),
    ]
}

/// The words that are searched for.
fn words() -> ObjectBuilder {
    let what = format!(
        "Prefixes of words in name, email, phone, company or message, regardless of accents and \
         case; the first {MAX_SEARCH} characters are used."
    );
    text().examples(["compres"]).description(Some(what))
}

fn or_null(schema: impl Into<RefOr<Schema>>) -> AnyOfBuilder {
    AnyOfBuilder::new().item(schema).item(ObjectBuilder::new().schema_type(Type::Null))
}
