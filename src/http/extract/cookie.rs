//! The cookies of staff: of a session, and of a device that has signed in before (RFC 6265).

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};

use crate::app::staff::devices::{DEVICE_LIFETIME, DeviceTokens};
use crate::http::middleware::origin::PublicOrigin;

/// How long a browser keeps the cookie: the maximum lifetime of a session.
const SESSION_MAX_AGE: Duration = Duration::days(7);
const DEVICE_MAX_AGE: Duration = Duration::seconds(DEVICE_LIFETIME.num_seconds());

pub(crate) const HTTP_NAME: &str = "fastcore_session";
/// Browsers accept a cookie with this prefix only over HTTPS and from this host.
pub(crate) const HTTPS_NAME: &str = "__Host-fastcore_session";

const DEVICE_HTTP_NAME: &str = "fastcore_device";
const DEVICE_HTTPS_NAME: &str = "__Host-fastcore_device";

fn session_name(origin: &PublicOrigin) -> &'static str {
    if origin.is_https() { HTTPS_NAME } else { HTTP_NAME }
}

fn device_name(origin: &PublicOrigin) -> &'static str {
    if origin.is_https() { DEVICE_HTTPS_NAME } else { DEVICE_HTTP_NAME }
}

/// The session token of a request.
pub(crate) fn session_token(origin: &PublicOrigin, headers: &HeaderMap) -> Option<String> {
    value(session_name(origin), headers)
}

/// The tokens of the device that a request comes from.
pub(crate) fn device_tokens(origin: &PublicOrigin, headers: &HeaderMap) -> DeviceTokens {
    value(device_name(origin), headers)
        .map_or_else(DeviceTokens::default, |v| DeviceTokens::parse(&v))
}

fn value(name: &str, headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

/// Sets the cookie of a new session.
pub(crate) fn set_session(origin: &PublicOrigin, headers: &mut HeaderMap, token: &str) {
    set(origin, headers, (session_name(origin), token), SESSION_MAX_AGE);
}

/// Sets the cookie of a device that has signed in.
pub(crate) fn set_device(origin: &PublicOrigin, headers: &mut HeaderMap, tokens: &DeviceTokens) {
    set(origin, headers, (device_name(origin), &tokens.to_cookie()), DEVICE_MAX_AGE);
}

/// Makes the browser delete the cookie.
pub(crate) fn remove_session(origin: &PublicOrigin, headers: &mut HeaderMap) {
    set(origin, headers, (session_name(origin), ""), Duration::ZERO);
}

fn set(
    origin: &PublicOrigin,
    headers: &mut HeaderMap,
    name_and_value: (&str, &str),
    max_age: Duration,
) {
    let cookie = Cookie::build(name_and_value)
        .path("/")
        .max_age(max_age)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(origin.is_https());
    if let Ok(cookie) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(SET_COOKIE, cookie);
    }
}
