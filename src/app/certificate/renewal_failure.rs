//! Why a certificate could not be got from its authority, and when the next attempt is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::timestamp::Timestamp;

/// The last attempt, where it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalFailure {
    pub failed_at: DateTime<Utc>,
    /// Attempts since the last that succeeded.
    pub failures: u32,
    pub error: String,
    pub next_attempt_at: DateTime<Utc>,
}

/// The form in a file.
#[derive(Serialize, Deserialize)]
struct Stored {
    failed_at: String,
    failures: u32,
    error: String,
    next_attempt_at: String,
}

impl RenewalFailure {
    /// The failure in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { failed_at, failures, error, next_attempt_at } = self;
        let (failed_at, next) = (minute(*failed_at), minute(*next_attempt_at));
        format!("attempt {failures} failed on {failed_at}, the next is on {next}: {error}")
    }

    pub(crate) fn to_json(&self) -> String {
        let stored = Stored {
            failed_at: Timestamp::from(self.failed_at).to_string(),
            failures: self.failures,
            error: self.error.clone(),
            next_attempt_at: Timestamp::from(self.next_attempt_at).to_string(),
        };
        serde_json::to_string_pretty(&stored).unwrap_or_default()
    }

    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let stored: Stored = serde_json::from_str(text).ok()?;
        let time = |text: &str| Timestamp::parse_rfc3339(text).map(DateTime::from);
        Some(Self {
            failed_at: time(&stored.failed_at)?,
            failures: stored.failures,
            error: stored.error,
            next_attempt_at: time(&stored.next_attempt_at)?,
        })
    }
}

fn minute(time: DateTime<Utc>) -> impl std::fmt::Display {
    time.format("%Y-%m-%d %H:%M UTC")
}
