//! Reads a request's body: bounded in size and in time, then its media type.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, pin_mut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

use crate::http::error::ApiError;

/// The largest body, in bytes.
const MOST: usize = 64 * 1024;

/// A JSON body's bytes.
pub(crate) async fn json(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    deadline: Duration,
) -> Result<Bytes, ApiError> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > MOST as u64) {
        return Err(ApiError::PayloadTooLarge);
    }
    let body = tokio::time::timeout(deadline, whole(body))
        .await
        .map_err(|_| ApiError::Timeout("The body did not arrive in time"))??;
    if is_json(headers) { Ok(body) } else { Err(ApiError::UnsupportedMediaType) }
}

async fn whole(body: impl Stream<Item = Result<impl Buf, warp::Error>>) -> Result<Bytes, ApiError> {
    pin_mut!(body);
    let mut whole = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(part) = body.next().await {
        let mut part = part.map_err(|_| ApiError::BadRequest("The body broke off"))?;
        if whole.len() + more.len() + part.remaining() > MOST {
            return Err(ApiError::PayloadTooLarge);
        }
        let part = part.copy_to_bytes(part.remaining());
        // Nearly every body comes in one part, which needs no copy.
        if whole.is_empty() {
            whole = part;
        } else {
            more.extend_from_slice(&part);
        }
    }
    if more.is_empty() {
        return Ok(whole);
    }
    Ok([whole, more.freeze()].concat().into())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
