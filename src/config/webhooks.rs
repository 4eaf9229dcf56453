//! The webhooks that hear of new leads, and of trouble.

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::secret::Secret;
use crate::config::web_url::is_loopback;
use crate::domain::notice::ChannelName;
use crate::domain::notice_target::{ChannelUses, SecretText, WebhookFormat, WebhookTarget};

pub(crate) const NOTIFY_WEBHOOK: &str = "FASTCORE_NOTIFY_WEBHOOK";
pub(crate) const ALERT_WEBHOOK: &str = "FASTCORE_ALERT_WEBHOOK";
pub(crate) const WEBHOOK_SECRET: &str = "FASTCORE_WEBHOOK_SECRET";

/// Reads and checks the webhooks.
///
/// # Errors
/// The first setting that is not accepted.
pub(crate) fn load(environment: &Environment) -> Result<Vec<WebhookTarget>, ConfigError> {
    let secret = Secret::find(environment, WEBHOOK_SECRET)?;
    let key = secret.as_ref().map(|secret| secret.reveal().trim_start_matches("whsec_"));
    if key.is_some_and(|key| !is_key(key)) {
        return Err(ConfigError::new(format_args!(
            "{WEBHOOK_SECRET}: its value is not accepted; it takes whsec_ and 24 to 64 bytes in Base64, such as \
             `echo whsec_$(openssl rand -base64 32)` prints"
        )));
    }
    let operators = Secret::find(environment, ALERT_WEBHOOK)?;
    let of_staff = ChannelUses { leads: true, alerts: operators.is_none() };
    let staff = Secret::find(environment, NOTIFY_WEBHOOK)?;
    let lists =
        [(NOTIFY_WEBHOOK, staff, of_staff), (ALERT_WEBHOOK, operators, ChannelUses::OF_OPERATORS)];
    let mut webhooks: Vec<WebhookTarget> = Vec::new();
    for (name, urls, uses) in lists {
        let Some(urls) = urls else { continue };
        for text in urls.reveal().split(',').map(str::trim).filter(|url| !url.is_empty()) {
            let webhook = webhook(name, text, secret.as_ref(), uses)?;
            match webhooks.iter_mut().find(|known| known.channel == webhook.channel) {
                Some(known) => known.uses = known.uses.and(uses),
                None => webhooks.push(webhook),
            }
        }
    }
    Ok(webhooks)
}

/// `https://…`, or with the format in front: `slack+https://…`, `ntfy+https://…`. The value itself is a secret.
fn webhook(
    name: &str,
    text: &str,
    secret: Option<&Secret>,
    uses: ChannelUses,
) -> Result<WebhookTarget, ConfigError> {
    let refuse = |fault: &str| {
        ConfigError::new(format_args!(
            "{name}: {fault}; it takes URLs separated by commas: https://… for JSON, slack+https://… for \
             receivers like Slack, ntfy+https://… for ntfy"
        ))
    };
    let (format, url) = match text.split_once('+') {
        Some((format @ ("slack" | "ntfy"), url)) => (Some(format), url),
        _ => (None, text),
    };
    let parsed: http::Uri = url.parse().map_err(|_| refuse("one of its values is not a URL"))?;
    let has_host = parsed.host().is_some_and(|host| !host.is_empty());
    let is_secure = match parsed.scheme_str() {
        Some("https") => true,
        // What stays on this machine need not be encrypted.
        Some("http") => is_loopback(url),
        _ => false,
    };
    let has_user = parsed.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if !has_host || !is_secure || has_user {
        return Err(refuse("one of its values is not an https URL"));
    }
    let has_topic =
        parsed.query().is_none() && parsed.path().len() > 1 && !parsed.path().ends_with('/');
    if format == Some("ntfy") && !has_topic {
        return Err(refuse(
            "one of its values has no topic at its end, as in ntfy+https://ntfy.sh/TOPIC",
        ));
    }
    let format = match (format, secret) {
        (Some("slack"), _) => WebhookFormat::Slack,
        (Some(_), _) => WebhookFormat::Ntfy,
        (None, Some(secret)) => {
            WebhookFormat::Standard { secret: SecretText::new(secret.reveal()) }
        }
        (None, None) => {
            return Err(ConfigError::new(format_args!(
                "{WEBHOOK_SECRET}: is not set; {name} needs it to sign what it sends"
            )));
        }
    };
    let kind = match format {
        WebhookFormat::Standard { .. } => "webhook",
        WebhookFormat::Slack => "slack",
        WebhookFormat::Ntfy => "ntfy",
    };
    Ok(WebhookTarget {
        channel: ChannelName::of(kind, url),
        url: SecretText::new(url),
        format,
        uses,
    })
}

fn is_key(base64: &str) -> bool {
    let bytes = base64.trim_end_matches('=').len() * 3 / 4;
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    base64.bytes().all(is_base64) && base64.len().is_multiple_of(4) && (24..=64).contains(&bytes)
}
