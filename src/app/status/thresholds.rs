//! The limits by which `fastcore check`, the status page, `/metrics` and the alerts call something bad: one
//! definition for all.

use std::time::Duration;

use chrono::TimeDelta;
use serde::Serialize;

use crate::domain::timestamp::Timestamp;

pub(crate) const MIB: u64 = 1 << 20;

/// Less free disk space than this, beyond the reserve, is an error: leads will be refused before long.
const DISK_CRITICAL_BYTES: u64 = 128 * MIB;
/// Less free disk space than this is a warning; so is less than twice the size of the database,
/// which an upgrade and a backup need.
const DISK_LOW_BYTES: u64 = 512 * MIB;
/// A WAL from this size on is a warning. A server copies it into the database from 16 MiB on, unless
/// a reader keeps it from that.
const WAL_LARGE_BYTES: u64 = 256 * MIB;
/// The newest audit row may be this much later than the clock.
pub(crate) const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// A backup older than this is late where no schedule is configured.
const UNSCHEDULED_BACKUP_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// What comes at intervals, a backup or a canary, is late when it has missed its turn by another interval, at
/// least and at most this long.
const MIN_DELAY: Duration = Duration::from_secs(60);
const MAX_DELAY: Duration = Duration::from_secs(3600);
/// After this long without an audit row, the clock may be ahead: what depends on the age of leads asks.
const QUIET_PERIOD: TimeDelta = TimeDelta::days(31);

/// A notice that has waited for longer than this is late: mails of one recipient are two minutes apart.
const NOTICE_DELAY: TimeDelta = TimeDelta::minutes(15);
/// That a notice was given up is said for this long.
const GIVEN_UP_PERIOD: TimeDelta = TimeDelta::days(7);

/// More submissions without the right token than this in the period, and none with it, are those of the site.
/// Strangers try tokens too.
pub(crate) const REFUSED_TOKENS: u64 = 2;
pub(crate) const REFUSED_TOKEN_PERIOD: Duration = Duration::from_secs(30 * 60);
/// After so long without a refused submission, the next one is news.
pub(crate) const REFUSAL_PERIOD: TimeDelta = TimeDelta::hours(24);
/// That refused submissions were removed for want of room is said for this long.
const EVICTION_PERIOD: Duration = Duration::from_secs(24 * 3600);

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    /// Worth knowing; nothing is broken.
    Warning,
    Error,
}

/// The level of the free space on the database's disk.
pub(crate) fn disk_level(free_bytes: u64, database_bytes: u64, reserve_bytes: u64) -> Level {
    if free_bytes < reserve_bytes.saturating_add(DISK_CRITICAL_BYTES) {
        Level::Error
    } else if free_bytes < DISK_LOW_BYTES.max(database_bytes.saturating_mul(2)) {
        Level::Warning
    } else {
        Level::Ok
    }
}

/// The level of the size of the WAL.
pub(crate) fn wal_level(wal_bytes: u64) -> Level {
    if wal_bytes < WAL_LARGE_BYTES { Level::Ok } else { Level::Warning }
}

/// The level of the clock, compared with the newest audit row.
pub(crate) fn clock_level(newest_row: Option<Timestamp>, now: Timestamp) -> Level {
    let behind = newest_row.is_some_and(|newest| is_future(newest, now));
    if behind { Level::Error } else { Level::Ok }
}

/// Whether a stored time is later than the clock, beyond what clocks differ.
pub(crate) fn is_future(time: Timestamp, now: Timestamp) -> bool {
    time > now.saturating_add(CLOCK_TOLERANCE)
}

/// Whether the clock is too far from the newest audit row for leads to be erased by their age.
pub(crate) fn is_clock_implausible(newest_row: Timestamp, now: Timestamp) -> bool {
    is_future(newest_row, now) || newest_row.saturating_add(QUIET_PERIOD) < now
}

/// Whether a refused submission was removed so lately that it is to be said.
pub(crate) fn is_eviction_recent(last: Timestamp, now: Timestamp) -> bool {
    !is_older(last, EVICTION_PERIOD, now)
}

/// Whether a notice that was created at this time and has not been sent is late.
pub(crate) fn is_notice_late(created_at: Timestamp, now: Timestamp) -> bool {
    created_at < late_notices_before(now)
}

/// A notice that was created before this time and has not been sent is late.
pub(crate) fn late_notices_before(now: Timestamp) -> Timestamp {
    now.saturating_sub(NOTICE_DELAY)
}

/// A notice that was given up before this time is no longer trouble.
pub(crate) fn given_up_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(GIVEN_UP_PERIOD)
}

/// The level of a backup that is missing or late: with a schedule, the server should have taken it.
pub(crate) fn missing_backup_level(interval: Option<Duration>) -> Level {
    if interval.is_some() { Level::Error } else { Level::Warning }
}

/// Whether a backup of this time is late. `interval` is that of the schedule, if there is one.
pub(crate) fn is_backup_late(
    taken_at: Timestamp,
    interval: Option<Duration>,
    now: Timestamp,
) -> bool {
    is_older(taken_at, interval.map_or(UNSCHEDULED_BACKUP_AGE, with_delay), now)
}

/// Whether another canary should have come since the one of this time.
pub(crate) fn is_canary_late(last: Timestamp, interval: Duration, now: Timestamp) -> bool {
    is_older(last, with_delay(interval), now)
}

fn with_delay(interval: Duration) -> Duration {
    interval.saturating_add(interval.clamp(MIN_DELAY, MAX_DELAY))
}

fn is_older(time: Timestamp, age: Duration, now: Timestamp) -> bool {
    (now.to_datetime() - time.to_datetime()).to_std().is_ok_and(|actual| actual > age)
}
