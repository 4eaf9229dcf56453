//! Canaries: submissions that `fastcore canary` sends the public way to see whether leads arrive.

use chrono::TimeDelta;

use crate::app::db::Db;
use crate::app::privacy;
use crate::app::status::clock_check;
use crate::domain::audit::ACTOR_SCHEDULE;
use crate::store::error::StoreError;

/// How long canaries are kept, at least: they are erased once a day.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Erases those that are a day old.
pub(crate) fn erase_old(db: &Db) {
    if let Err(error) = try_erase_old(db) {
        tracing::error!(%error, "old canaries could not be erased");
    }
}

fn try_erase_old(db: &Db) -> Result<(), StoreError> {
    clock_check::require_plausible(db.path(), db.clock())?;
    let canaries = privacy::purge_canaries(db, KEPT, ACTOR_SCHEDULE)?;
    if canaries > 0 {
        tracing::info!(canaries, "erased old canaries");
    }
    Ok(())
}
