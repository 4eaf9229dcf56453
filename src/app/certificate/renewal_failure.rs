//! Why a certificate could not be got from its authority, and when the next attempt is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::timestamp::Timestamp;

/// The last attempt, where it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalFailure {
    /// The host names of the certificate that was ordered.
    pub domains: Vec<String>,
    pub failed_at: DateTime<Utc>,
    /// Attempts since the last that succeeded.
    pub failures: u32,
    pub error: String,
    pub next_attempt_at: DateTime<Utc>,
}

/// The form in a file.
#[derive(Serialize, Deserialize)]
struct Stored {
    domains: Vec<String>,
    failed_at: String,
    failures: u32,
    error: String,
    next_attempt_at: String,
}

impl RenewalFailure {
    /// The failure in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { failed_at, failures, error, next_attempt_at, .. } = self;
        let (failed_at, next) = (minute(*failed_at), minute(*next_attempt_at));
        format!("attempt {failures} failed on {failed_at}, the next is on {next}: {error}")
    }

    /// How long there is to wait for the next attempt; never longer than there was after the failure, since the clock
    /// may have been set since.
    #[must_use]
    pub fn wait(&self, now: DateTime<Utc>) -> Duration {
        let wait = (self.next_attempt_at - now).min(self.next_attempt_at - self.failed_at);
        wait.to_std().unwrap_or_default()
    }

    pub(crate) fn to_json(&self) -> String {
        let stored = Stored {
            domains: self.domains.clone(),
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
            domains: stored.domains,
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_clock_that_was_set_back_made_the_next_attempt_wait_for_a_year() {
        let at = |minutes: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let failure = RenewalFailure {
            domains: vec!["leads.example.com".to_owned()],
            failed_at: at(100),
            failures: 1,
            error: "down".to_owned(),
            next_attempt_at: at(110),
        };
        let wait = |now: i64| failure.wait(at(now)).as_secs() / 60;
        assert_eq!([wait(100), wait(107), wait(110), wait(500)], [10, 3, 0, 0]);
        assert_eq!(wait(-500_000), 10);
        assert_eq!(RenewalFailure::from_json(&failure.to_json()), Some(failure));
        for damaged in ["", "{}", "[]", r#"{"failed_at": "soon"}"#] {
            assert_eq!(RenewalFailure::from_json(damaged), None);
        }
    }
}
