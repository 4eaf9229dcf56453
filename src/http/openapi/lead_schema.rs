//! The rules of a lead request as a JSON Schema, made from the limits that the parser applies.
//!
//! The schema describes the text as it is sent: white space around it is allowed and not counted.

use std::borrow::Cow;

use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{SchemaFormat, SchemaType};
use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::text_limits::{
    COMPANY, EMAIL, IP_HASH, MESSAGE, NAME, PHONE, SOURCE, USER_AGENT_HASH,
};
use crate::domain::lead::{LeadService, NewLead};
use crate::domain::text::TextRule;

/// What `str::trim` removes: Unicode's `White_Space`. `\s` is a different set in every dialect of
/// regular expressions.
const SPACE: &str =
    r"\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
/// What one line may not contain: control characters and the two separators.
const BREAKS: &str = r"\u0000-\u001f\u007f-\u009f\u2028\u2029";
/// Both.
const SPACE_OR_BREAKS: &str =
    r"\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

impl TextRule {
    /// A pattern of exactly what [`TextRule::check`] accepts.
    fn pattern(&self) -> String {
        let (inside, edge) = if self.multi_line {
            (r"[^\u0000]".to_owned(), format!(r"[^\u0000{SPACE}]"))
        } else {
            (format!("[^{BREAKS}]"), format!("[^{SPACE_OR_BREAKS}]"))
        };
        let (min, max) = (self.min.saturating_sub(2), self.max - 2);
        let long = format!("{inside}{{{min},{max}}}{edge}");
        let text = match self.min {
            0 => format!("({edge}({long})?)?"),
            1 => format!("{edge}({long})?"),
            _ => format!("{edge}{long}"),
        };
        format!("^[{SPACE}]*{text}[{SPACE}]*$")
    }

    /// `maxLength` would count the white space around the text, so the maximum is in the exact pattern.
    fn property(&self, description: &str, example: &str) -> ObjectBuilder {
        let (min, max) = (self.min, self.max);
        let length = match min {
            0 => format!("At most {max} characters"),
            _ => format!("{min} to {max} characters"),
        };
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length((min > 0).then_some(min))
            .extensions(exact_pattern(&self.pattern()))
            .description(Some(format!("{length}. {description}")))
            .examples([example])
    }

    /// `null` and blank are the same as no value.
    fn optional(&self, description: &str, example: &str) -> ObjectBuilder {
        self.property(description, example).schema_type(text_or_null())
    }
}

/// A pattern of exactly what the server accepts, for programs that read `\uXXXX` as JavaScript does and match
/// characters, not bytes. As `pattern`, clients of other languages would check it and refuse good leads: PHP's
/// know no `\u` and count bytes.
fn exact_pattern(pattern: &str) -> Option<Extensions> {
    Some(Extensions::from_iter([("x-pattern", pattern)]))
}

fn text_or_null() -> SchemaType {
    SchemaType::from_iter([Type::String, Type::Null])
}

fn known_format(format: KnownFormat) -> Option<SchemaFormat> {
    Some(SchemaFormat::KnownFormat(format))
}

impl PartialSchema for NewLead {
    fn schema() -> RefOr<Schema> {
        let services =
            LeadService::ALL.map(|s| Some(s.as_str())).into_iter().chain([Some(""), None]);
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "What a visitor submitted, and what the site adds. Lengths are Unicode code points, \
                 counted without the white space around the text. Unknown members are ignored; an \
                 object may not contain a key twice.",
            ))
            .property("name", NAME.property("One line.", "Jean Dupont"))
            .property("email", email())
            .property("phone", PHONE.optional("One line.", "+33612345678"))
            .property("company", COMPANY.optional("One line.", "ACME SAS"))
            .property(
                "service",
                ObjectBuilder::new()
                    .schema_type(text_or_null())
                    .enum_values(Some(services))
                    .description(Some("The service that the visitor asks for."))
                    .examples([LeadService::Diagnostic.as_str()]),
            )
            .property(
                "message",
                MESSAGE.property(
                    "Line breaks and tabs are allowed.",
                    "Mon compresseur ne démarre plus depuis hier",
                ),
            )
            .property(
                "consent",
                ObjectBuilder::new()
                    .schema_type(Type::Boolean)
                    .description(Some("Whether the visitor agrees to be contacted."))
                    .examples([true]),
            )
            .property("meta", Ref::from_schema_name(LeadMetaSchema::name()))
            .required("name")
            .required("email")
            .required("message")
            .required("consent")
            .required("meta")
            .property_names(Some(without_nul()))
            .into()
    }
}

