//! The bearer token of who reads the metrics.

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::ingest_tokens::IngestTokens;
use crate::config::secret::{Secret, TokenDigest};

pub(crate) const METRICS_TOKEN: &str = "FASTCORE_METRICS_TOKEN";

/// The token that turns the metrics on, and what the log should say about it.
#[derive(Debug, Clone, Default)]
pub struct MetricsToken {
    pub digest: Option<TokenDigest>,
    pub warnings: Vec<String>,
}

impl MetricsToken {
    /// Reads the setting. A weak token is refused where others than this machine reach the server.
    pub(crate) fn load(
        environment: &Environment,
        site: &IngestTokens,
        is_exposed: bool,
    ) -> Result<Self, ConfigError> {
        let mut token = Self::default();
        token.warnings.extend(Secret::shadowed(environment, METRICS_TOKEN)?);
        let Some(secret) = Secret::find(environment, METRICS_TOKEN)? else { return Ok(token) };
        token.warnings.extend(secret.check_strength(METRICS_TOKEN, is_exposed)?);
        token.digest = Some(secret.digest());
        token.check_differs(site)?;
        Ok(token)
    }

    /// Refuses a token of the site's, with which Prometheus could send leads.
    pub(crate) fn check_differs(&self, site: &IngestTokens) -> Result<(), ConfigError> {
        match self.digest.filter(|digest| site.contains(digest)) {
            Some(_) => Err(ConfigError::new(format_args!(
                "{METRICS_TOKEN}: it is also a token of the site, with which leads can be sent; it takes a \
                 token of its own, such as `fastcore token` prints"
            ))),
            None => Ok(()),
        }
    }
}
