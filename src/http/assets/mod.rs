//! Files of the pages, embedded with their compressed forms, which the build script made once.

pub(crate) mod docs_page;
pub(crate) mod negotiate;

use std::borrow::Cow;

use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, VARY,
};
use http::{HeaderMap, Response as HttpResponse, StatusCode};
use rust_embed::RustEmbed;
use warp::reply::{Reply, Response};

use crate::http::assets::negotiate::{accepts, etag_matches};
use crate::http::error::ApiError;
use crate::http::middleware::security_headers;

/// What the build script made of the folder `assets`.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/assets"]
struct Embedded;

/// The files of one page: `admin`, say, for those of `assets/admin`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assets {
    pub(crate) folder: &'static str,
}

impl Assets {
    /// A file whose name holds the hash of its content: it never changes.
    pub(crate) fn file(self, name: &str, headers: &HeaderMap) -> Response {
        // Compressed forms have no address of their own, and pages have another.
        if name.ends_with(".br") || name.ends_with(".gz") || name.ends_with(".html") {
            return ApiError::NotFound.into_response();
        }
        self.answer(name, headers, "public, max-age=31536000, immutable")
    }

    /// A page: asked for again each time, and then mostly unchanged.
    pub(crate) fn page(self, name: &str, headers: &HeaderMap) -> Response {
        self.answer(name, headers, "no-cache")
    }

    /// The name of one of its files, for an example.
    pub(crate) fn example(self) -> Option<String> {
        let mut files = Embedded::iter().filter_map(|path| {
            let name = path.strip_prefix(self.folder)?.strip_prefix('/')?;
            let plain = name.ends_with(".js") && !name.contains('/');
            plain.then(|| name.to_owned())
        });
        files.next()
    }

    fn answer(self, name: &str, headers: &HeaderMap, caching: &'static str) -> Response {
        let path = format!("{}/{name}", self.folder);
        let forms = [("br", ".br"), ("gzip", ".gz"), ("identity", "")];
        let form = forms.into_iter().find_map(|(coding, suffix)| {
            let wanted = suffix.is_empty() || accepts(headers, coding);
            let file = wanted.then(|| Embedded::get(&format!("{path}{suffix}")))??;
            Some((coding, file))
        });
        let Some((coding, file)) = form else {
            return ApiError::NotFound.into_response();
        };
        let hash = file.metadata.sha256_hash();
        let tag: String = hash.iter().take(12).map(|b| format!("{b:02x}")).collect();
        let tag = format!("\"{tag}\"");
        let mut response = if etag_matches(headers, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            // In every profile the bytes are the binary's own, and are not copied.
            match file.data {
                Cow::Borrowed(bytes) => HttpResponse::new(bytes).into_response(),
                Cow::Owned(bytes) => HttpResponse::new(bytes).into_response(),
            }
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(security_headers::PAGE));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
        if coding != "identity" {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
