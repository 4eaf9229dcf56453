//! The OpenAPI document: made from the types that the handlers read and answer with, its error
//! examples by the code that answers.

pub(crate) mod admin;
pub(crate) mod lead_schema;
pub(crate) mod params;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use utoipa::openapi::header::Header;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    self, ContentBuilder, InfoBuilder, License, Object, Ref, RefOr, Response, ResponseBuilder,
    Server, Type,
};
use utoipa::{IntoResponses, OpenApi};

use crate::app::intake::Refusal;
use crate::domain::lead::NewLead;
use crate::domain::lead::parse::LeadParseError;
use crate::http::assets::docs_page;
use crate::http::error::{ApiError, Error, ValidationError};
use crate::http::{health, intake};
use crate::store::error::StoreError;

type Responses = BTreeMap<String, RefOr<Response>>;

/// Every route, by the functions that answer.
#[derive(OpenApi)]
#[openapi(
    paths(intake::submit, health::report, docs_page::document, docs_page::page, docs_page::file),
    components(schemas(Error, ValidationError)),
    tags(
        (name = "leads", description = "What the site sends."),
        (name = "health", description = "What watches the server."),
        (name = "documentation", description = "This document and the page that shows it."),
    ),
)]
struct Document;

/// The document as JSON.
pub fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // Serialising it cannot fail: it has text keys and no custom rules.
        let mut document = Document::openapi().merge_from(admin::document());
        say_what_is_common(&mut document);
        document.to_pretty_json().unwrap_or_default() + "\n"
    });
    &TEXT
}

/// What is said once and holds everywhere.
fn say_what_is_common(document: &mut openapi::OpenApi) {
    let mut license = License::new("MIT");
    license.identifier = Some("MIT".to_owned());
    document.info = InfoBuilder::new()
        .title("FASTCore")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Takes the leads of a company's site and keeps them.\n\n\
             Every error has one shape: `ok` is false, `error` is a code for programs, \
             `detail` a sentence for people (for `validation_error` the list of every fault). \
             Every answer has an `X-Request-Id`: the client's own, if it has 1 to 128 letters, \
             digits, `-`, `_` or `.`, else a new one. A path that is not here is a 404 \
             `not_found`. `HEAD` is answered wherever `GET` is.",
        ))
        .license(Some(license))
        .build();
    document.servers = Some(vec![Server::new("/")]);
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The site's ingest token (FASTCORE_SITE_INGEST_TOKEN)."))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("site", SecurityScheme::Http(token));
    for path in document.paths.paths.values_mut() {
        for operation in [&mut path.get, &mut path.post, &mut path.delete].into_iter().flatten() {
            say_request_id(operation);
        }
    }
}

fn say_request_id(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let id = header("The request's id, as in the server's log.");
            response.headers.insert("X-Request-Id".to_owned(), id.into());
        }
    }
}

fn header(what: &str) -> Header {
    let mut header = Header::new(Object::with_type(Type::String));
    header.description = Some(what.to_owned());
    header
}

/// What any request may be answered with.
pub(crate) struct AnyRequest;

impl IntoResponses for AnyRequest {
    fn responses() -> Responses {
        of(any_request("GET, HEAD"))
    }
}

/// [`AnyRequest`], where a name in the path may be wrong.
pub(crate) struct NamedRequest;

impl IntoResponses for NamedRequest {
    fn responses() -> Responses {
        of(any_request("GET, HEAD").into_iter().chain([ApiError::NotFound]))
    }
}

/// Why a lead is not taken.
pub(crate) struct LeadRefused;

