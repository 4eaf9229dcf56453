//! Which rows a list or an export takes.

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::domain::cursor::Cursor;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::search_terms::SearchTerms;
use crate::domain::timestamp::stamp;

/// The beginning of the year 0 in microseconds since 1970.
const YEAR_0: i64 = -62_167_219_200_000_000;

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
    pub service: Option<LeadService>,
    pub status: Option<LeadStatus>,
    pub words: Option<SearchTerms>,
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
    Some(bound(DateTime::parse_from_rfc3339(text).ok()?.to_utc()))
}

/// A moment as text that sorts by time, which only the years of four digits do; no row has others.
fn bound(moment: DateTime<Utc>) -> String {
    let micros = moment.timestamp_micros().clamp(YEAR_0, Cursor::NEWEST.micros);
    stamp(DateTime::from_timestamp_micros(micros).unwrap_or(moment))
}

fn day_start(day: NaiveDate) -> Option<String> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    Some(bound(DateTime::from_naive_utc_and_offset(midnight, Utc)))
}
