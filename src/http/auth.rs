//! Who may send leads: a bearer token (RFC 6750).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::reply::Failure;
use crate::config::IngestTokens;

/// Lets a request with one of the site's tokens through.
pub(super) fn site(headers: &HeaderMap, tokens: &IngestTokens) -> Result<(), Failure> {
    let header = headers
        .get(AUTHORIZATION)
        .ok_or(Failure::Unauthorized("Missing Authorization header"))?
        .as_bytes();
    let (scheme, token) = match header.iter().position(|b| *b == b' ') {
        Some(space) => header.split_at(space),
        None => (header, &[][..]),
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Failure::Unauthorized("Invalid auth scheme"));
    }
    if tokens.accepts(token.trim_ascii()) {
        Ok(())
    } else {
        Err(Failure::Unauthorized("Invalid token"))
    }
}
