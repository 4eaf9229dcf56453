//! The limits by which `fastcore check` and the status page call something bad: one definition for
//! both.

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
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// A backup older than this is late where no schedule is configured.
const UNSCHEDULED_BACKUP_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// With a schedule, a backup is late when it has missed its turn by another interval, at least and at most
/// this long.
const MIN_BACKUP_DELAY: Duration = Duration::from_secs(60);
const MAX_BACKUP_DELAY: Duration = Duration::from_secs(3600);
/// After this long without an audit row, the clock may be ahead: what depends on the age of leads asks.
const QUIET_PERIOD: TimeDelta = TimeDelta::days(31);

/// A notice that has waited for longer than this is late: mails of one recipient are two minutes apart.
const NOTICE_DELAY: TimeDelta = TimeDelta::minutes(15);

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

/// Whether a notice that was created at this time and has not been sent is late.
pub(crate) fn is_notice_late(created_at: Timestamp, now: Timestamp) -> bool {
    created_at.saturating_add(NOTICE_DELAY) < now
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
    let limit = interval.map_or(UNSCHEDULED_BACKUP_AGE, |every| {
        every + every.clamp(MIN_BACKUP_DELAY, MAX_BACKUP_DELAY)
    });
    (now.to_datetime() - taken_at.to_datetime()).to_std().is_ok_and(|age| age > limit)
}
