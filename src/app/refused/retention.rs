//! Removes refused submissions that are past their time, once a day.

use chrono::TimeDelta;

use crate::app::db::Db;
use crate::app::status::clock_check;
use crate::domain::audit::ACTOR_SCHEDULE;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::refused::purge::{self, PurgeSelection};
use crate::store::tx::WriteTx;

/// Rows that are removed in one transaction of a server, for which leads wait.
const STEP_ROWS: u32 = 32;

/// How long refused submissions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedRetention(pub TimeDelta);

impl Default for RefusedRetention {
    fn default() -> Self {
        Self(TimeDelta::days(30))
    }
}

impl RefusedRetention {
    /// Whether any is kept at all.
    pub(crate) fn keeps_any(self) -> bool {
        self.0 > TimeDelta::zero()
    }

    /// Removes what is past its time now.
    pub(crate) fn purge(self, db: &Db) {
        match self.try_purge(db) {
            Ok(0) => {}
            Ok(rows) => {
                tracing::info!(rows, "removed refused submissions that were past their time")
            }
            Err(error) => {
                tracing::error!(%error, "refused submissions past their time could not be removed");
            }
        }
    }

    fn try_purge(self, db: &Db) -> Result<usize, StoreError> {
        let selection = if self.keeps_any() {
            clock_check::require_plausible(db.path(), db.clock())?;
            let now = Timestamp::from(db.clock().now());
            PurgeSelection::Before(now.saturating_sub(self.0))
        } else {
            PurgeSelection::All
        };
        let mut count = 0;
        loop {
            let selection = selection.clone();
            // No ledger: what an older backup brings back is past its time again.
            let step = move |tx: &mut WriteTx<'_>| {
                purge::purge(tx, &selection, STEP_ROWS, None, ACTOR_SCHEDULE)
            };
            match db.write_blocking(step)? {
                0 => return Ok(count),
                rows => count += rows,
            }
        }
    }
}
