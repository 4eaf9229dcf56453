//! Reads a body: limited in size and time, then checked for its media type and encoding.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};

use crate::http::error::ApiError;

/// A request body that has not been read yet.
pub(crate) type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

/// The maximum size of a body, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// How a gzip file begins. It is never JSON: some clients compress without `Content-Encoding`.
const GZIP: &[u8] = b"\x1f\x8b";
const BOM: &[u8] = "\u{feff}".as_bytes();

pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Reads the whole body of a request.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: BodyStream,
    timeout: Duration,
) -> Result<Bytes, ApiError> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(ApiError::PayloadTooLarge);
    }
    tokio::time::timeout(timeout, collect(body)).await.map_err(|_| ApiError::BODY_TIMEOUT)?
}

/// Fails unless a body is of this media type and not compressed.
pub(crate) fn check(
    headers: &HeaderMap,
    body: &[u8],
    media_type: &'static str,
) -> Result<(), ApiError> {
    if !is_of_type(headers, media_type) {
        return Err(ApiError::UnsupportedMediaType(media_type));
    }
    if !is_identity(headers) || body.starts_with(GZIP) {
        return Err(ApiError::UnsupportedContentEncoding);
    }
    Ok(())
}

/// RFC 8259, section 8.1, lets a parser ignore a byte order mark; serde_json does not.
pub(crate) fn without_bom(mut body: Bytes) -> Bytes {
    if body.starts_with(BOM) {
        body.advance(BOM.len());
    }
    body
}

async fn collect(mut body: BodyStream) -> Result<Bytes, ApiError> {
    let mut whole = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| ApiError::BROKEN_BODY)?;
        if whole.len() + part.len() > MAX_BODY {
            return Err(ApiError::PayloadTooLarge);
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(media_type)
}

fn is_identity(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|value| {
        value.to_str().is_ok_and(|encodings| {
            let mut encodings = encodings.split(',').map(str::trim);
            encodings.all(|e| e.is_empty() || e.eq_ignore_ascii_case("identity"))
        })
    })
}
