//! Staff accounts: names, and the lifetime of sessions and invitations.

use chrono::TimeDelta;

use crate::domain::audit::staff_actor;
use crate::domain::timestamp::Timestamp;

/// A session that is not used for this long expires.
const IDLE_LIFETIME: TimeDelta = TimeDelta::hours(12);
/// A session expires after this time, used or not.
const MAX_LIFETIME: TimeDelta = TimeDelta::days(7);

/// How long the link of an invitation is valid.
pub const INVITATION_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How long a code of the second factor is shown; one from before and one from after are accepted as well.
const TOTP_STEP_SECONDS: i64 = 30;

/// The name of an account: 1 to 32 of `a`–`z`, `0`–`9`, `.`, `_`, `-`, a letter or digit first.
/// Its actor in the audit log is `staff:<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName(String);

impl AccountName {
    pub const MAX_CHARS: usize = 32;
    /// What [`Self::parse`] accepts, for error messages.
    pub const RULE: &str =
        "1 to 32 of a-z, 0-9, dot, hyphen and underscore, with a letter or digit first";

    /// Parses a name in any case, as a phone's keyboard writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let is_alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let is_valid = (1..=Self::MAX_CHARS).contains(&name.len())
            && name.bytes().all(|b| is_alphanumeric(b) || b"._-".contains(&b))
            && name.bytes().next().is_some_and(is_alphanumeric);
        is_valid.then_some(Self(name))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The actor of this account in the audit log.
    #[must_use]
    pub fn actor(&self) -> String {
        staff_actor(&self.0)
    }
}

/// Whether a code's time step was used already, at `now` (Unix seconds). Where the last used step is later
/// than that of any code that is valid now, the clock was ahead when it was stored: it shows nothing.
#[must_use]
pub fn is_step_used(step: i64, last_used: i64, now: i64) -> bool {
    let newest_valid = now.div_euclid(TOTP_STEP_SECONDS) + 1;
    step <= last_used && last_used <= newest_valid
}

/// A session may be dated this much later than the clock: one that is set back must not end them all.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::days(1);

/// The times after which a live session was last used and created, and until which it was created: what is
/// dated in the future is of a clock that was wrong.
#[derive(Debug, Clone, Copy)]
pub struct SessionCutoffs {
    pub seen_after: Timestamp,
    pub created_after: Timestamp,
    pub created_until: Timestamp,
}

impl SessionCutoffs {
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            seen_after: now.saturating_sub(IDLE_LIFETIME),
            created_after: now.saturating_sub(MAX_LIFETIME),
            created_until: now.saturating_add(CLOCK_TOLERANCE),
        }
    }
}

/// When a session that is used now expires if it is not used again.
#[must_use]
pub fn expires_at(now: Timestamp, created_at_utc: Timestamp) -> Timestamp {
    now.saturating_add(IDLE_LIFETIME).min(created_at_utc.saturating_add(MAX_LIFETIME))
}
