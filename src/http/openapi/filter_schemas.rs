//! The schemas of filters and pages, made from the lists and limits that the extractors apply; for
//! parameters and for bodies.

use serde_json::Value;
use utoipa::openapi::schema::{AnyOfBuilder, SchemaFormat};
use utoipa::openapi::{KnownFormat, ObjectBuilder, Type};

use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::http::extract::query::{DEFAULT_LIMIT, MAX_LIMIT};

pub(crate) const STATUS: &str = "The status of the lead.";
pub(crate) const OPENED: &str = "Whether somebody has opened the lead.";
pub(crate) const ORDER: &str = "By the time of arrival; default `newest`.";
pub(crate) const SERVICE: &str = "The service that the visitor asks for.";
pub(crate) const SINCE: &str =
    "The beginning of the period, inclusive: a date and time, or a day in UTC.";
pub(crate) const UNTIL: &str =
    "The end of the period: a date and time, exclusive, or a day in UTC, inclusive.";
pub(crate) const LIMIT: &str = "Rows of a page.";
pub(crate) const CURSOR: &str = "`next` of the previous page.";
/// The cursor of a page of leads.
pub(crate) const LEAD_CURSOR: &str = r"^(0|[1-9][0-9]{0,16})-(0|[1-9][0-9]{0,17})$";

pub(crate) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(crate) fn names(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    let names: Vec<Value> = names.into_iter().chain([""]).map(Value::from).collect();
    text().enum_values(Some(names))
}

pub(crate) fn or_blank(schemas: impl IntoIterator<Item = ObjectBuilder>) -> AnyOfBuilder {
    let blank = text().max_length(Some(0));
    schemas.into_iter().chain([blank]).fold(AnyOfBuilder::new(), |any, one| any.item(one))
}

/// The names of statuses and of services.
pub(crate) fn lead_names() -> [ObjectBuilder; 2] {
    [
        names(LeadStatus::ALL.map(LeadStatus::as_str)),
        names(LeadService::ALL.map(LeadService::as_str)),
    ]
}

/// Whether somebody has opened a lead.
pub(crate) fn opened() -> ObjectBuilder {
    names(["true", "false"])
}

/// Which leads come first.
pub(crate) fn order() -> ObjectBuilder {
    names(["newest", "oldest"])
}

/// A date and time, or a day.
pub(crate) fn moment() -> AnyOfBuilder {
    let of = |format| text().format(Some(SchemaFormat::KnownFormat(format)));
    or_blank([of(KnownFormat::DateTime), of(KnownFormat::Date)])
}

pub(crate) fn limit_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_LIMIT))
        .default(Some(DEFAULT_LIMIT.into()))
}
