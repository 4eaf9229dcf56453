//! The server's own origin, and whether a request comes from a page of it.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// The origin at which clients reach the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublicOrigin {
    /// Scheme, host and port of the configured URL, if there is one.
    origin: Option<String>,
}

impl PublicOrigin {
    pub(crate) fn new(public_url: Option<&str>) -> Self {
        let origin = |url: &str| {
            let url: http::Uri = url.parse().ok()?;
            Some(format!("{}://{}", url.scheme_str()?, url.authority()?).to_ascii_lowercase())
        };
        Self { origin: public_url.and_then(origin) }
    }

    /// Whether browsers reach the server over HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.starts_with("https:"))
    }

    /// Whether a request comes from a page of this server: of the configured URL or, without one,
    /// of the host that the request names.
    pub(crate) fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(from) = text(ORIGIN) else { return false };
        let own = match (&self.origin, text(HOST)) {
            (Some(origin), _) => origin.clone(),
            (None, Some(host)) => format!("http://{host}"),
            (None, None) => return false,
        };
        without_default_port(from) == without_default_port(&own)
    }
}

/// Browsers omit the default port of a scheme.
fn without_default_port(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(port).map(str::to_owned).unwrap_or(origin)
}
