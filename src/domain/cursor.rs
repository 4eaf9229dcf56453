//! Where a lead stands in the list: by the moment at which it was stored, then by its audit row.

use std::fmt;

use crate::domain::lead::Lead;
use crate::domain::timestamp::Timestamp;

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
    pub const NEWEST: Self = Self { micros: Timestamp::MAX.micros(), seq: i64::MAX };

    /// A lead's place.
    #[must_use]
    pub fn of(lead: &Lead) -> Self {
        Self { micros: lead.created_at_utc.micros(), seq: lead.audit_seq }
    }

    /// Reads what [`fmt::Display`] has written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, seq) = text.split_once('-')?;
        let number = |text: &str| text.parse().ok().filter(|n: &i64| *n >= 0);
        let place = Self { micros: number(micros)?, seq: number(seq)? };
        (place <= Self::NEWEST).then_some(place)
    }

    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_micros(self.micros)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.micros, self.seq)
    }
}
