//! A channel: how it gathers leads, and how it sends a notice.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::timeout;

use crate::app::notices::mail::MailSender;
use crate::app::notices::message::{MessageStyle, NoticeMessage};
use crate::app::notices::send_error::SendError;
use crate::app::notices::settings::{NoticeSettings, NoticeTiming};
use crate::app::notices::webhook::WebhookSender;
use crate::domain::notice::ChannelName;
use crate::domain::notice_target::{ChannelUses, MailTarget, Recipient, WebhookTarget};

/// Leads of one notice, at most.
const MAX_GATHERED: usize = 1000;
/// How long a request with its answer may take.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(20);

/// A recipient of mail, or a webhook.
pub(crate) struct Channel {
    name: ChannelName,
    uses: ChannelUses,
    sender: ChannelSender,
    style: MessageStyle,
    timing: NoticeTiming,
}

enum ChannelSender {
    Mail(Box<MailSender>),
    Webhook(WebhookSender),
}

impl Channel {
    pub(crate) fn mail(
        target: &MailTarget,
        recipient: &Recipient,
        settings: &NoticeSettings,
    ) -> Self {
        let sender = MailSender::new(target, recipient);
        let sender = ChannelSender::Mail(Box::new(sender));
        Self::new(recipient.channel.clone(), recipient.uses, sender, settings)
    }

    pub(crate) fn webhook(target: &WebhookTarget, settings: &NoticeSettings) -> Self {
        let sender = WebhookSender::new(target);
        let sender = ChannelSender::Webhook(sender);
        Self::new(target.channel.clone(), target.uses, sender, settings)
    }

    fn new(
        name: ChannelName,
        uses: ChannelUses,
        sender: ChannelSender,
        settings: &NoticeSettings,
    ) -> Self {
        let style = MessageStyle {
            content: settings.content,
            language: settings.language,
            base_url: settings.base_url.clone(),
        };
        Self { name, uses, sender, style, timing: settings.timing }
    }

    pub(crate) fn name(&self) -> &ChannelName {
        &self.name
    }

    pub(crate) fn uses(&self) -> ChannelUses {
        self.uses
    }

    pub(crate) fn is_mail(&self) -> bool {
        matches!(self.sender, ChannelSender::Mail(_))
    }

    pub(crate) fn timing(&self) -> NoticeTiming {
        self.timing
    }

    /// How long after a notice the next one is created.
    pub(crate) fn interval(&self) -> TimeDelta {
        match &self.sender {
            ChannelSender::Mail(_) => self.timing.mail_interval,
            ChannelSender::Webhook(webhook) if webhook.is_single() => TimeDelta::zero(),
            ChannelSender::Webhook(_) => self.timing.chat_interval,
        }
    }

    /// How many leads one notice is for, at most.
    pub(crate) fn max_leads(&self) -> usize {
        match &self.sender {
            ChannelSender::Webhook(webhook) if webhook.is_single() => 1,
            _ => MAX_GATHERED,
        }
    }

    /// Sends a notice.
    pub(crate) async fn send(&self, message: &NoticeMessage) -> Result<(), SendError> {
        match &self.sender {
            ChannelSender::Mail(mail) => mail.send(message, &self.style).await,
            ChannelSender::Webhook(webhook) => {
                let sent = timeout(WEBHOOK_TIMEOUT, webhook.send(message, &self.style)).await;
                sent.unwrap_or_else(|_| Err(SendError::late(WEBHOOK_TIMEOUT)))
            }
        }
    }

    /// Sends a test of no lead.
    pub(crate) async fn send_test(&self) -> Result<(), SendError> {
        self.send(&NoticeMessage::test()).await
    }
}
