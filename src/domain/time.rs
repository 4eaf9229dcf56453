//! The one text form of a stored moment.

use chrono::{DateTime, SecondsFormat, Utc};

/// RFC 3339 in UTC with microseconds and `Z`: always 27 characters, so that text order is time order.
#[must_use]
pub fn stamp(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}
