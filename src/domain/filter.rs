//! Which rows a list or an export takes.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::lead::Service;
use super::search::Words;
use super::status::Status;
use super::time::stamp;

/// A stretch of time as stored text: from `since` on, up to but without `until`.
#[derive(Debug, Clone, Default)]
pub struct Period {
    pub since: Option<String>,
    pub until: Option<String>,
}

/// Which leads; every condition that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct LeadFilter {
    pub period: Period,
    pub service: Option<Service>,
    pub status: Option<Status>,
    pub words: Option<Words>,
}

/// Reads the beginning of a period: RFC 3339, or a day (in UTC) from its first moment.
#[must_use]
pub fn since(text: &str) -> Option<String> {
    moment(text).or_else(|| day_start(text.parse().ok()?))
}

/// Reads the end of a period: RFC 3339, itself not in the period, or a day (in UTC), the whole
/// of it within.
#[must_use]
pub fn until(text: &str) -> Option<String> {
    let day = || text.parse::<NaiveDate>().ok()?.checked_add_days(Days::new(1));
    moment(text).or_else(|| day_start(day()?))
}

fn moment(text: &str) -> Option<String> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    Some(stamp(moment.to_utc()))
}

fn day_start(day: NaiveDate) -> Option<String> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    Some(stamp(DateTime::<Utc>::from_naive_utc_and_offset(midnight, Utc)))
}
