//! The plaintext address that redirects to HTTPS.

use std::net::Ipv6Addr;
use std::sync::Arc;

use http::header::{CONNECTION, HOST, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode, Uri};
use warp::Filter;
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::router::Routes;

const PLAINTEXT: ApiError = ApiError::Forbidden(
    "This address only redirects to HTTPS. What was sent has crossed the network in plaintext: change its \
     token, and use the https URL",
);
const NO_HOST: ApiError = ApiError::BadRequest("The Host header names no host");
/// Characters of a host name, at most (RFC 1035).
const MAX_HOST_LEN: usize = 253;

/// Where requests are redirected to.
#[derive(Debug, Clone)]
pub enum RedirectTarget {
    /// The host, and port if there is one, of the public URL.
    Authority(Arc<str>),
    /// The host that the request names, at this port.
    SameHost { port: u16 },
}

impl RedirectTarget {
    /// The host of the public URL where there is one, else that of each request.
    #[must_use]
    pub fn new(public_url: Option<&str>, port: u16) -> Self {
        let url = public_url.and_then(|url| url.parse::<Uri>().ok());
        match url.as_ref().and_then(Uri::authority) {
            Some(authority) => Self::Authority(authority.as_str().into()),
            None => Self::SameHost { port },
        }
    }

    fn authority(&self, headers: &HeaderMap) -> Option<String> {
        match self {
            Self::Authority(authority) => Some(authority.to_string()),
            Self::SameHost { port } => {
                let host = host(headers.get(HOST)?.to_str().ok()?)?;
                Some(match port {
                    443 => host.to_owned(),
                    port => format!("{host}:{port}"),
                })
            }
        }
    }
}

/// Redirects `GET` and `HEAD`, and refuses everything else: a client that follows a redirect would go on
/// sending its token and its lead in plaintext first.
#[must_use]
pub fn routes(target: &RedirectTarget) -> Routes {
    let target = target.clone();
    let query = warp::query::raw().map(Some).or(warp::any().map(|| None)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .map(move |method, path: FullPath, query: Option<String>, headers| {
            let location = location(&target, &method, path.as_str(), query, &headers);
            let mut response = location.map_or_else(Reply::into_response, redirect);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        })
        .boxed()
}

fn location(
    target: &RedirectTarget,
    method: &Method,
    path: &str,
    query: Option<String>,
    headers: &HeaderMap,
) -> Result<HeaderValue, ApiError> {
    if ![Method::GET, Method::HEAD].contains(method) {
        return Err(PLAINTEXT);
    }
    let authority = target.authority(headers).ok_or(NO_HOST)?;
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    HeaderValue::try_from(format!("https://{authority}{path}{query}"))
        .map_err(|_| ApiError::NOT_A_PATH)
}

fn redirect(location: HeaderValue) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(LOCATION, location);
    response
}

/// The host of a `Host` header, without its port.
fn host(header: &str) -> Option<&str> {
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = header.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        let is_valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return is_valid.then(|| &header[..address.len() + 2]);
    }
    let (host, port) = header.split_once(':').unwrap_or((header, ""));
    let of_host = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_valid = (1..=MAX_HOST_LEN).contains(&host.len()) && host.bytes().all(of_host);
    (is_valid && is_port(port)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_header_is_only_repeated_where_it_is_a_host() {
        for (header, expected) in [
            ("leads.example.com", Some("leads.example.com")),
            ("leads.example.com:80", Some("leads.example.com")),
            ("192.0.2.1:8080", Some("192.0.2.1")),
            ("[2001:db8::1]:80", Some("[2001:db8::1]")),
            ("[::1]", Some("[::1]")),
            ("", None),
            (":80", None),
            ("a b", None),
            ("evil.example/path", None),
            ("user@evil.example", None),
            ("evil.example:80/", None),
            ("evil.example?x", None),
            ("[::1", None),
            ("[evil.example]", None),
            ("[::1]evil.example", None),
            ("a\\evil.example", None),
        ] {
            assert_eq!(host(header), expected, "{header:?}");
        }
        assert_eq!(host(&"a".repeat(254)), None);
    }
}
