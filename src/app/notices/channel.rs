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
use crate::domain::notice_target::{MailTarget, Recipient, WebhookTarget};

/// Leads of one notice, at most.
const MAX_GATHERED: usize = 1000;
/// How long sending may take, all of it.
const MAIL_TIMEOUT: Duration = Duration::from_secs(60);
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(20);

/// A recipient of mail, or a webhook.
pub(crate) struct Channel {
    name: ChannelName,
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
        Self::new(recipient.channel.clone(), ChannelSender::Mail(Box::new(sender)), settings)
    }

    pub(crate) fn webhook(target: &WebhookTarget, settings: &NoticeSettings) -> Self {
        let sender = WebhookSender::new(target);
        Self::new(target.channel.clone(), ChannelSender::Webhook(sender), settings)
    }

    fn new(name: ChannelName, sender: ChannelSender, settings: &NoticeSettings) -> Self {
        let style = MessageStyle {
            content: settings.content,
            language: settings.language,
            base_url: settings.base_url.clone(),
        };
        Self { name, sender, style, timing: settings.timing }
    }

    pub(crate) fn name(&self) -> &ChannelName {
        &self.name
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
        let (limit, sent) = match &self.sender {
            ChannelSender::Mail(mail) => {
                (MAIL_TIMEOUT, timeout(MAIL_TIMEOUT, mail.send(message, &self.style)).await)
            }
            ChannelSender::Webhook(webhook) => (
                WEBHOOK_TIMEOUT,
                timeout(WEBHOOK_TIMEOUT, webhook.send(message, &self.style)).await,
            ),
        };
        let late = || format!("no answer within {} s", limit.as_secs());
        sent.unwrap_or_else(|_| Err(SendError::unavailable(late())))
    }

    /// Sends a test of no lead.
    pub(crate) async fn send_test(&self) -> Result<(), SendError> {
        self.send(&NoticeMessage::test()).await
    }
}
