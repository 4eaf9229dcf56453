//! Where notices are sent, what they contain, and when.

use std::time::Duration;

use chrono::{NaiveTime, TimeDelta};

use crate::domain::language::Language;
use crate::domain::notice::NoticeContent;
use crate::domain::notice_target::{MailTarget, WebhookTarget};
use crate::domain::silence::SilenceRule;

/// Where notices are sent and what they contain.
#[derive(Debug, Clone, Default)]
pub struct NoticeSettings {
    pub mail: Option<MailTarget>,
    pub webhooks: Vec<WebhookTarget>,
    pub content: NoticeContent,
    pub language: Language,
    /// The URL of the server for links, without a trailing slash.
    pub base_url: String,
    pub timing: NoticeTiming,
    pub alerts: AlertTiming,
    /// When it is trouble that no lead comes.
    pub silence: Option<SilenceRule>,
    /// When the morning mail is made, in the company's time zone.
    pub digest_at: Option<NaiveTime>,
}

/// When the operator is told of an alert.
#[derive(Debug, Clone, Copy)]
pub struct AlertTiming {
    /// How often the server looks.
    pub check_interval: Duration,
    /// How often it looks for the last lead, at most.
    pub silence_interval: Duration,
    /// How long trouble lasts before it is told, and is over before that is told.
    pub begin_after: Duration,
    pub end_after: Duration,
    /// How long after an event, such as a log line that was dropped, it still counts as trouble.
    pub recent: Duration,
}

impl Default for AlertTiming {
    fn default() -> Self {
        Self {
            check_interval: Duration::from_secs(10),
            silence_interval: Duration::from_secs(60),
            begin_after: Duration::from_secs(30),
            end_after: Duration::from_secs(600),
            recent: Duration::from_secs(24 * 3600),
        }
    }
}

/// When notices are sent, and again.
#[derive(Debug, Clone, Copy)]
pub struct NoticeTiming {
    /// At most one mail in this time for each recipient: what comes meanwhile is gathered into the next one.
    pub mail_interval: TimeDelta,
    /// The same for a chat, which shows a line for each notice.
    pub chat_interval: TimeDelta,
    /// The pause after the first failed attempt; each further one is twice as long, up to an hour.
    pub first_backoff: TimeDelta,
    /// A notice that fails for this long is given up.
    pub give_up_after: TimeDelta,
}

impl Default for NoticeTiming {
    fn default() -> Self {
        Self {
            mail_interval: TimeDelta::seconds(120),
            chat_interval: TimeDelta::seconds(20),
            first_backoff: TimeDelta::seconds(30),
            give_up_after: TimeDelta::hours(24),
        }
    }
}
