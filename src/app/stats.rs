//! Leads counted for the page's charts, by the days of a time zone.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::admin_state::AdminState;
use crate::domain::filter::Period;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::timestamp::stamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// More days or weeks than this are not told apart: the newest of them are told.
const MOST: usize = 1500;

/// A period that begins before the first lead shows no more of the time before it than this.
const LEAD_IN: TimeDelta = TimeDelta::days(366);

/// What is counted.
#[derive(Debug)]
pub struct StatsQuery {
    pub period: Period,
    pub by: Bucket,
    pub zone: Tz,
}

/// How long a step of the chart is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    Day,
    /// From Monday on.
    Week,
}

/// The stats as the page shows them.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeadStats {
    /// Oldest first, those without a lead too.
    pub series: Vec<TimeBucket>,
    pub by_service: Vec<ServiceCount>,
    pub by_status: Vec<StatusCount>,
    /// From a lead's arrival to the first time that its status was another than `received`.
    #[schema(required)]
    pub median_seconds_to_processing: Option<i64>,
    pub leads: i64,
}

/// A day or a week.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadsPer)]
pub struct TimeBucket {
    /// Its first day, such as `2026-01-31`.
    #[schema(format = Date)]
    pub start: String,
    pub leads: i64,
}

/// The leads of a service; of none, those that named none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadsOfService)]
pub struct ServiceCount {
    #[schema(required, value_type = Option<LeadService>)]
    pub service: Option<String>,
    pub leads: i64,
}

/// The leads of a status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadsOfStatus)]
pub struct StatusCount {
    #[schema(required, value_type = Option<LeadStatus>)]
    pub status: Option<String>,
    pub leads: i64,
}

/// Reads the name of a time zone, such as `Europe/Paris`.
#[must_use]
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// The names that [`zone`] reads.
pub fn zones() -> impl Iterator<Item = &'static str> {
    TZ_VARIANTS.iter().map(|zone| zone.name())
}

impl AdminState {
    /// Counts leads.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn stats(&self, asked: StatsQuery) -> Result<LeadStats, StoreError> {
        let now = self.clock().now();
        self.read(move |snapshot| stats(snapshot, &asked, now)).await
    }
}

fn stats(
    snapshot: &ReadTx<'_>,
    asked: &StatsQuery,
    now: DateTime<Utc>,
) -> Result<LeadStats, StoreError> {
    let period = &asked.period;
    let services = snapshot.by_service(period)?.into_iter();
    let statuses = snapshot.by_status(period)?.into_iter();
    Ok(LeadStats {
        series: series(snapshot, asked, now)?,
        by_service: services.map(|(service, leads)| ServiceCount { service, leads }).collect(),
        by_status: statuses.map(|(status, leads)| StatusCount { status, leads }).collect(),
        median_seconds_to_processing: median(snapshot.taken_up(period)?),
        leads: snapshot.leads_in(period)?,
    })
}

/// The steps from the first lead of the period, or the period's beginning, to its end or now: days
/// without a lead count in an average.
fn series(
    snapshot: &ReadTx<'_>,
    asked: &StatsQuery,
    now: DateTime<Utc>,
) -> Result<Vec<TimeBucket>, StoreError> {
    let Some((first, last)) = snapshot.extent(&asked.period)? else { return Ok(Vec::new()) };
    let (Some(first), Some(last)) = (moment(&first), moment(&last)) else { return Ok(Vec::new()) };
    let since = asked.period.since.as_deref().and_then(moment);
    let begin = since.map_or(first, |since| since.max(first - LEAD_IN));
    let begin = asked.by.step_of(begin.with_timezone(&asked.zone).date_naive());
    let until = asked.period.until.as_deref().and_then(moment);
    // The period ends before this moment. A lead may bear a later time than the clock shows.
    let end = until.map_or(now, |until| now.min(until - TimeDelta::microseconds(1))).max(last);
    let mut start = asked.by.step_of(end.with_timezone(&asked.zone).date_naive());
    let mut steps = Vec::new();
    while start >= begin && steps.len() < MOST {
        let next = start.checked_add_days(asked.by.length()).unwrap_or(NaiveDate::MAX);
        let within = Period {
            since: midnight(start, asked.zone).max(asked.period.since.clone()),
            until: earlier(midnight(next, asked.zone), asked.period.until.clone()),
        };
        steps.push(TimeBucket { start: start.to_string(), leads: snapshot.leads_in(&within)? });
        let Some(before) = start.checked_sub_days(asked.by.length()) else { break };
        start = before;
    }
    steps.reverse();
    Ok(steps)
}

impl Bucket {
    fn length(self) -> Days {
        Days::new(match self {
            Self::Day => 1,
            Self::Week => 7,
        })
    }

    /// The first day of the step that a day is in.
    fn step_of(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => {
                let since_monday = Days::new(day.weekday().num_days_from_monday().into());
                day.checked_sub_days(since_monday).unwrap_or(day)
            }
        }
    }
}

fn moment(stamp: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(stamp).ok()?.to_utc())
}

/// The first moment of a day: where the clocks are put forward at midnight, it begins later.
fn midnight(day: NaiveDate, zone: Tz) -> Option<String> {
    (0..24).find_map(|hour| {
        let local = day.and_hms_opt(hour, 0, 0)?;
        Some(stamp(zone.from_local_datetime(&local).earliest()?.to_utc()))
    })
}

fn earlier(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn median(waits: Vec<(String, String)>) -> Option<i64> {
    let seconds =
        |(from, to): (String, String)| Some((moment(&to)? - moment(&from)?).num_seconds());
    let mut waits: Vec<i64> = waits.into_iter().filter_map(seconds).collect();
    waits.sort_unstable();
    let middle = waits.len() / 2;
    match waits.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(waits[middle]),
        _ => Some(i64::midpoint(waits[middle - 1], waits[middle])),
    }
}
