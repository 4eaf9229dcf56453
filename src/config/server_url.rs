//! Where a command finds a server.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::certificate::{CertificateConfig, CertificateFlags};
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::https;
use crate::config::server::{LISTEN, address};
use crate::config::web_url::{is_loopback, public_url};

/// The URL of a server, without a path, and whether it is of this machine. That of `/health` itself is accepted.
#[must_use]
pub fn parse(text: &str) -> Option<(String, bool)> {
    let text = text.trim().trim_end_matches('/');
    let url = public_url(text.strip_suffix("/health").unwrap_or(text))??;
    let is_local = is_loopback(&url);
    Some((url, is_local))
}

/// The URL at which this machine reaches a server with these settings; `left` are those that the server has left.
///
/// # Errors
/// A setting is not accepted, or the port is one that the server chose.
pub fn of_this_machine(
    environment: &Environment,
    left: &BTreeMap<String, String>,
) -> Result<String, ConfigError> {
    let environment = environment.with_server_settings(left.clone());
    let mut listen = LISTEN.resolve(&environment, None, address)?;
    if let (0, Some(chosen)) = (listen.port(), left.get(LISTEN.variable)) {
        listen = address(chosen).unwrap_or(listen);
    }
    if listen.port() == 0 {
        return Err(ConfigError::new(format_args!(
            "FASTCORE_LISTEN: with port 0, the server has chosen one that is not known here; --url takes its URL"
        )));
    }
    // Every address of the machine: one of them is enough.
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let is_tls = CertificateConfig::load(&environment, &CertificateFlags::default())?.is_some();
    Ok(https::url(is_tls, &listen.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_of_this_machine_is_found_by_its_settings() {
        let tls = [("FASTCORE_TLS_CERT", "c.pem"), ("FASTCORE_TLS_KEY", "k.pem")];
        for (listen, tls, url) in [
            (None, &[][..], "http://127.0.0.1:8000"),
            (Some("0.0.0.0:80"), &[], "http://127.0.0.1:80"),
            (Some("[::]:443"), &tls, "https://[::1]:443"),
            (Some("10.0.0.5:8443"), &tls, "https://10.0.0.5:8443"),
        ] {
            let listen = listen.map(|listen| ("FASTCORE_LISTEN", listen));
            let variables: Vec<_> = listen.into_iter().chain(tls.iter().copied()).collect();
            let environment = Environment::of(&variables);
            assert_eq!(of_this_machine(&environment, &BTreeMap::new()), Ok(url.to_owned()));
        }
        let any_port = Environment::of(&[("FASTCORE_LISTEN", "127.0.0.1:0")]);
        assert!(of_this_machine(&any_port, &BTreeMap::new()).is_err());
        let left = BTreeMap::from([("FASTCORE_LISTEN".to_owned(), "127.0.0.1:4711".to_owned())]);
        assert_eq!(of_this_machine(&any_port, &left), Ok("http://127.0.0.1:4711".to_owned()));
    }

    #[test]
    fn urls_with_a_path_of_their_own_are_refused() {
        for (text, expected) in [
            ("http://127.0.0.1:8000", Some(("http://127.0.0.1:8000", true))),
            ("https://leads.example.com/health", Some(("https://leads.example.com", false))),
            ("https://localhost/", Some(("https://localhost", true))),
            ("https://leads.example.com/admin", None),
            ("https://user@leads.example.com", None),
            ("ftp://leads.example.com", None),
            ("leads.example.com", None),
            ("", None),
        ] {
            let expected = expected.map(|(url, is_local)| (url.to_owned(), is_local));
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