impl IntoResponses for LeadRefused {
    fn responses() -> Responses {
        let refused = [
            ApiError::Unauthorized("Missing Authorization header"),
            ApiError::Unauthorized("Invalid auth scheme"),
            ApiError::Unauthorized("Invalid token"),
            ApiError::Timeout("The body did not arrive in time"),
            refusal(b"{\"name\": "),
            refusal(br#"{"name": "J", "email": "jean@example", "consent": "yes", "meta": {}}"#),
            Refusal::Conflict(vec!["message"]).into(),
            Refusal::Erased.into(),
            ApiError::PayloadTooLarge,
            ApiError::UnsupportedMediaType,
            StoreError::Full.into(),
        ];
        of(refused.into_iter().chain(any_request("POST")))
    }
}

pub(crate) fn any_request(methods: &'static str) -> Vec<ApiError> {
    vec![
        ApiError::BadRequest("The request is not valid HTTP/1.1"),
        ApiError::MethodNotAllowed(methods),
        ApiError::Timeout("The request's head did not arrive in time"),
        ApiError::HeadTooLarge,
        ApiError::Internal,
    ]
}

/// Why the reader refuses a body.
fn refusal(body: &[u8]) -> ApiError {
    match NewLead::parse(body) {
        Err(LeadParseError::NotJson(detail)) => ApiError::InvalidJson(detail),
        Err(LeadParseError::Invalid { faults, .. }) => ApiError::Validation(faults),
        Ok(_) => ApiError::Internal,
    }
}

/// One response a status, with each failure as an example.
pub(crate) fn of(failures: impl IntoIterator<Item = ApiError>) -> Responses {
    let mut statuses: BTreeMap<String, Vec<ApiError>> = BTreeMap::new();
    for failure in failures {
        let (status, _) = failure.parts();
        statuses.entry(status.as_u16().to_string()).or_default().push(failure);
    }
    statuses.into_iter().map(|(status, all)| (status, response(&all).into())).collect()
}

fn response(failures: &[ApiError]) -> Response {
    let mut lines: Vec<String> =
        failures.iter().map(|f| format!("`{}`: {}.", f.code(), when(f))).collect();
    lines.dedup();
    let invalid = failures.iter().any(|f| matches!(f, ApiError::Validation(_)));
    let schema = if invalid { "ValidationError" } else { "Error" };
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema)));
    let mut response = ResponseBuilder::new().description(lines.join(" "));
    for (index, failure) in failures.iter().enumerate() {
        let (_, body) = failure.parts();
        let value = serde_json::from_str(&body).ok();
        let example = openapi::example::ExampleBuilder::new().summary(when(failure)).value(value);
        let name = match index {
            0 => failure.code().to_owned(),
            n => format!("{}_{}", failure.code(), n + 1),
        };
        content = content.examples_from_iter([(name, example.build())]);
        if let Some((name, _)) = failure.header() {
            let (name, what) = if name == ALLOW {
                ("Allow", "The methods that the path takes.")
            } else if name == RETRY_AFTER {
                ("Retry-After", "Seconds to wait.")
            } else {
                debug_assert_eq!(name, WWW_AUTHENTICATE);
                ("WWW-Authenticate", "`Bearer`.")
            };
            response = response.header(name, header(what));
        }
    }
    response.content("application/json", content.build()).build()
}

/// What makes the server answer so.
fn when(failure: &ApiError) -> &'static str {
    match failure {
        ApiError::BadRequest(_) => "not a valid HTTP request, or its target is not a path",
        ApiError::InvalidJson(_) => "the body is not JSON in UTF-8",
        ApiError::Unauthorized(_) => {
            "the token, the session, the password or the code is missing or wrong"
        }
        ApiError::NotFound => "there is nothing at this path",
        ApiError::MethodNotAllowed(_) => "the path takes other methods, named in `Allow`",
        ApiError::Timeout(_) => "the head did not arrive within 5 s, or the whole body within 8 s",
        ApiError::DuplicateRequestId(_) => "this `request_id` is stored with other content",
        ApiError::LeadErased(_) => "it belonged to a lead that was erased; nothing is stored",
        ApiError::LinkExpired => "the link is wrong, used, or older than 30 minutes",
        ApiError::CodeRequired => "the password is right, and the account has a second factor",
        ApiError::Forbidden(_) => "the request comes from a page of another origin",
        ApiError::TooManyRequests(_) => "too many tries to sign in",
        ApiError::PayloadTooLarge => "the body is over 64 KiB",
        ApiError::UnsupportedMediaType => "the body is not `application/json`",
        ApiError::Validation(_) => "what was sent breaks a rule; `detail` lists every fault",
        ApiError::HeadTooLarge => "the head is over 16 KiB",
        ApiError::Internal => "a defect; the log has the cause",
        ApiError::Unavailable(_) => {
            "the database cannot be used now (disk full, queue full, shutting down); nothing was stored"
        }
    }
}
