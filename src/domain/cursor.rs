//! The cursor of keyset pagination: a place in the list of leads, by the time at which the lead was stored,
//! then by its audit row.

use std::fmt;

use crate::domain::lead::Lead;
use crate::domain::timestamp::Timestamp;

/// A place in the list of leads; a later one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Microseconds since 1970.
    pub micros: i64,
    /// The `seq` of the audit row of the lead's arrival.
    pub seq: i64,
}

impl Cursor {
    /// After every lead.
    pub const NEWEST: Self = Self { micros: Timestamp::MAX.micros(), seq: i64::MAX };

    /// Before every lead.
    pub const OLDEST: Self = Self { micros: Timestamp::MIN.micros(), seq: 0 };

    /// The place of a lead.
    #[must_use]
    pub fn of(lead: &Lead) -> Self {
        Self { micros: lead.created_at_utc.micros(), seq: lead.audit_seq }
    }

    /// Parses what [`fmt::Display`] writes.
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
