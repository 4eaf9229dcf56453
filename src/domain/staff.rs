//! Who may sign in: names, passwords, and how long a session lasts.

use std::fmt;

use chrono::TimeDelta;
use unicode_normalization::UnicodeNormalization;

use crate::domain::audit::staff_actor;
use crate::domain::timestamp::Timestamp;

/// A session that is not used for this long has ended.
const IDLE: TimeDelta = TimeDelta::hours(12);
/// Used or not, no session lasts longer than this.
const LONGEST: TimeDelta = TimeDelta::days(7);

/// The name of an account: 1 to 32 of `a`–`z`, `0`–`9`, `.`, `_`, `-`, a letter or digit first.
/// It stands in the audit log as `staff:<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName(String);

impl AccountName {
    /// Characters at most.
    pub const MOST: usize = 32;
    /// What [`Self::parse`] accepts, for a person.
    pub const RULE: &str =
        "1 to 32 of a-z, 0-9, dot, hyphen and underscore, with a letter or digit first";

    /// Reads a name in any case, as a phone's keyboard writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = (1..=Self::MOST).contains(&name.len())
            && name.bytes().all(|b| plain(b) || b"._-".contains(&b))
            && name.bytes().next().is_some_and(plain);
        fits.then_some(Self(name))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the audit log names who did something.
    #[must_use]
    pub fn actor(&self) -> String {
        staff_actor(&self.0)
    }
}

/// A password, in the one form that Unicode has for what was typed (NFKC): the same keys on a
/// phone and on a state give the same bytes. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Characters at least.
    pub const LEAST: usize = 12;
    /// Bytes at most.
    pub const MOST: usize = 256;
    /// What [`Self::parse`] accepts, for a person.
    pub const RULE: &str =
        "at least 12 characters and at most 256 bytes; what they are is up to you";

    /// A password that may be set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let password = Self::from_input(text);
        let long = password.0.chars().count() >= Self::LEAST && password.0.len() <= Self::MOST;
        long.then_some(password)
    }

    /// A password that somebody tries.
    #[must_use]
    pub fn from_input(text: &str) -> Self {
        Self(text.nfkc().collect())
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The times after which a live session was last used and created.
#[derive(Debug, Clone, Copy)]
pub struct SessionCutoffs {
    pub seen_after: Timestamp,
    pub created_after: Timestamp,
}

impl SessionCutoffs {
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { seen_after: now.saturating_sub(IDLE), created_after: now.saturating_sub(LONGEST) }
    }
}

/// When a session that is used now expires if it is not used again.
#[must_use]
pub fn expires_at(now: Timestamp, created_at_utc: Timestamp) -> Timestamp {
    now.saturating_add(IDLE).min(created_at_utc.saturating_add(LONGEST))
}
