//! The assembled OpenAPI document.

use std::sync::LazyLock;

use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{self, ContactBuilder, InfoBuilder, License, PathItem, RefOr, Server};

use crate::http::assets::{Asset, docs_page};
use crate::http::error::{ApiError, FieldErrorDto};
use crate::http::openapi::admin;
use crate::http::openapi::responses::{error_responses, name_schemas, text_header};
use crate::http::{health, intake, metrics};

#[derive(OpenApi)]
#[openapi(
    paths(
        intake::submit,
        health::health,
        metrics::metrics,
        docs_page::openapi_json,
        docs_page::page,
        docs_page::file,
    ),
    components(schemas(FieldErrorDto)),
    tags(
        (name = "leads", description = "For the site that sends leads."),
        (name = "health", description = "For monitoring."),
        (name = "documentation", description = "This document and the page that shows it."),
    ),
)]
struct Document;

/// The document as JSON.
pub fn json() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut document = Document::openapi().merge_from(admin::document());
        add_common_docs(&mut document);
        // Serialising it cannot fail: its keys are strings.
        document.to_pretty_json().unwrap_or_default() + "\n"
    });
    &TEXT
}

/// The document as a file to serve.
pub(crate) fn asset() -> &'static Asset {
    static ASSET: LazyLock<Asset> =
        LazyLock::new(|| Asset::generated("application/json", json().as_bytes()));
    &ASSET
}

/// Adds what is the same for every path.
fn add_common_docs(document: &mut openapi::OpenApi) {
    let mut license = License::new("MIT");
    license.identifier = Some("MIT".to_owned());
    let contact = ContactBuilder::new()
        .name(Some("fast-techservices.com"))
        .url(Some("https://fast-techservices.com"))
        .build();
    document.info = InfoBuilder::new()
        .title("FASTCore")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Accepts the leads of a company's site and stores them.\n\n\
             Every error has one shape: `ok` is false, `error` is a code for programs, \
             `detail` a sentence for people (for `validation_error` the list of all invalid \
             fields). Only what is not valid HTTP/1.1 gets a 400, and a head over 16 KiB a 431, both without a \
             body. They are not listed with the operations, which such a request does not reach. \
             Every other response has an `X-Request-Id`: the client's own, if it has 1 to 128 \
             letters, digits, `-`, `_` or `.`, else a new one. Any other path is a 404 \
             `not_found`. `HEAD` is accepted wherever `GET` is.",
        ))
        .license(Some(license))
        .contact(Some(contact))
        .build();
    document.servers = Some(vec![Server::new("/")]);
    let components = document.components.get_or_insert_default();
    for (name, description) in [
        ("site", "The site's ingest token (FASTCORE_SITE_INGEST_TOKEN)."),
        ("metrics", "The token of who reads the metrics (FASTCORE_METRICS_TOKEN)."),
    ] {
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let token = token.description(Some(description)).build();
        components.add_security_scheme(name, SecurityScheme::Http(token));
    }
    for path in document.paths.paths.values_mut() {
        let allow = allow(path);
        for operation in [&mut path.get, &mut path.post, &mut path.delete].into_iter().flatten() {
            add_common_responses(operation, &allow);
        }
    }
    name_schemas(document);
}

/// The value of `Allow` for a path.
fn allow(path: &PathItem) -> String {
    let methods = [
        path.get.is_some().then_some("GET, HEAD"),
        path.post.is_some().then_some("POST"),
        path.delete.is_some().then_some("DELETE"),
    ];
    methods.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Adds the responses that any request can get, and the header of all responses.
fn add_common_responses(operation: &mut Operation, allow: &str) {
    let responses = &mut operation.responses.responses;
    let common = error_responses([
        ApiError::NOT_ONE_HOST,
        ApiError::MethodNotAllowed(allow.to_owned()),
        ApiError::HEAD_TIMEOUT,
        ApiError::Internal,
    ]);
    for (status, response) in common {
        responses.entry(status).or_insert(response);
    }
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            let id = text_header("The request's id, as in the server's log.");
            response.headers.insert("X-Request-Id".to_owned(), id.into());
        }
    }
}
