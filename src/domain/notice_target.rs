//! Where notices are sent: a mail server with recipients, and webhooks.

use std::fmt;

use crate::domain::email::Email;
use crate::domain::notice::ChannelName;

/// A secret, or a URL that is one. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The mail server, the sender and the recipients.
#[derive(Debug, Clone)]
pub struct MailTarget {
    pub server: SmtpServer,
    pub from: Sender,
    pub recipients: Vec<Recipient>,
}

/// The sender of mails.
#[derive(Debug, Clone)]
pub struct Sender {
    pub name: Option<String>,
    pub address: Email,
}

/// Who gets a mail of their own for each notice.
#[derive(Debug, Clone)]
pub struct Recipient {
    pub channel: ChannelName,
    pub address: Email,
    pub uses: ChannelUses,
}

/// What a channel tells: new leads, trouble, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelUses {
    pub leads: bool,
    pub alerts: bool,
}

impl ChannelUses {
    pub const OF_OPERATORS: Self = Self { leads: false, alerts: true };

    /// These and others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { leads: self.leads || other.leads, alerts: self.alerts || other.alerts }
    }
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS from the first byte (port 465).
    Implicit,
    /// STARTTLS, without which nothing is sent (port 587).
    StartTls,
    /// None: for a mail server on this machine (port 25).
    None,
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// The user's name and password.
    pub credentials: Option<(String, SecretText)>,
}

/// The form in which a webhook's receiver wants notices.
#[derive(Debug, Clone)]
pub enum WebhookFormat {
    /// JSON, signed as Standard Webhooks asks, one request a lead.
    Standard { secret: SecretText },
    /// `{"text": …}`: Slack, Mattermost, Google Chat.
    Slack,
    /// Text with a title, a priority and a link: ntfy.
    Ntfy,
}

/// A webhook.
#[derive(Debug, Clone)]
pub struct WebhookTarget {
    pub channel: ChannelName,
    pub url: SecretText,
    pub format: WebhookFormat,
    pub uses: ChannelUses,
}
