//! Where the certificate of a server that speaks HTTPS comes from.

use crate::config::acme::{ACME_DOMAINS, AcmeConfig, AcmeFlags};
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::https::{TLS_CERT, TlsFiles, host, is_https};

/// The source of the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateConfig {
    Files(TlsFiles),
    Acme(AcmeConfig),
}

/// The flags of the certificate.
#[derive(Debug, Default, Clone)]
pub struct CertificateFlags {
    pub tls_cert: Option<String>,
    pub tls_key: Option<String>,
    pub acme: AcmeFlags,
}

impl CertificateConfig {
    /// Reads the settings; `None` where the server does not speak HTTPS.
    ///
    /// # Errors
    /// The first setting that is not accepted, or both sources are set.
    pub fn load(
        environment: &Environment,
        flags: &CertificateFlags,
    ) -> Result<Option<Self>, ConfigError> {
        let files =
            TlsFiles::load(environment, flags.tls_cert.as_deref(), flags.tls_key.as_deref())?;
        match (files, AcmeConfig::load(environment, &flags.acme)?) {
            (Some(_), Some(_)) => Err(ConfigError::new(format_args!(
                "{}: set, and {} is too; the certificate comes from an authority or from files, not from both",
                ACME_DOMAINS.variable, TLS_CERT.variable
            ))),
            (files, acme) => Ok(files.map(Self::Files).or(acme.map(Self::Acme))),
        }
    }

    /// Refuses a public URL in plaintext, and one whose host is not in the certificate that is ordered.
    pub(crate) fn check_public_url(&self, url: &str) -> Result<(), ConfigError> {
        let variable = match self {
            Self::Files(_) => TLS_CERT.variable,
            Self::Acme(_) => ACME_DOMAINS.variable,
        };
        if !is_https(url) {
            return Err(ConfigError::new(format_args!(
                "FASTCORE_PUBLIC_URL: {url} is plaintext, and {variable} is set; it takes the https URL"
            )));
        }
        match (self, host(url)) {
            (Self::Acme(acme), Some(host)) if !acme.has_domain(&host) => {
                Err(ConfigError::new(format_args!(
                    "FASTCORE_PUBLIC_URL: {host} is not one of {variable}={}, for which the certificate will be",
                    acme.domains.join(",")
                )))
            }
            _ => Ok(()),
        }
    }

    /// The values by their variables that commands need.
    pub(crate) fn to_variables(&self) -> Vec<(String, String)> {
        match self {
            Self::Files(files) => files.to_variables().into(),
            Self::Acme(acme) => acme.to_variables(),
        }
    }
}
