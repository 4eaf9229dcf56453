//! The settings of a certificate that the server gets by itself (ACME, RFC 8555).

use std::path::PathBuf;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::https;
use crate::config::setting::{Setting, absolute};
use crate::domain::email::Email;
use crate::domain::host_name;

pub(crate) const ACME_DOMAINS: Setting = Setting {
    variable: "FASTCORE_ACME_DOMAINS",
    flag: "--acme-domains",
    default: "",
    accepts: "up to 100 host names separated by commas, such as leads.example.com, without wildcards and \
              addresses",
};
pub(crate) const ACME_EMAIL: Setting = Setting {
    variable: "FASTCORE_ACME_EMAIL",
    flag: "--acme-email",
    default: "",
    accepts: "an e-mail address in ASCII",
};
pub(crate) const ACME_DIRECTORY: Setting = Setting {
    variable: "FASTCORE_ACME_DIRECTORY",
    flag: "--acme-directory",
    default: "https://acme-v02.api.letsencrypt.org/directory",
    accepts: "the https URL of an ACME directory",
};
pub(crate) const ACME_CA: Setting = Setting {
    variable: "FASTCORE_ACME_CA",
    flag: "--acme-ca",
    default: "",
    accepts: "the path of a PEM file",
};

/// The flags of these settings.
#[derive(Debug, Default, Clone)]
pub struct AcmeFlags {
    pub domains: Option<String>,
    pub email: Option<String>,
    pub directory: Option<String>,
    pub ca: Option<String>,
}

/// The names of a certificate, at most: what Let's Encrypt takes.
const MAX_DOMAINS: usize = 100;

/// Which certificate the server gets, and from whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeConfig {
    /// In ASCII and lower case, each once, at least one.
    pub domains: Vec<String>,
    /// Whom the authority may write to.
    pub email: Option<String>,
    /// The URL of the authority's directory.
    pub directory: String,
    /// The PEM file of the roots by which the authority's own HTTPS is verified, instead of the system's.
    pub ca: Option<PathBuf>,
}

impl AcmeConfig {
    /// Reads the settings; `None` where no domain is set, unless a value is bad.
    ///
    /// # Errors
    /// The first setting that is not accepted.
    pub fn load(environment: &Environment, flags: &AcmeFlags) -> Result<Option<Self>, ConfigError> {
        let domains = ACME_DOMAINS.resolve(environment, flags.domains.as_deref(), domains)?;
        let email = ACME_EMAIL.resolve(environment, flags.email.as_deref(), email)?;
        let directory =
            ACME_DIRECTORY.resolve(environment, flags.directory.as_deref(), directory)?;
        let ca = ACME_CA.resolve(environment, flags.ca.as_deref(), |text| {
            Some((!text.is_empty()).then(|| PathBuf::from(text)))
        })?;
        Ok((!domains.is_empty()).then_some(Self { domains, email, directory, ca }))
    }

    pub(crate) fn has_domain(&self, host: &str) -> bool {
        self.domains.contains(&host.to_ascii_lowercase())
    }

    /// The values by their variables that `fastcore check` needs.
    pub(crate) fn to_variables(&self) -> Vec<(String, String)> {
        let values = [
            (ACME_DOMAINS, Some(self.domains.join(","))),
            (ACME_DIRECTORY, Some(self.directory.clone())),
            (ACME_CA, self.ca.as_ref().map(|path| absolute(path))),
        ];
        let shown = |(setting, value): (Setting, Option<String>)| {
            Some((setting.variable.to_owned(), value?))
        };
        values.into_iter().filter_map(shown).collect()
    }
}

fn domains(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let names: Option<Vec<String>> =
        text.split(',').map(|name| host_name::parse(name.trim())).collect();
    let mut names = names?;
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    (names.len() <= MAX_DOMAINS).then_some(names)
}

fn email(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let address = Email::parse(text).ok().filter(|_| text.is_ascii())?;
    Some(Some(address.as_str().to_owned()))
}

fn directory(text: &str) -> Option<String> {
    let url: http::Uri = text.parse().ok()?;
    let authority = url.authority()?;
    let is_plain = !authority.as_str().contains('@') && !authority.host().is_empty();
    (is_plain && https::is_https(text) && !text.contains('#')).then(|| text.to_owned())
}
