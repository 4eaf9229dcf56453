//! Points in time: the one stored text form, and parsers for the forms that others write.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Days, NaiveDate, NaiveDateTime, SecondsFormat, SubsecRound, TimeDelta, Utc,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A point in time in UTC with microseconds, of the years 0 to 9999.
///
/// Its text form is RFC 3339 with six digits and `Z` (`2026-01-03T10:30:45.123456Z`), always 27
/// characters, so that the order of texts is the order of time. It is what the database stores, what
/// JSON and exports show, and what hashes are computed over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

/// A text is not a stored timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a timestamp such as 2026-01-03T10:30:45.123456Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The first microsecond of the year 0.
    pub const MIN: Self = Self::at_micros(-62_167_219_200_000_000);
    /// The last microsecond of the year 9999.
    pub const MAX: Self = Self::at_micros(253_402_300_799_999_999);

    const fn at_micros(micros: i64) -> Self {
        match DateTime::from_timestamp_micros(micros) {
            Some(time) => Self(time),
            None => Self(DateTime::UNIX_EPOCH),
        }
    }

    /// From microseconds since 1970; values out of range become [`Self::MIN`] or [`Self::MAX`].
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self::at_micros(micros.clamp(Self::MIN.micros(), Self::MAX.micros()))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        self.0
    }

    /// Later by `delta`, at most [`Self::MAX`] and at least [`Self::MIN`].
    #[must_use]
    pub fn saturating_add(self, delta: TimeDelta) -> Self {
        let limit = if delta < TimeDelta::zero() { Self::MIN } else { Self::MAX };
        self.0.checked_add_signed(delta).map_or(limit, Self::from)
    }

    /// Earlier by `delta`, at most [`Self::MAX`] and at least [`Self::MIN`].
    #[must_use]
    pub fn saturating_sub(self, delta: TimeDelta) -> Self {
        self.saturating_add(-delta)
    }

    /// Parses any RFC 3339 date and time. Digits beyond microseconds are cut off.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc().into())
    }

    /// Parses a time as PostgreSQL writes it (`2026-01-03 10:30:45.123456+00`, in JSON with a `T`).
    /// Without an offset it is UTC. Only the years 1 to 9999 are accepted.
    #[must_use]
    pub fn parse_postgres(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            return None;
        }
        let spaced = text.replacen(['T', 't'], " ", 1);
        // PostgreSQL omits the minutes of an offset when they are zero.
        let time = DateTime::parse_from_str(&spaced, "%Y-%m-%d %H:%M:%S%.f%#z")
            .map(|time| time.to_utc())
            .or_else(|_| DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()))
            .or_else(|_| {
                NaiveDateTime::parse_from_str(&spaced, "%Y-%m-%d %H:%M:%S%.f")
                    .map(|time| time.and_utc())
            })
            .ok()?;
        (1..=9999).contains(&chrono::Datelike::year(&time)).then(|| time.into())
    }

    /// Parses a day such as `2026-01-31` and returns its first microsecond in UTC.
    #[must_use]
    pub fn parse_day_start(text: &str) -> Option<Self> {
        Some(Self::day_start(text.parse().ok()?))
    }

    /// Parses a day such as `2026-01-31` and returns the first microsecond of the day after it.
    #[must_use]
    pub fn parse_day_end(text: &str) -> Option<Self> {
        let day: NaiveDate = text.parse().ok()?;
        Some(Self::day_start(day.checked_add_days(Days::new(1))?))
    }

    fn day_start(day: NaiveDate) -> Self {
        day.and_time(chrono::NaiveTime::MIN).and_utc().into()
    }
}

/// Cuts off what is finer than a microsecond; years out of range become the nearest limit.
impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(6)).clamp(Self::MIN, Self::MAX)
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

/// Accepts the stored form alone.
impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        // A leap second is the one time whose microseconds since 1970 are those of another.
        let time = Self::parse_rfc3339(text).ok_or(InvalidTimestamp)?;
        if time.to_string() == text { Ok(time) } else { Err(InvalidTimestamp) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn only_the_stored_form_is_parsed_and_comes_back_the_same() {
        for text in [
            "2026-01-03T10:30:45.123456Z",
            "0000-01-01T00:00:00.000000Z",
            "9999-12-31T23:59:59.999999Z",
            "2016-12-31T23:59:60.000000Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().map(|t| t.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "",
            "2026-01-03",
            "2026-01-03T10:30:45Z",
            "2026-01-03T10:30:45.123Z",
            "2026-01-03T10:30:45.1234567Z",
            "2026-01-03t10:30:45.123456z",
            "2026-01-03 10:30:45.123456Z",
            "2026-01-03T10:30:45.123456+00:00",
            "2026-13-03T10:30:45.123456Z",
            "+10000-01-01T00:00:00.00000Z",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxZ",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_out_of_range_becomes_the_nearest_limit() {
        use chrono::{DateTime, TimeDelta, Utc};
        assert_eq!(Timestamp::from(DateTime::<Utc>::MAX_UTC), Timestamp::MAX);
        assert_eq!(Timestamp::from(DateTime::<Utc>::MIN_UTC), Timestamp::MIN);
        assert_eq!(Timestamp::from_micros(i64::MIN), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.saturating_add(TimeDelta::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.saturating_sub(TimeDelta::MAX), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000000Z");
    }
}
