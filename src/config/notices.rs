//! How staff hear of new leads: by mail and by webhooks.

use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::secret::Secret;
use crate::config::setting::Setting;
use crate::config::web_url::is_loopback;
use crate::domain::email::Email;
use crate::domain::language::Language;
use crate::domain::notice::{ChannelName, NoticeContent};
use crate::domain::notice_target::{
    MailTarget, Recipient, SecretText, Sender, SmtpServer, SmtpTls, WebhookFormat, WebhookTarget,
};

pub(crate) const SMTP_URL: &str = "FASTCORE_SMTP_URL";
pub(crate) const NOTIFY_WEBHOOK: &str = "FASTCORE_NOTIFY_WEBHOOK";
pub(crate) const WEBHOOK_SECRET: &str = "FASTCORE_WEBHOOK_SECRET";

pub(crate) const MAIL_FROM: Setting = Setting {
    variable: "FASTCORE_MAIL_FROM",
    flag: "--mail-from",
    default: "",
    accepts: "an e-mail address, such as leads@example.com or FASTCore <leads@example.com>",
};
pub(crate) const NOTIFY_EMAIL: Setting = Setting {
    variable: "FASTCORE_NOTIFY_EMAIL",
    flag: "--notify-email",
    default: "",
    accepts: "e-mail addresses separated by commas",
};
pub(crate) const NOTIFY_CONTENT: Setting = Setting {
    variable: "FASTCORE_NOTIFY_CONTENT",
    flag: "--notify-content",
    default: "minimal",
    accepts: "minimal (service, time and a link) or full (the text of the lead as well)",
};
pub(crate) const NOTIFY_LANGUAGE: Setting = Setting {
    variable: "FASTCORE_NOTIFY_LANGUAGE",
    flag: "--notify-language",
    default: "fr",
    accepts: "fr or en",
};

/// The flags of the settings that are not secrets.
#[derive(Debug, Default, Clone)]
pub struct NoticeFlags {
    pub mail_from: Option<String>,
    pub notify_email: Option<String>,
    pub notify_content: Option<String>,
    pub notify_language: Option<String>,
}

/// The channels of notices and what these contain.
#[derive(Debug, Clone, Default)]
pub struct NoticeConfig {
    pub mail: Option<MailTarget>,
    pub webhooks: Vec<WebhookTarget>,
    pub content: NoticeContent,
    pub language: Language,
    pub warnings: Vec<String>,
}

impl NoticeConfig {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// The first setting that is not accepted.
    pub fn load(environment: &Environment, flags: &NoticeFlags) -> Result<Self, ConfigError> {
        let content = NOTIFY_CONTENT.resolve(
            environment,
            flags.notify_content.as_deref(),
            |text| match text {
                "minimal" => Some(NoticeContent::Minimal),
                "full" => Some(NoticeContent::Full),
                _ => None,
            },
        )?;
        let language = NOTIFY_LANGUAGE.resolve(
            environment,
            flags.notify_language.as_deref(),
            Language::parse,
        )?;
        let mut warnings = Vec::new();
        for name in [SMTP_URL, NOTIFY_WEBHOOK, WEBHOOK_SECRET] {
            warnings.extend(Secret::shadowed(environment, name)?);
        }
        let mail = mail(environment, flags)?;
        Ok(Self { mail, webhooks: webhooks(environment)?, content, language, warnings })
    }
}

fn mail(environment: &Environment, flags: &NoticeFlags) -> Result<Option<MailTarget>, ConfigError> {
    let server = Secret::find(environment, SMTP_URL)?;
    let server = server.map(|url| smtp_server(url.reveal())).transpose()?;
    let from = MAIL_FROM.resolve(environment, flags.mail_from.as_deref(), |text| {
        if text.is_empty() { Some(None) } else { sender(text).map(Some) }
    })?;
    let recipients =
        NOTIFY_EMAIL.resolve(environment, flags.notify_email.as_deref(), recipients)?;
    if recipients.is_empty() {
        return Ok(None);
    }
    let needs = |name: &str| {
        ConfigError::new(format_args!("{name}: is not set; {} needs it", NOTIFY_EMAIL.variable))
    };
    let server = server.ok_or_else(|| needs(SMTP_URL))?;
    let from = from.ok_or_else(|| needs(MAIL_FROM.variable))?;
    Ok(Some(MailTarget { server, from, recipients }))
}

/// `smtp://` or `smtps://` with a host, and perhaps a port, a user and a password.
fn smtp_server(text: &str) -> Result<SmtpServer, ConfigError> {
    parse_smtp_server(text).map_err(|fault| {
        ConfigError::new(format_args!(
            "{SMTP_URL}: {fault}; it takes a URL such as smtps://user:password@mail.example.com, with special \
             characters of the user and the password percent-encoded"
        ))
    })
}

