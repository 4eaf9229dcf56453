//! Who may send leads: a bearer token (RFC 6750).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::config::ingest_tokens::IngestTokens;
use crate::http::error::ApiError;

/// Lets a request with one of the site's tokens through.
pub(crate) fn site(headers: &HeaderMap, tokens: &IngestTokens) -> Result<(), ApiError> {
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
    if tokens.accepts(token.trim_ascii()) {
        Ok(())
    } else {
        Err(ApiError::Unauthorized("Invalid token"))
    }
}
