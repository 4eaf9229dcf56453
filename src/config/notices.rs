//! How staff hear of new leads, and the operator of trouble: by mail and by webhooks.

use chrono::{NaiveTime, TimeDelta};
use percent_encoding::percent_decode_str;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::secret::Secret;
use crate::config::setting::Setting;
use crate::config::web_url::is_loopback;
use crate::config::webhooks;
use crate::config::webhooks::{ALERT_WEBHOOK, NOTIFY_WEBHOOK, WEBHOOK_SECRET};
use crate::domain::email::Email;
use crate::domain::language::Language;
use crate::domain::notice::{ChannelName, NoticeContent};
use crate::domain::notice_target::{
    ChannelUses, MailTarget, Recipient, SecretText, Sender, SmtpServer, SmtpTls, WebhookTarget,
};
use crate::domain::silence::SilenceRule;

pub(crate) const SMTP_URL: &str = "FASTCORE_SMTP_URL";

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
pub(crate) const ALERT_EMAIL: Setting = Setting {
    variable: "FASTCORE_ALERT_EMAIL",
    flag: "--alert-email",
    default: "",
    accepts: "e-mail addresses separated by commas",
};
pub(crate) const SILENCE_AFTER: Setting = Setting {
    variable: "FASTCORE_SILENCE_AFTER",
    flag: "--silence-after",
    default: "",
    accepts: "auto, or a length of working time from 1h up, such as 20h",
};
pub(crate) const DIGEST_AT: Setting = Setting {
    variable: "FASTCORE_DIGEST_AT",
    flag: "--digest-at",
    default: "",
    accepts: "a time of day, such as 07:30",
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
    pub alert_email: Option<String>,
    pub silence_after: Option<String>,
    pub digest_at: Option<String>,
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
    /// When it is trouble that no lead comes.
    pub silence: Option<SilenceRule>,
    /// When the morning mail is made, in the company's time zone.
    pub digest_at: Option<NaiveTime>,
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
        for name in [SMTP_URL, NOTIFY_WEBHOOK, ALERT_WEBHOOK, WEBHOOK_SECRET] {
            warnings.extend(Secret::shadowed(environment, name)?);
        }
        let mail = mail(environment, flags)?;
        let webhooks = webhooks::load(environment)?;
        let silence = silence(environment, flags)?;
        let digest_at = DIGEST_AT.resolve(environment, flags.digest_at.as_deref(), |text| {
            let time = NaiveTime::parse_from_str(text, "%H:%M").ok();
            if text.is_empty() { Some(None) } else { time.map(Some) }
        })?;
        if digest_at.is_some() && mail.is_none() {
            let (digest, email) = (DIGEST_AT.variable, ALERT_EMAIL.variable);
            return Err(ConfigError::new(format_args!("{email}: is not set; {digest} needs it")));
        }
        Ok(Self { mail, webhooks, content, language, silence, digest_at, warnings })
    }
}

/// When it is trouble that no lead comes, if that is set.
///
/// # Errors
/// The value is not accepted.
pub fn silence(
    environment: &Environment,
    flags: &NoticeFlags,
) -> Result<Option<SilenceRule>, ConfigError> {
    SILENCE_AFTER.resolve(environment, flags.silence_after.as_deref(), |text| match text {
        "" => Some(None),
        "auto" => Some(Some(SilenceRule::Auto)),
        text => {
            let time = TimeDelta::from_std(humantime::parse_duration(text).ok()?).ok()?;
            (time >= TimeDelta::hours(1)).then_some(Some(SilenceRule::After(time)))
        }
    })
}

fn mail(environment: &Environment, flags: &NoticeFlags) -> Result<Option<MailTarget>, ConfigError> {
    let server = Secret::find(environment, SMTP_URL)?;
    let server = server.map(|url| smtp_server(url.reveal())).transpose()?;
    let from = MAIL_FROM.resolve(environment, flags.mail_from.as_deref(), |text| {
        if text.is_empty() { Some(None) } else { sender(text).map(Some) }
    })?;
    let staff = NOTIFY_EMAIL.resolve(environment, flags.notify_email.as_deref(), addresses)?;
    let operators = ALERT_EMAIL.resolve(environment, flags.alert_email.as_deref(), addresses)?;
    let asks = if staff.is_empty() { ALERT_EMAIL } else { NOTIFY_EMAIL };
    let recipients = recipients(staff, operators);
    if recipients.is_empty() {
        return Ok(None);
    }
    let needs = |name: &str| {
        ConfigError::new(format_args!("{name}: is not set; {} needs it", asks.variable))
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

fn addresses(text: &str) -> Option<Vec<Email>> {
    let addresses = text.split(',').map(str::trim).filter(|address| !address.is_empty());
    addresses.map(|address| Email::parse(address).ok()).collect()
}

/// Each address once. Staff hear of trouble where no operator is named.
fn recipients(staff: Vec<Email>, operators: Vec<Email>) -> Vec<Recipient> {
    let of_staff = ChannelUses { leads: true, alerts: operators.is_empty() };
    let staff = staff.into_iter().map(|address| (address, of_staff));
    let operators = operators.into_iter().map(|address| (address, ChannelUses::OF_OPERATORS));
    let mut recipients: Vec<Recipient> = Vec::new();
    for (address, uses) in staff.chain(operators) {
        let channel = ChannelName::of("mail", address.as_str());
        match recipients.iter_mut().find(|known| known.channel == channel) {
            Some(known) => known.uses = known.uses.and(uses),
            None => recipients.push(Recipient { channel, address, uses }),
        }
    }
    recipients
}
