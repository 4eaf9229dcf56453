//! Counts leads for the admin page's charts, by the days of a time zone.

use chrono::{Datelike, Days, NaiveDate, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::app::db::Db;
use crate::app::status::thresholds;
use crate::domain::filter::Period;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// Buckets of one series at most: the newest of them are returned.
const MAX_BUCKETS: usize = 1500;

/// A series begins no earlier than this before the first lead.
const LEAD_IN: TimeDelta = TimeDelta::days(366);

/// What is counted.
#[derive(Debug)]
pub struct StatsQuery {
    pub period: Period,
    pub by: Bucket,
    pub zone: Tz,
}

/// The length of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    Day,
    /// From Monday to Sunday.
    Week,
}

/// Counts of leads over a period.
#[derive(Debug)]
pub struct LeadStats {
    /// Oldest first, with empty buckets.
    pub series: Vec<TimeBucket>,
    pub by_service: Vec<ServiceCount>,
    pub by_status: Vec<StatusCount>,
    /// From a lead's arrival to its first change of status.
    pub median_seconds_to_processing: Option<i64>,
    pub leads: i64,
    /// The same for the time before, if the period has a beginning that has passed.
    pub previous: Option<PreviousPeriod>,
}

/// The time before a period, as long as what has passed of the period.
#[derive(Debug)]
pub struct PreviousPeriod {
    pub since: Timestamp,
    pub leads: i64,
    pub median_seconds_to_processing: Option<i64>,
}

/// A day or a week.
#[derive(Debug)]
pub struct TimeBucket {
    /// Its first day, such as `2026-01-31`.
    pub start: String,
    pub leads: i64,
}

/// The leads of a service; `None` counts those that name none.
#[derive(Debug)]
pub struct ServiceCount {
    pub service: Option<LeadService>,
    pub leads: i64,
}

/// The leads of a status.
#[derive(Debug)]
pub struct StatusCount {
    pub status: Option<LeadStatus>,
    pub leads: i64,
}

/// Reads the name of a time zone, such as `Europe/Paris`.
#[must_use]
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// Counts leads.
///
/// # Errors
/// The database cannot be read.
pub async fn count(db: &Db, query: StatsQuery) -> Result<LeadStats, StoreError> {
    let now = db.clock().now().into();
    db.read(move |tx| stats(tx, &query, now)).await
}

fn stats(tx: &ReadTx<'_>, query: &StatsQuery, now: Timestamp) -> Result<LeadStats, StoreError> {
    let period = &query.period;
    let services = tx.by_service(period)?.into_iter();
    let statuses = tx.by_status(period)?.into_iter();
    Ok(LeadStats {
        series: series(tx, query, now)?,
        by_service: services.map(|(service, leads)| ServiceCount { service, leads }).collect(),
        by_status: statuses
            .map(|(status, leads)| StatusCount { status: Some(status), leads })
            .collect(),
        median_seconds_to_processing: median(tx.seconds_to_processing(period)?),
        leads: tx.leads_in(period)?,
        previous: previous(tx, period, now)?,
    })
}

fn previous(
    tx: &ReadTx<'_>,
    period: &Period,
    now: Timestamp,
) -> Result<Option<PreviousPeriod>, StoreError> {
    let Some(begin) = period.since.filter(|since| *since < now) else { return Ok(None) };
    let end = period.until.map_or(now, |until| until.min(now));
    let length = end.to_datetime() - begin.to_datetime();
    if length <= TimeDelta::zero() {
        return Ok(None);
    }
    let since = begin.saturating_sub(length);
    let before = Period { since: Some(since), until: Some(begin) };
    Ok(Some(PreviousPeriod {
        since,
        leads: tx.leads_in(&before)?,
        median_seconds_to_processing: median(tx.seconds_to_processing(&before)?),
    }))
}

/// The buckets from the first lead of the period, or the period's beginning, to its end or now.
/// Empty ones are included: they count in an average. Those between now and a lead of the future, which a
/// wrong clock has dated, are not.
fn series(
    tx: &ReadTx<'_>,
    query: &StatsQuery,
    now: Timestamp,
) -> Result<Vec<TimeBucket>, StoreError> {
    let Some((first, last)) = tx.time_range(&query.period)? else { return Ok(Vec::new()) };
    let day_of = |time: Timestamp| time.to_datetime().with_timezone(&query.zone).date_naive();
    let Period { since, until } = query.period;
    let begin = since.map_or(first, |since| since.max(first.saturating_sub(LEAD_IN)));
    let begin = query.by.first_day(day_of(begin));
    // `until` is exclusive. A lead's time may be a little later than the clock's.
    let last = if thresholds::is_future(last, now) { now } else { last };
    let before = |time: Timestamp| time.saturating_sub(TimeDelta::microseconds(1));
    let end = until.map_or(now, |until| now.min(before(until))).max(last);
    let mut start = query.by.first_day(day_of(end));
    let mut buckets = Vec::new();
    while start >= begin && buckets.len() < MAX_BUCKETS {
        let next = start.checked_add_days(query.by.length()).unwrap_or(NaiveDate::MAX);
        let within = Period {
            since: midnight(start, query.zone).max(since),
            until: earlier(midnight(next, query.zone), until),
        };
        buckets.push(TimeBucket { start: start.to_string(), leads: tx.leads_in(&within)? });
        let Some(before) = start.checked_sub_days(query.by.length()) else { break };
        start = before;
    }
    buckets.reverse();
    Ok(buckets)
}

impl Bucket {
    fn length(self) -> Days {
        Days::new(match self {
            Self::Day => 1,
            Self::Week => 7,
        })
    }

    /// The first day of the bucket that contains a day.
    fn first_day(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => {
                let since_monday = Days::new(day.weekday().num_days_from_monday().into());
                day.checked_sub_days(since_monday).unwrap_or(day)
            }
        }
    }
}

/// The start of a day, which is after midnight where the clocks go forward at midnight.
fn midnight(day: NaiveDate, zone: Tz) -> Option<Timestamp> {
    (0..24).find_map(|hour| {
        let local = day.and_hms_opt(hour, 0, 0)?;
        Some(zone.from_local_datetime(&local).earliest()?.to_utc().into())
    })
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn median(mut waits: Vec<i64>) -> Option<i64> {
    waits.sort_unstable();
    let middle = waits.len() / 2;
    match waits.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(waits[middle]),
        _ => Some(i64::midpoint(waits[middle - 1], waits[middle])),
    }
}
