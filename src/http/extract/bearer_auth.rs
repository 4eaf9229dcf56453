//! The bearer token of a client that sends leads or reads metrics (RFC 6750).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::http::error::ApiError;

/// Fails unless the request has a token that is accepted. The scheme is read in any case.
pub(crate) fn check(
    headers: &HeaderMap,
    accepts: impl FnOnce(&[u8]) -> bool,
) -> Result<(), ApiError> {
    let header = headers
        .get(AUTHORIZATION)
        .ok_or(ApiError::Unauthorized("Missing Authorization header"))?
        .as_bytes();
    let (scheme, token) = match header.iter().position(|b| *b == b' ') {
        Some(space) => header.split_at(space),
        None => (header, &[][..]),
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(ApiError::Unauthorized("Invalid auth scheme"));
    }
    if accepts(token.trim_ascii()) { Ok(()) } else { Err(ApiError::Unauthorized("Invalid token")) }
}
