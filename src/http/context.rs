//! What all handlers share.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::config::ingest_tokens::IngestTokens;
use crate::config::secret::TokenDigest;
use crate::config::trusted_proxies::TrustedProxies;
use crate::http::middleware::origin::PublicOrigin;

/// How long a whole request body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(8);

/// What all handlers share; cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpContext {
    pub app: App,
    pub tokens: Arc<IngestTokens>,
    /// Without one, there are no metrics to read.
    pub metrics_token: Option<TokenDigest>,
    /// How long a whole request body may take to arrive.
    pub body_timeout: Duration,
    pub(crate) origin: PublicOrigin,
    pub(crate) trusted_proxies: TrustedProxies,
}

impl HttpContext {
    #[must_use]
    pub fn new(app: App, tokens: IngestTokens) -> Self {
        Self {
            app,
            tokens: Arc::new(tokens),
            metrics_token: None,
            body_timeout: BODY_TIMEOUT,
            origin: PublicOrigin::default(),
            trusted_proxies: TrustedProxies::default(),
        }
    }

    /// Sets the URL at which clients reach the server, if one is configured, and whether the server itself
    /// speaks HTTPS. They decide whether cookies are for HTTPS only, and which `Origin` is the server's own.
    #[must_use]
    pub fn with_public_url(mut self, public_url: Option<&str>, is_tls: bool) -> Self {
        self.origin = PublicOrigin::new(public_url, is_tls);
        self
    }

    /// Sets the proxies that are believed when they name a client's address.
    #[must_use]
    pub fn with_trusted_proxies(mut self, trusted_proxies: TrustedProxies) -> Self {
        self.trusted_proxies = trusted_proxies;
        self
    }

    /// Whether clients reach the server over HTTPS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.is_https()
    }
}
