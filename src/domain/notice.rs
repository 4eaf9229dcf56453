//! Notices: how staff hear of new leads.

use std::fmt;

use crate::domain::timestamp::Timestamp;

/// A channel: a recipient of mail, or a webhook. The name does not contain the address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(String);

impl ChannelName {
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How much of a lead a notice contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoticeContent {
    /// Service, time and a link.
    #[default]
    Minimal,
    /// The text of the lead as well.
    Full,
}

/// Whether a notice has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeState {
    Pending,
    Sent,
    GivenUp,
}

impl NoticeState {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::GivenUp];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::GivenUp => "given_up",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A notice of one channel: the leads whose arrival the audit rows after `after_seq` up to `through_seq` record.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The same in every attempt.
    pub id: String,
    pub channel: ChannelName,
    pub after_seq: i64,
    pub through_seq: i64,
    /// How many leads had arrived.
    pub leads: i64,
    pub created_at_utc: Timestamp,
    pub state: NoticeState,
    pub attempts: i64,
    pub next_try_at_utc: Timestamp,
    pub last_error: Option<String>,
}