fn parse_smtp_server(text: &str) -> Result<SmtpServer, &'static str> {
    let url: http::Uri = text.parse().map_err(|_| "its value is not a URL")?;
    let authority = url.authority().ok_or("its value has no host")?;
    if !matches!(url.path(), "" | "/") {
        return Err("its value has a path");
    }
    let (user, host) = match authority.as_str().rsplit_once('@') {
        Some((user, _)) => (Some(user), authority.host()),
        None => (None, authority.host()),
    };
    let host = host.trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return Err("its value has no host");
    }
    let is_local = is_loopback(&format!("http://{}", authority.host()));
    let tls = match (url.scheme_str(), url.query()) {
        (Some("smtps"), None) => SmtpTls::Implicit,
        (Some("smtp"), None) if is_local => SmtpTls::None,
        (Some("smtp"), None | Some("tls=required")) => SmtpTls::StartTls,
        (Some("smtp" | "smtps"), Some(_)) => return Err("its value has an unknown parameter"),
        _ => return Err("its value is not an smtp:// or smtps:// URL"),
    };
    let port = authority.port_u16().unwrap_or(match tls {
        SmtpTls::Implicit => 465,
        SmtpTls::StartTls => 587,
        SmtpTls::None => 25,
    });
    let decode = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
    let credentials = user.map(|user| {
        let (name, password) =
            user.split_once(':').ok_or("its value has a user without a password")?;
        let name = decode(name).map_err(|_| "its user is not UTF-8")?;
        let password = decode(password).map_err(|_| "its password is not UTF-8")?;
        Ok::<_, &'static str>((name, SecretText::new(password)))
    });
    Ok(SmtpServer { host, port, tls, credentials: credentials.transpose()? })
}

/// `address` or `Name <address>`.
fn sender(text: &str) -> Option<Sender> {
    let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address),
        None => ("", text),
    };
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    let is_line = name.iter().all(|name| !name.chars().any(char::is_control));
    Email::parse(address.trim()).ok().filter(|_| is_line).map(|address| Sender { name, address })
}

fn recipients(text: &str) -> Option<Vec<Recipient>> {
    let addresses = text.split(',').map(str::trim).filter(|address| !address.is_empty());
    let mut recipients: Vec<Recipient> = Vec::new();
    for address in addresses {
        let address = Email::parse(address).ok()?;
        let channel = channel("mail", address.as_str());
        if recipients.iter().all(|known| known.channel != channel) {
            recipients.push(Recipient { channel, address });
        }
    }
    Some(recipients)
}

fn webhooks(environment: &Environment) -> Result<Vec<WebhookTarget>, ConfigError> {
    let secret = Secret::find(environment, WEBHOOK_SECRET)?;
    let key = secret.as_ref().map(|secret| secret.reveal().trim_start_matches("whsec_"));
    if key.is_some_and(|key| !is_key(key)) {
        return Err(ConfigError::new(format_args!(
            "{WEBHOOK_SECRET}: its value is not accepted; it takes whsec_ and 24 to 64 bytes in Base64, such as \
             `echo whsec_$(openssl rand -base64 32)` prints"
        )));
    }
    let Some(urls) = Secret::find(environment, NOTIFY_WEBHOOK)? else { return Ok(Vec::new()) };
    let urls = urls.reveal().split(',').map(str::trim).filter(|url| !url.is_empty());
    let mut webhooks: Vec<WebhookTarget> = Vec::new();
    for text in urls {
        let webhook = webhook(text, secret.as_ref())?;
        if webhooks.iter().all(|known| known.channel != webhook.channel) {
            webhooks.push(webhook);
        }
    }
    Ok(webhooks)
}

/// `https://…`, or with the format in front: `slack+https://…`, `ntfy+https://…`. The value itself is a secret.
fn webhook(text: &str, secret: Option<&Secret>) -> Result<WebhookTarget, ConfigError> {
    let refuse = |fault: &str| {
        ConfigError::new(format_args!(
            "{NOTIFY_WEBHOOK}: {fault}; it takes URLs separated by commas: https://… for JSON, slack+https://… for \
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
    let format = match (format, secret) {
        (Some("slack"), _) => WebhookFormat::Slack,
        (Some(_), _) => WebhookFormat::Ntfy,
        (None, Some(secret)) => {
            WebhookFormat::Standard { secret: SecretText::new(secret.reveal()) }
        }
        (None, None) => {
            return Err(ConfigError::new(format_args!(
                "{WEBHOOK_SECRET}: is not set; {NOTIFY_WEBHOOK} needs it to sign what it sends"
            )));
        }
    };
    let kind = match format {
        WebhookFormat::Standard { .. } => "webhook",
        WebhookFormat::Slack => "slack",
        WebhookFormat::Ntfy => "ntfy",
    };
    Ok(WebhookTarget { channel: channel(kind, url), url: SecretText::new(url), format })
}

fn is_key(base64: &str) -> bool {
    let bytes = base64.trim_end_matches('=').len() * 3 / 4;
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    base64.bytes().all(is_base64) && base64.len().is_multiple_of(4) && (24..=64).contains(&bytes)
}

/// A name that does not change while the target stays the same, and does not contain it.
fn channel(kind: &str, target: &str) -> ChannelName {
    let hash = Sha256::digest(target);
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    ChannelName::new(format!("{kind}-{hash}"))
}
