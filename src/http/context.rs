//! What the handlers share, and what a route is.

use std::sync::Arc;
use std::time::Duration;

use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::app::App;
use crate::config::ingest_tokens::IngestTokens;
use crate::http::middleware::security_headers::PublicOrigin;

/// A route, or all of them.
pub type Route = BoxedFilter<(Response,)>;

/// What the handlers share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    pub app: App,
    pub tokens: Arc<IngestTokens>,
    /// How long a whole body may take to arrive.
    pub body_deadline: Duration,
    pub(crate) site: PublicOrigin,
}

impl Context {
    /// With the deadline of production.
    #[must_use]
    pub fn new(app: App, tokens: IngestTokens) -> Self {
        let body_deadline = Duration::from_secs(8);
        Self { app, tokens: Arc::new(tokens), body_deadline, site: PublicOrigin::default() }
    }

    /// Where clients reach the server, where that was configured: whether cookies are for HTTPS
    /// alone, and which origin is its own, is told from it.
    #[must_use]
    pub fn at(mut self, public_url: Option<&str>) -> Self {
        self.site = PublicOrigin::of(public_url);
        self
    }
}
