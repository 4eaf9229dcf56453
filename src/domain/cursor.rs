//! Where a lead stands in the list: by the moment at which it was stored, then by its audit row.

use std::fmt;

use chrono::DateTime;

use crate::domain::lead::Lead;
use crate::domain::timestamp::stamp;

/// A place in the list of leads; a later one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Since 1970, in microseconds.
    pub micros: i64,
    /// The place of its arrival in the audit log.
    pub seq: i64,
}

impl Cursor {
    /// Behind every lead: the last microsecond of the year 9999.
    pub const NEWEST: Self = Self { micros: 253_402_300_799_999_999, seq: i64::MAX };

    /// A lead's place. A moment that cannot be read, which no lead of ours has, stands first.
    #[must_use]
    pub fn of(lead: &Lead) -> Self {
        Self { micros: micros(&lead.created_at_utc).unwrap_or(0), seq: lead.audit_seq }
    }

    /// Reads what [`fmt::Display`] has written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, seq) = text.split_once('-')?;
        let number = |text: &str| text.parse().ok().filter(|n: &i64| *n >= 0);
        let place = Self { micros: number(micros)?, seq: number(seq)? };
        (place <= Self::NEWEST).then_some(place)
    }

    /// The moment as it is stored.
    #[must_use]
    pub fn moment(self) -> String {
        stamp(DateTime::from_timestamp_micros(self.micros).unwrap_or(DateTime::UNIX_EPOCH))
    }
}

/// A stored moment in microseconds since 1970.
#[must_use]
pub fn micros(moment: &str) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(moment).ok()?.timestamp_micros())
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.micros, self.seq)
    }
}
