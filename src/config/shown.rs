//! All settings with their values, to be shown. Secrets are masked.

use crate::config::acme::{ACME_CA, ACME_DIRECTORY, ACME_DOMAINS, ACME_EMAIL};
use crate::config::canary::CANARY_EVERY;
use crate::config::database::DISK_RESERVE;
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::https::{ALLOW_PLAINTEXT, REDIRECT_LISTEN, TLS_CERT, TLS_KEY};
use crate::config::ingest_tokens::{NAME, PREVIOUS};
use crate::config::metrics_token::METRICS_TOKEN;
use crate::config::notices::{
    ALERT_EMAIL, DIGEST_AT, MAIL_FROM, NOTIFY_CONTENT, NOTIFY_EMAIL, NOTIFY_LANGUAGE,
    SILENCE_AFTER, SMTP_URL,
};
use crate::config::secret::Secret;
use crate::config::server::{
    BACKUP_DIR, BACKUP_EVERY, BACKUP_KEEP, CORS_ORIGINS, LISTEN, PUBLIC_URL, REFUSED_RETENTION,
    RETENTION,
};
use crate::config::setting::{DATABASE_URL, DEBUG, LOG_FORMAT, LOG_LEVEL, Setting};
use crate::config::trusted_proxies::TRUSTED_PROXIES;
use crate::config::webhooks::{ALERT_WEBHOOK, NOTIFY_WEBHOOK, WEBHOOK_SECRET};

/// What a secret's value is shown as.
const MASK: &str = "***";

/// Every setting but the secrets.
const SETTINGS: [Setting; 30] = [
    DATABASE_URL,
    LISTEN,
    TLS_CERT,
    TLS_KEY,
    ACME_DOMAINS,
    ACME_EMAIL,
    ACME_DIRECTORY,
    ACME_CA,
    REDIRECT_LISTEN,
    ALLOW_PLAINTEXT,
    PUBLIC_URL,
    TRUSTED_PROXIES,
    CORS_ORIGINS,
    DISK_RESERVE,
    BACKUP_DIR,
    BACKUP_EVERY,
    BACKUP_KEEP,
    RETENTION,
    CANARY_EVERY,
    REFUSED_RETENTION,
    MAIL_FROM,
    NOTIFY_EMAIL,
    ALERT_EMAIL,
    SILENCE_AFTER,
    DIGEST_AT,
    NOTIFY_CONTENT,
    NOTIFY_LANGUAGE,
    LOG_LEVEL,
    DEBUG,
    LOG_FORMAT,
];
const SECRETS: [&str; 7] =
    [NAME, PREVIOUS, METRICS_TOKEN, SMTP_URL, NOTIFY_WEBHOOK, ALERT_WEBHOOK, WEBHOOK_SECRET];

/// A setting as it is shown.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ShownSetting {
    pub name: &'static str,
    /// `None` if it is not set and has no default.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: String,
}

/// All settings, by their names.
///
/// # Errors
/// A value is not UTF-8, or a secret cannot be read.
pub fn settings(environment: &Environment) -> Result<Vec<ShownSetting>, ConfigError> {
    let secrets = SECRETS.map(|name| secret(environment, name));
    let mut shown: Vec<_> = SETTINGS
        .iter()
        .map(|of| setting(environment, of))
        .chain(secrets)
        .collect::<Result<_, _>>()?;
    shown.sort_unstable_by_key(|setting| setting.name);
    Ok(shown)
}

fn setting(environment: &Environment, setting: &Setting) -> Result<ShownSetting, ConfigError> {
    let name = setting.variable;
    let (value, source) = match environment.get(name)? {
        Some(_) => (setting.shown_value(environment)?, environment.source_of(name)?),
        None => (setting.default.to_owned(), "default"),
    };
    let value = Some(value).filter(|value| !value.is_empty());
    Ok(ShownSetting { name, value, source: source.to_owned() })
}

fn secret(environment: &Environment, name: &'static str) -> Result<ShownSetting, ConfigError> {
    let source = Secret::places(environment, name)?.into_iter().next();
    let value = source.is_some().then(|| MASK.to_owned());
    Ok(ShownSetting { name, value, source: source.unwrap_or_else(|| "default".to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::KNOWN;

    #[test]
    fn every_setting_that_is_used_is_shown() {
        let mut shown: Vec<&str> =
            SETTINGS.iter().map(|setting| setting.variable).chain(SECRETS).collect();
        let mut known: Vec<&str> = KNOWN.to_vec();
        known.retain(|name| !name.ends_with("_FILE"));
        shown.sort_unstable();
        known.sort_unstable();
        assert_eq!(shown, known);
    }
}
