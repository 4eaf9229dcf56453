//! The settings of HTTPS: the certificate's files, and what may be plaintext.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::setting::{Setting, absolute, boolean};

pub(crate) const TLS_CERT: Setting = Setting {
    variable: "FASTCORE_TLS_CERT",
    flag: "--tls-cert",
    default: "",
    accepts: "the path of a PEM file",
};
pub(crate) const TLS_KEY: Setting = Setting {
    variable: "FASTCORE_TLS_KEY",
    flag: "--tls-key",
    default: "",
    accepts: "the path of a PEM file",
};
pub(crate) const ALLOW_PLAINTEXT: Setting = Setting {
    variable: "FASTCORE_ALLOW_PLAINTEXT",
    flag: "--allow-plaintext",
    default: "false",
    accepts: "true or false",
};
pub(crate) const REDIRECT_LISTEN: Setting = Setting {
    variable: "FASTCORE_REDIRECT_LISTEN",
    flag: "--redirect-listen",
    default: "",
    accepts: "an address and a port, such as 0.0.0.0:80 or [::]:80",
};

/// The files of the certificate and its private key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads the settings; `None` where neither file is set.
    ///
    /// # Errors
    /// One is set without the other.
    pub fn load(
        environment: &Environment,
        certificate: Option<&str>,
        key: Option<&str>,
    ) -> Result<Option<Self>, ConfigError> {
        let path = |text: &str| Some((!text.is_empty()).then(|| PathBuf::from(text)));
        let certificate = TLS_CERT.resolve(environment, certificate, path)?;
        let key = TLS_KEY.resolve(environment, key, path)?;
        let missing = |missing: &Setting, set: &Setting| {
            Err(ConfigError::new(format_args!(
                "{}: not set, and {} is; HTTPS takes the PEM files of a certificate and of its key",
                missing.variable, set.variable
            )))
        };
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            (None, Some(_)) => missing(&TLS_CERT, &TLS_KEY),
            (Some(_), None) => missing(&TLS_KEY, &TLS_CERT),
        }
    }

    /// The values by their variables, as absolute paths.
    pub(crate) fn to_variables(&self) -> [(String, String); 2] {
        [(TLS_CERT, &self.certificate), (TLS_KEY, &self.key)]
            .map(|(setting, path)| (setting.variable.to_owned(), absolute(path)))
    }
}

/// Refuses plaintext on an address that is not loopback, unless it is allowed.
pub(crate) fn check_plaintext(
    environment: &Environment,
    flag: Option<&str>,
    listen: SocketAddr,
    is_tls: bool,
) -> Result<(), ConfigError> {
    let is_allowed = ALLOW_PLAINTEXT.resolve(environment, flag, boolean)?;
    if is_allowed || is_tls || listen.ip().is_loopback() {
        return Ok(());
    }
    Err(ConfigError::new(format_args!(
        "FASTCORE_LISTEN: {listen} is not a loopback address, and leads would be sent in plaintext; set \
         FASTCORE_ACME_DOMAINS or FASTCORE_TLS_CERT and FASTCORE_TLS_KEY, listen on 127.0.0.1 with a reverse proxy that serves \
         HTTPS, or set FASTCORE_ALLOW_PLAINTEXT=true if the network itself is encrypted"
    )))
}

/// The plaintext address that redirects to HTTPS, if there is one.
pub(crate) fn redirect_address(
    environment: &Environment,
    flag: Option<&str>,
    public_url: Option<&str>,
    is_tls: bool,
) -> Result<Option<SocketAddr>, ConfigError> {
    let address = |text: &str| match text {
        "" => Some(None),
        _ => text.parse().ok().map(Some),
    };
    let address = REDIRECT_LISTEN.resolve(environment, flag, address)?;
    if address.is_some() && !is_tls && !public_url.is_some_and(is_https) {
        return Err(ConfigError::new(
            "FASTCORE_REDIRECT_LISTEN: there is no HTTPS to redirect to; set FASTCORE_ACME_DOMAINS, \
             FASTCORE_TLS_CERT and FASTCORE_TLS_KEY, or an https FASTCORE_PUBLIC_URL",
        ));
    }
    Ok(address)
}

/// Whether a URL is one of HTTPS.
#[must_use]
pub fn is_https(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
}

/// The URL of what listens on an address.
#[must_use]
pub fn url(is_tls: bool, address: &str) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{address}")
}

/// The host of a URL, without its port.
#[must_use]
pub fn host(url: &str) -> Option<String> {
    Some(url.parse::<http::Uri>().ok()?.host()?.to_owned())
}
