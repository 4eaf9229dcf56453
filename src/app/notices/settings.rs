//! Where notices are sent, what they contain, and when.

use chrono::TimeDelta;

use crate::domain::language::Language;
use crate::domain::notice::NoticeContent;
use crate::domain::notice_target::{MailTarget, WebhookTarget};

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
