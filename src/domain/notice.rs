//! Notices: how staff hear of new leads, and the operator of trouble.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::domain::alert::AlertNotice;
use crate::domain::digest::Digest;
use crate::domain::timestamp::Timestamp;

/// A channel: a recipient of mail, or a webhook. The name does not contain the address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(String);

impl ChannelName {
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// A name that does not change while the target stays the same, and does not contain it.
    #[must_use]
    pub fn of(kind: &str, target: &str) -> Self {
        let hash = Sha256::digest(target);
        let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{kind}-{hash}"))
    }

    /// What it begins with: `mail`, or the format of a webhook.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
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

/// What a notice is about.
#[derive(Debug, Clone)]
pub enum NoticeSubject {
    /// The leads whose arrival the audit rows after `after_seq` up to `through_seq` record.
    Leads,
    Alert(AlertNotice),
    Digest(Digest),
}

impl NoticeSubject {
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Alert(_) => "alert",
            Self::Digest(_) => "digest",
        }
    }
}

/// A notice of one channel.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The same in every attempt.
    pub id: String,
    pub channel: ChannelName,
    pub subject: NoticeSubject,
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

/// What became of the announcement of a lead in one channel.
#[derive(Debug, Clone)]
pub struct LeadNotice {
    pub channel: ChannelName,
    /// Whether the channel's receiver wants nothing more.
    pub has_ended: bool,
    /// `None` while it is still to be created.
    pub notice: Option<Notice>,
}

/// A channel, and what has not reached its receiver.
#[derive(Debug, Clone)]
pub struct ChannelState {
    pub channel: ChannelName,
    /// Whether the receiver wants nothing more.
    pub has_ended: bool,
    pub pending: i64,
    /// When the oldest pending notice was created.
    pub waiting_since_utc: Option<Timestamp>,
    pub given_up: i64,
    pub last_sent_at_utc: Option<Timestamp>,
    /// Of what was not sent.
    pub last_error: Option<String>,
}
