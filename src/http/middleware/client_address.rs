//! The address of the client behind a proxy (`X-Forwarded-For`; `Forwarded`, RFC 7239).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

use crate::config::trusted_proxies::TrustedProxies;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client that sent a request. `None` where clients are not told apart: the request comes
/// from a proxy, or from this machine, where one may run, and no trusted proxy names its client.
///
/// Each proxy appends the address that it sees, so only what trusted ones have appended is believed. `Forwarded`
/// counts where there is no `X-Forwarded-For`: most proxies set that, and pass on what clients send of the other.
pub(crate) fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &TrustedProxies,
) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    if !trusted.contains(peer) {
        return Some(peer).filter(|peer| !peer.is_loopback());
    }
    let named = if headers.contains_key(X_FORWARDED_FOR) {
        first_untrusted(headers, &X_FORWARDED_FOR, trusted, parse_address)
    } else {
        first_untrusted(headers, &FORWARDED, trusted, parse_forwarded)
    };
    // A server on the same machine in front of the proxy: its clients are not told apart.
    named.filter(|address| {
        ![IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(address)
    })
}

/// From the right, the first address that is not a trusted proxy's. `None` if what stands there is not an
/// address, or if there are none but trusted proxies.
fn first_untrusted(
    headers: &HeaderMap,
    name: &HeaderName,
    trusted: &TrustedProxies,
    parse: fn(&str) -> Option<IpAddr>,
) -> Option<IpAddr> {
    for line in headers.get_all(name).iter().rev() {
        // Of what is not ASCII, only what the last proxy appended matters, and that is.
        let line = String::from_utf8_lossy(line.as_bytes());
        // RFC 9110, section 5.6.1.2: empty elements of a list are ignored.
        for element in line.rsplit(',').map(str::trim).filter(|element| !element.is_empty()) {
            let address = parse(element)?;
            if !trusted.contains(address) {
                return Some(address);
            }
        }
    }
    None
}

/// The `for` parameter of an element of `Forwarded`. A comma is in no address, so a quoted one that a client
/// sends cannot hide what follows it.
fn parse_forwarded(element: &str) -> Option<IpAddr> {
    let parameters = element.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, node) =
        parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    parse_address(node.trim().trim_matches('"'))
}

/// An address with or without a port or brackets. `unknown` and obfuscated identifiers are none.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse().ok().map(|node: SocketAddr| node.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, trusted: &str, headers: &[(HeaderName, &[u8])]) -> Option<String> {
        let trusted = TrustedProxies::parse(trusted).expect("proxies");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_bytes(value).expect("a value"));
        }
        let peer = peer.parse().expect("an address");
        client_address(peer, &map, &trusted).map(|address| address.to_string())
    }

    fn through_proxy(header: &HeaderName, value: &str) -> Option<String> {
        client("127.0.0.1", "127.0.0.1, 10.0.0.0/8", &[(header.clone(), value.as_bytes())])
    }

    #[test]
    fn a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_sends() {
        let spoofed = (X_FORWARDED_FOR, &b"192.0.2.1"[..]);
        for trusted in ["", "127.0.0.1, 10.0.0.0/8"] {
            let seen = client("203.0.113.7", trusted, std::slice::from_ref(&spoofed));
            assert_eq!(seen.as_deref(), Some("203.0.113.7"), "{trusted}");
        }
        let mapped = client("::ffff:203.0.113.7", "", &[]);
        assert_eq!(mapped.as_deref(), Some("203.0.113.7"));
    }

    #[test]
    fn clients_of_a_proxy_that_is_not_trusted_or_names_none_are_not_told_apart() {
        let spoofed = (X_FORWARDED_FOR, &b"192.0.2.1"[..]);
        assert_eq!(client("127.0.0.1", "", std::slice::from_ref(&spoofed)), None);
        assert_eq!(client("::1", "10.0.0.0/8", &[spoofed]), None);
        assert_eq!(client("127.0.0.1", "127.0.0.1", &[]), None);
        assert_eq!(client("10.1.2.3", "10.0.0.0/8", &[]), None);
    }

    #[test]
    fn the_address_is_the_first_from_the_right_that_is_not_a_trusted_proxy() {
        for (value, expected) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("192.0.2.1, 203.0.113.7", Some("203.0.113.7")),
            ("192.0.2.1,203.0.113.7 , 10.9.9.9,127.0.0.1", Some("203.0.113.7")),
            ("203.0.113.7:4711", Some("203.0.113.7")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("203.0.113.7,, ,", Some("203.0.113.7")),
            ("192.0.2.1, unknown", None),
            ("192.0.2.1, _hidden", None),
            ("192.0.2.1, fe80::1%eth0", None),
            ("192.0.2.1, 203.0.113.7:99999", None),
            ("10.0.0.1, 10.0.0.2", None),
            ("127.0.0.1", None),
            ("::1", None),
            ("", None),
            (",", None),
        ] {
            assert_eq!(through_proxy(&X_FORWARDED_FOR, value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn forwarded_is_read_like_x_forwarded_for_and_only_without_it() {
        for (value, expected) in [
            ("for=203.0.113.7", Some("203.0.113.7")),
            ("for=192.0.2.1, For=203.0.113.7;proto=https;by=10.0.0.1", Some("203.0.113.7")),
            ("proto=https; for=\"203.0.113.7:4711\", for=10.0.0.1", Some("203.0.113.7")),
            ("for=\"[2001:db8::1]:4711\"", Some("2001:db8::1")),
            ("for=\"[2001:db8::1]\"", Some("2001:db8::1")),
            // An open quotation mark of the client's does not hide what the proxy has appended.
            ("for=\"192.0.2.1, for=203.0.113.7", Some("203.0.113.7")),
            ("for=192.0.2.1, for=unknown", None),
            ("for=192.0.2.1, for=\"_SEVKISEK\"", None),
            ("for=192.0.2.1, by=10.0.0.1", None),
            ("for", None),
            ("=;=;;", None),
        ] {
            assert_eq!(through_proxy(&FORWARDED, value).as_deref(), expected, "{value}");
        }
        let both = [(FORWARDED, &b"for=192.0.2.1"[..]), (X_FORWARDED_FOR, b"203.0.113.7")];
        assert_eq!(client("127.0.0.1", "127.0.0.1", &both).as_deref(), Some("203.0.113.7"));
    }

    #[test]
    fn many_lines_are_one_list_and_junk_is_no_address() {
        let lines = [&b"192.0.2.1"[..], b"203.0.113.7", b"10.0.0.1, ", b","];
        let lines = lines.map(|line| (X_FORWARDED_FOR, line));
        let seen = client("127.0.0.1", "127.0.0.1, 10.0.0.0/8", &lines);
        assert_eq!(seen.as_deref(), Some("203.0.113.7"));
        let commas = ",".repeat(16 * 1024);
        let colons = ":".repeat(16 * 1024);
        let brackets = "[".repeat(16 * 1024);
        for junk in [
            commas.as_bytes(),
            colons.as_bytes(),
            brackets.as_bytes(),
            b"\xff\xfe",
            b"[",
            b"]",
            b"[]",
            b"\"",
            b"%",
            b":",
        ] {
            for header in [X_FORWARDED_FOR, FORWARDED] {
                assert_eq!(client("127.0.0.1", "127.0.0.1", &[(header, junk)]), None, "{junk:?}");
            }
        }
    }
}
