//! The headers that keep a page's answers to itself (OWASP Secure Headers Project, HTTP Security
//! Response Headers Cheat Sheet), and where the page is.

use http::HeaderMap;
use http::header::{
    CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_FRAME_OPTIONS,
};

/// For a page, its scripts and styles: all of it from here, nothing inline.
pub(crate) const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
/// For everything that is no page.
pub(crate) const DATA: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
         magnetometer=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Where clients reach the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublicOrigin {
    /// Scheme, host and port of the configured URL, if there is one.
    origin: Option<String>,
}

impl PublicOrigin {
    pub(crate) fn of(public_url: Option<&str>) -> Self {
        let origin = |url: &str| {
            let url: http::Uri = url.parse().ok()?;
            Some(format!("{}://{}", url.scheme_str()?, url.authority()?).to_ascii_lowercase())
        };
        Self { origin: public_url.and_then(origin) }
    }

    /// Whether browsers speak HTTPS to it.
    pub(crate) fn is_https(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.starts_with("https:"))
    }

    /// Whether a request comes from a page of this very server: from the configured URL, or,
    /// without one, from the host that the request names.
    pub(crate) fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(from) = text(ORIGIN) else { return false };
        let here = match (&self.origin, text(HOST)) {
            (Some(origin), _) => origin.clone(),
            (None, Some(host)) => format!("http://{host}"),
            (None, None) => return false,
        };
        // A browser leaves a scheme's own port away.
        let bare = |url: &str| {
            let url = url.to_ascii_lowercase();
            let port = if url.starts_with("https:") { ":443" } else { ":80" };
            url.strip_suffix(port).map(str::to_owned).unwrap_or(url)
        };
        bare(from) == bare(&here)
    }

    /// Adds the headers that every answer of a page has.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(DATA));
        if self.is_https() {
            let year = HeaderValue::from_static("max-age=31536000");
            headers.insert(STRICT_TRANSPORT_SECURITY, year);
        }
    }
}