impl ToSchema for NewLead {
    fn name() -> Cow<'static, str> {
        "LeadRequest".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((LeadMetaSchema::name().into_owned(), LeadMetaSchema::schema()));
    }
}

fn email() -> ObjectBuilder {
    let (visible, max) = (format!("^@{SPACE_OR_BREAKS}"), EMAIL.max);
    EMAIL
        .property(
            "One address whose domain has a dot, as mail providers accept it (RFC 5321, RFC 6531, \
             internationalised domains too). The domain is stored in lower case.",
            "jean@example.com",
        )
        .format(Some(SchemaFormat::Custom("idn-email".into())))
        .extensions(exact_pattern(&format!(
            r"^[{SPACE}]*(?=[^{SPACE_OR_BREAKS}]{{3,{max}}}[{SPACE}]*$)[{visible}]+@[{visible}]+[.\u3002\uff0e\uff61][{visible}]+[{SPACE}]*$"
        )))
}

/// The metadata of a submission, under `meta`.
struct LeadMetaSchema;

impl PartialSchema for LeadMetaSchema {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("What the site adds to the submission."))
            .property("source", SOURCE.property("The name of the site. One line.", "fast-techservices.com"))
            .property(
                "request_id",
                text()
                    .format(known_format(KnownFormat::Uuid))
                    .description(Some(
                        "The submission's id, made by the site: a UUID with hyphens, in any case, and \
                         the same at every retry, so that a retry never creates a second lead.",
                    ))
                    .examples(["f47ac10b-58cc-4372-a567-0e02b2c3d479"]),
            )
            .property(
                "ip_hash",
                IP_HASH.property(
                    "One line: a hash of the visitor's IP address. An IP address itself is refused.",
                    "abc123def456",
                ),
            )
            .property("user_agent_hash", USER_AGENT_HASH.optional("One line.", "xyz789"))
            .property(
                "timestamp_utc",
                text()
                    .format(known_format(KnownFormat::DateTime))
                    .description(Some(
                        "When the visitor submitted it, RFC 3339. Without an offset it is UTC.",
                    ))
                    .examples(["2024-01-03T10:30:45.123456Z"]),
            )
            .required("source")
            .required("request_id")
            .required("ip_hash")
            .required("timestamp_utc")
            .property_names(Some(without_nul()))
            .into()
    }
}

impl ToSchema for LeadMetaSchema {
    fn name() -> Cow<'static, str> {
        "LeadMeta".into()
    }
}

impl PartialSchema for LeadService {
    fn schema() -> RefOr<Schema> {
        names("The service that a visitor asks for.", Self::ALL.map(Self::as_str))
    }
}

impl ToSchema for LeadService {}

impl PartialSchema for LeadStatus {
    fn schema() -> RefOr<Schema> {
        names("The status of a lead.", Self::ALL.map(Self::as_str))
    }
}

impl ToSchema for LeadStatus {}

fn names<const N: usize>(description: &str, names: [&str; N]) -> RefOr<Schema> {
    let names = names.map(str::to_owned);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .description(Some(description))
        .into()
}

const NO_NUL: &str = r"^[^\x00]*$";

fn without_nul() -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(NO_NUL)).build()
}
