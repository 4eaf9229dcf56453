//! Compares the clock with what the database has stored.

use std::path::Path;

use crate::app::status::finding::Finding;
use crate::app::status::thresholds::{self, Level};
use crate::clock::Clock;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;

/// Why leads must not be erased by their age now: the clock is too far from the newest audit row.
///
/// # Errors
/// The database cannot be read.
pub fn implausible(database: &Path, clock: &Clock) -> Result<Option<String>, StoreError> {
    let now = Timestamp::from(clock.now());
    let newest = ReadPool::open(database)?.read(|tx| tx.newest_row_at())?;
    let wrong = newest.filter(|newest| thresholds::is_clock_implausible(*newest, now));
    Ok(wrong.map(|newest| format!("the clock says {now}, and the newest audit row is of {newest}")))
}

/// Fails where leads, or what else has an age, must not be erased by it now.
///
/// # Errors
/// [`StoreError::ImplausibleClock`], or the database cannot be read.
pub(crate) fn require_plausible(database: &Path, clock: &Clock) -> Result<(), StoreError> {
    implausible(database, clock)?.map_or(Ok(()), |wrong| Err(StoreError::ImplausibleClock(wrong)))
}

/// The finding of `fastcore check`.
pub(crate) fn finding(database: &Path, clock: &Clock) -> Result<Finding, StoreError> {
    let now = Timestamp::from(clock.now());
    let (newest, latest) =
        ReadPool::open(database)?.read(|tx| Ok((tx.newest_row_at()?, tx.latest_moment()?)))?;
    if let (Level::Error, Some(newest)) = (thresholds::clock_level(newest, now), newest) {
        let detail = format!("it is behind the newest audit row, which is of {newest}");
        let hint = "set the clock (`timedatectl`) and keep it synchronised by NTP";
        return Ok(Finding::error("clock", detail, hint));
    }
    Ok(match latest.filter(|latest| thresholds::is_future(*latest, now)) {
        Some(latest) => {
            let detail = format!("rows are dated in the future, up to {latest}");
            let hint = "the clock was ahead when they were stored, or is behind now: `timedatectl`";
            Finding::warning("clock", detail, hint)
        }
        None => Finding::ok("clock", "it is not behind anything that is stored"),
    })
}
