//! The origins and URLs of the settings.

use std::net::{IpAddr, Ipv6Addr};

/// Whether a URL's host is this machine: a loopback address, or a name that RFC 6761 reserves for it.
pub(crate) fn is_loopback(url: &str) -> bool {
    let url: Option<http::Uri> = url.parse().ok();
    let host = url.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Origins separated by commas, as browsers send them.
pub(crate) fn origins(text: &str) -> Option<Vec<String>> {
    text.split(',').map(str::trim).filter(|o| !o.is_empty()).map(origin).collect()
}

/// `scheme://host[:port]`, as browsers send it: in lower case, without a path.
fn origin(text: &str) -> Option<String> {
    let url = web(text)?;
    let bare = format!("{}://{}", url.scheme_str()?, url.authority()?);
    bare.eq_ignore_ascii_case(text).then(|| text.to_ascii_lowercase())
}

/// The public URL, without its trailing slash; none if it is empty.
pub(crate) fn public_url(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let url = web(text)?;
    // http::Uri drops a fragment silently.
    let plain = url.path() == "/" && url.query().is_none() && !text.contains('#');
    plain.then(|| Some(text.trim_end_matches('/').to_owned()))
}

/// An `http` or `https` URL with a host name or address, without credentials.
fn web(text: &str) -> Option<http::Uri> {
    let url: http::Uri = text.parse().ok()?;
    let authority = url.authority()?;
    let host = authority.host();
    let of_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let named = !host.is_empty() && host.chars().all(of_host);
    let numbered = || host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok();
    let no_more = authority.as_str() == host || authority.port_u16().is_some();
    let credentials = authority.as_str().contains('@');
    let fits = (named || numbered()) && no_more && !credentials;
    (fits && matches!(url.scheme_str(), Some("http" | "https"))).then_some(url)
}
