//! Compares the clock with what the database has stored.

use std::path::Path;

use crate::app::status::finding::Finding;
use crate::app::status::thresholds::{self, Level};
use crate::clock::Clock;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query::AuditFilter;
use crate::store::error::StoreError;
use crate::store::read::{ReadPool, ReadTx};

/// Why leads must not be erased by their age now: the clock is too far from the newest audit row.
///
/// # Errors
/// The database cannot be read.
pub fn implausible(database: &Path, clock: &Clock) -> Result<Option<String>, StoreError> {
    let now = Timestamp::from(clock.now());
    let newest = ReadPool::open(database)?.read(newest_row)?;
    let wrong = newest.filter(|newest| thresholds::is_clock_implausible(*newest, now));
    Ok(wrong.map(|newest| format!("the clock says {now}, and the newest audit row is of {newest}")))
}

/// The finding of `fastcore check`.
pub(crate) fn finding(database: &Path, clock: &Clock) -> Result<Finding, StoreError> {
    let now = Timestamp::from(clock.now());
    let (newest, latest) =
        ReadPool::open(database)?.read(|tx| Ok((newest_row(tx)?, tx.latest_moment()?)))?;
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

/// The time of the audit row that was stored last.
fn newest_row(tx: &ReadTx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let newest = tx.audit_page(&AuditFilter::default(), None, 1)?;
    Ok(newest.first().and_then(|row| row.created_at_utc.known()))
}
