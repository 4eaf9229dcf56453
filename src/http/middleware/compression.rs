//! Compression of the admin API's larger JSON responses, for clients that accept gzip.
//!
//! Whoever observes the lengths of compressed responses, and can put texts of their own beside a secret, can
//! guess the secret (BREACH). So routes that answer with secrets (the session, accounts, setup links) are not
//! among those below; and as anyone may send leads, which are listed beside those of others, a random number
//! of bytes is added to each response ("Heal the Breach", IEEE Access, 2022).

use std::io::Write;

use flate2::{Compression, GzBuilder};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, VARY,
};
use http::{HeaderMap, Response as HttpResponse};
use http_body::Body as _;
use http_body_util::BodyExt;
use warp::reply::{Reply, Response};

use crate::http::assets::negotiate::accepts;

/// The prefixes of the paths whose JSON is compressed.
const PATHS: [&str; 4] =
    ["/admin/api/leads", "/admin/api/stats", "/admin/api/audit", "/admin/api/status"];
/// Shorter bodies fit into one packet anyway, in bytes.
const MIN_LENGTH: u64 = 1024;
/// Bytes that are added at most.
const MAX_PADDING: usize = 100;

/// What a request says about the compression of its response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compressor {
    is_eligible: bool,
    is_accepted: bool,
}

impl Compressor {
    pub(crate) fn new(path: &str, headers: &HeaderMap) -> Self {
        let is_eligible = PATHS.iter().any(|prefix| path.starts_with(prefix));
        Self { is_eligible, is_accepted: is_eligible && accepts(headers, "gzip") }
    }

    /// Compresses the body of a response if that is JSON and not short.
    pub(crate) async fn apply(self, mut response: Response) -> Response {
        let is_json =
            response.headers().get(CONTENT_TYPE).is_some_and(|of| of == "application/json");
        if !self.is_eligible || !is_json {
            return response;
        }
        let vary = HeaderValue::from_name(ACCEPT_ENCODING);
        response.headers_mut().append(VARY, vary);
        let is_long =
            response.body().size_hint().exact().is_some_and(|length| length >= MIN_LENGTH);
        if !self.is_accepted || !is_long {
            return response;
        }
        let (mut head, body) = response.into_parts();
        // A body in memory: reading it cannot fail.
        let plain = body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
        head.headers.remove(CONTENT_LENGTH);
        let body = match gzip(&plain) {
            Some(compressed) => {
                head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                compressed
            }
            None => plain.to_vec(),
        };
        let (_, body) = HttpResponse::new(body).into_response().into_parts();
        Response::from_parts(head, body)
    }
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let padding = vec![b' '; rand::random_range(0..=MAX_PADDING)];
    let mut encoder = GzBuilder::new().comment(padding).write(Vec::new(), Compression::new(4));
    // Writing to memory cannot fail.
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}
