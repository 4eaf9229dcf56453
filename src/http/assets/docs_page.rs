//! `GET /openapi.json`, and `/docs`: the page that shows the document and tries it. Nothing is
//! loaded from another host, and nothing inline runs.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::sync::LazyLock;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue,
    REFERRER_POLICY, VARY,
};
use http::{HeaderMap, Response as HttpResponse, StatusCode};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use warp::reply::{Reply, Response};

use crate::http::assets::negotiate::{accepts, etag_matches};
use crate::http::error::ApiError;
use crate::http::openapi;
use crate::http::openapi::{AnyRequest, NamedRequest};

/// What the page may load: its own files, and the images that Swagger UI's style sheet has in it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page's files, compressed by the build.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/docs"]
struct Files;

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "document",
    tag = "documentation",
    responses(
        (status = 200, description = "OpenAPI 3.1.", body = Object, content_type = "application/json"),
        (status = 304, description = "It is as the client knows it (`If-None-Match`)."),
        AnyRequest,
    ),
    security(()),
)]
pub(crate) fn document(headers: &HeaderMap) -> Response {
    static COMPRESSED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail.
        let _ = encoder.write_all(openapi::document().as_bytes());
        encoder.finish().unwrap_or_default()
    });
    static DIGEST: LazyLock<[u8; 32]> = LazyLock::new(|| Sha256::digest(&*COMPRESSED).into());
    answer(headers, "application/json", Cow::Borrowed(&COMPRESSED), &DIGEST)
}

/// The page that shows it
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "documentation",
    tag = "documentation",
    responses(
        (status = 200, description = "A page that shows this document and can try a request.",
            body = String, content_type = "text/html"),
        (status = 304, description = "It is as the client knows it (`If-None-Match`)."),
        AnyRequest,
    ),
    security(()),
)]
pub(crate) fn page(headers: &HeaderMap) -> Response {
    let mut response = embedded(headers, "index.html", "text/html; charset=utf-8");
    let of_page = response.headers_mut();
    of_page.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    of_page.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A file of that page
#[utoipa::path(
    get,
    path = "/docs/{file}",
    operation_id = "documentationFile",
    tag = "documentation",
    params(("file" = String, Path, description = "Its name.", example = "init.js")),
    responses(
        (status = 200, description = "A script or a style sheet.",
            content((String = "text/javascript"), (String = "text/css"))),
        (status = 304, description = "It is as the client knows it (`If-None-Match`)."),
        NamedRequest,
    ),
    security(()),
)]
pub(crate) fn file(headers: &HeaderMap, name: &str) -> Response {
    let kind = match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => return ApiError::NotFound.into_response(),
    };
    embedded(headers, name, kind)
}

fn embedded(headers: &HeaderMap, name: &str, kind: &'static str) -> Response {
    match Files::get(&format!("{name}.gz")) {
        Some(file) => answer(headers, kind, file.data, &file.metadata.sha256_hash()),
        None => ApiError::NotFound.into_response(),
    }
}

/// A compressed body as the client can take it, or 304 where it has it already.
fn answer(
    headers: &HeaderMap,
    kind: &'static str,
    compressed: Cow<'static, [u8]>,
    digest: &[u8; 32],
) -> Response {
    // Weak, since it stands for the compressed body and the plain one.
    let tag: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let mut response = if etag_matches(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if accepts(headers, "gzip") {
        let mut response = HttpResponse::new(compressed.into_owned()).into_response();
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        let mut plain = Vec::new();
        if GzDecoder::new(&*compressed).read_to_end(&mut plain).is_err() {
            return ApiError::Internal.into_response();
        }
        HttpResponse::new(plain).into_response()
    };
    let of_answer = response.headers_mut();
    of_answer.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    of_answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    of_answer.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(tag) = HeaderValue::try_from(format!("W/{tag}")) {
        of_answer.insert(ETAG, tag);
    }
    response
}
