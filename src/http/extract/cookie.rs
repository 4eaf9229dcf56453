//! The cookie of a staff session (RFC 6265).

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};

use crate::http::middleware::origin::PublicOrigin;

/// How long a browser keeps the cookie: the maximum lifetime of a session.
const MAX_AGE: Duration = Duration::days(7);

pub(crate) const HTTP_NAME: &str = "fastcore_session";
/// Browsers accept a cookie with this prefix only over HTTPS and from this host.
pub(crate) const HTTPS_NAME: &str = "__Host-fastcore_session";

fn name(origin: &PublicOrigin) -> &'static str {
    if origin.is_https() { HTTPS_NAME } else { HTTP_NAME }
}

/// The session token of a request.
pub(crate) fn session_token(origin: &PublicOrigin, headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == name(origin)).map(|cookie| cookie.value().to_owned())
}

/// Sets the cookie of a new session.
pub(crate) fn set_session(origin: &PublicOrigin, headers: &mut HeaderMap, token: &str) {
    set(origin, headers, token, MAX_AGE);
}

/// Makes the browser delete the cookie.
pub(crate) fn remove_session(origin: &PublicOrigin, headers: &mut HeaderMap) {
    set(origin, headers, "", Duration::ZERO);
}

fn set(origin: &PublicOrigin, headers: &mut HeaderMap, token: &str, max_age: Duration) {
    let cookie = Cookie::build((name(origin), token))
        .path("/")
        .max_age(max_age)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(origin.is_https());
    if let Ok(cookie) = HeaderValue::from_str(&cookie.to_string()) {
        headers.insert(SET_COOKIE, cookie);
    }
}
