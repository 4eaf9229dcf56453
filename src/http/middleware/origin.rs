//! The server's own origin, and whether a request comes from a page of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};

/// A refusal is explained in the log at most this often.
const WARN_INTERVAL: Duration = Duration::from_secs(60);
/// Characters of an origin that are logged, at most.
const MAX_LOGGED_CHARS: usize = 100;

/// The origin at which clients reach the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublicOrigin {
    /// Scheme, host and port of the configured URL, if there is one.
    origin: Option<String>,
    /// Whether the server itself speaks HTTPS.
    is_tls: bool,
    warned_at: Arc<Mutex<Option<Instant>>>,
}

impl PublicOrigin {
    pub(crate) fn new(public_url: Option<&str>, is_tls: bool) -> Self {
        let origin = |url: &str| {
            let url: http::Uri = url.parse().ok()?;
            Some(format!("{}://{}", url.scheme_str()?, url.authority()?).to_ascii_lowercase())
        };
        Self { origin: public_url.and_then(origin), is_tls, ..Self::default() }
    }

    /// Whether browsers reach the server over HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        match &self.origin {
            Some(origin) => origin.starts_with("https:"),
            None => self.is_tls,
        }
    }

    /// Whether a request comes from a page of this server: of the configured URL or, without one,
    /// of the host that the request names.
    pub(crate) fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        let (Some(from), Some(own)) = (text(headers, ORIGIN), self.own(headers)) else {
            return false;
        };
        let same = without_default_port(from) == without_default_port(&own);
        if !same {
            self.warn(from, &own);
        }
        same
    }

    /// The configured origin or, without one, that of the host that the request names.
    fn own(&self, headers: &HeaderMap) -> Option<String> {
        let scheme = if self.is_tls { "https" } else { "http" };
        self.origin.clone().or_else(|| text(headers, HOST).map(|host| format!("{scheme}://{host}")))
    }

    /// Says in the log how the server's address is configured: behind a proxy, its own page may be refused.
    fn warn(&self, from: &str, own: &str) {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_none_or(|at| at.elapsed() >= WARN_INTERVAL) {
            *warned_at = Some(Instant::now());
            let short = |origin: &str| origin.chars().take(MAX_LOGGED_CHARS).collect::<String>();
            tracing::warn!(
                origin = short(from),
                expected = short(own),
                "a request from a page of another origin was refused; if this origin is the server's own \
                 address, set FASTCORE_PUBLIC_URL to it"
            );
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Browsers omit the default port of a scheme.
fn without_default_port(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(port).map(str::to_owned).unwrap_or(origin)
}
