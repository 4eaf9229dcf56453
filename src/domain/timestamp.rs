//! The one text form of a stored moment, and how moments of elsewhere are read.

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, Utc};

/// RFC 3339 in UTC with microseconds and `Z`: always 27 characters, so that text order is time order.
#[must_use]
pub fn stamp(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A moment as PostgreSQL writes it (`2026-01-03 10:30:45.123456+00`, and with a `T` in JSON), as
/// it is stored. Without an offset it is UTC.
#[must_use]
pub fn of_postgres(text: &str) -> Option<String> {
    if !text.is_ascii() {
        return None;
    }
    let spaced = text.replacen(['T', 't'], " ", 1);
    // PostgreSQL leaves the minutes of an offset out where there are none.
    let moment = DateTime::parse_from_str(&spaced, "%Y-%m-%d %H:%M:%S%.f%#z").map(|m| m.to_utc());
    let moment = moment
        .or_else(|_| DateTime::parse_from_rfc3339(text).map(|m| m.to_utc()))
        .or_else(|_| {
            NaiveDateTime::parse_from_str(&spaced, "%Y-%m-%d %H:%M:%S%.f").map(|m| m.and_utc())
        })
        .ok()?;
    (1..=9999).contains(&moment.year()).then(|| stamp(moment))
}
