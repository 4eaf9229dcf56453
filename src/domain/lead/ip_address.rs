//! Recognises IP addresses where the hash of one is required.

use std::net::Ipv6Addr;

/// Whether a text is an IP address or a list with one, as proxies write them: also with a port, in
/// brackets, in quotes, with a zone or a prefix length.
pub(crate) fn contains_ip_address(text: &str) -> bool {
    text.split(',').any(|part| is_ip_address(part.trim().trim_matches('"')))
}

fn is_ip_address(text: &str) -> bool {
    if let Some(bracketed) = text.strip_prefix('[') {
        return bracketed.split_once(']').is_some_and(|(host, _)| is_host(host));
    }
    let without_port = text.rsplit_once(':').map_or(text, |(host, _)| host);
    is_host(text) || is_dotted_quad(without_port)
}

fn is_host(text: &str) -> bool {
    let host = text.split(['%', '/']).next().unwrap_or_default();
    host.parse::<Ipv6Addr>().is_ok() || is_dotted_quad(host)
}

/// An IPv4 address, also with leading zeros, which `Ipv4Addr` refuses.
fn is_dotted_quad(text: &str) -> bool {
    let is_octet = |part: &str| part.len() <= 3 && part.parse::<u8>().is_ok();
    text.split('.').count() == 4 && text.split('.').all(is_octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_an_address_is_recognised() {
        for address in [
            "192.0.2.1",
            "192.000.002.001",
            "192.0.2.1:443",
            "192.0.2.0/24",
            "::1",
            "2001:db8::1",
            "2001:DB8:0:0:0:0:0:1",
            "2001:db8::/32",
            "::ffff:192.0.2.1",
            "fe80::1%eth0",
            "[2001:db8::1]",
            "[2001:db8::1]:443",
            "[fe80::1%eth0]:443",
            "\"[2001:db8::1]:443\"",
            "192.0.2.1, 198.51.100.2",
            "unknown, 2001:db8::1",
        ] {
            assert!(contains_ip_address(address), "{address}");
        }
    }

    #[test]
    fn hashes_are_not_addresses() {
        for hash in [
            "abc123def456",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "sha256:9f86d081884c7d65",
            "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            "unknown",
            "1234567890",
            "1.2.3",
            "256.1.1.1",
            "1.2.3.4.5",
            "a:b",
            ":",
            "[]",
            "",
        ] {
            assert!(!contains_ip_address(hash), "{hash}");
        }
    }
}
