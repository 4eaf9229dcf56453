//! The proxies that are believed when they name a client's address.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::setting::Setting;

pub(crate) const TRUSTED_PROXIES: Setting = Setting {
    variable: "FASTCORE_TRUSTED_PROXIES",
    flag: "--trusted-proxies",
    default: "",
    accepts: "addresses or networks separated by commas, such as 127.0.0.1,10.0.0.0/8",
};

/// Addresses and networks of proxies; cheap to clone.
#[derive(Debug, Clone)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl Default for TrustedProxies {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl TrustedProxies {
    /// Reads the setting.
    ///
    /// # Errors
    /// The value is not accepted.
    pub(crate) fn load(environment: &Environment, flag: Option<&str>) -> Result<Self, ConfigError> {
        TRUSTED_PROXIES.resolve(environment, flag, Self::parse)
    }

    /// Parses addresses and networks separated by commas.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(network).collect::<Option<_>>().map(Self)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is the address of a trusted proxy.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpAddr>()
        .map(|address| address.to_canonical().into())
        .or_else(|_| text.parse())
        .ok()
}
