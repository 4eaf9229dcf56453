//! Erases the leads that are past their retention period, once a day.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;

use crate::app::db::Db;
use crate::app::privacy;
use crate::app::status::clock_check;
use crate::domain::audit::ACTOR_SCHEDULE;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;

/// Leads that leave within this time are foretold.
const NOTICE: TimeDelta = TimeDelta::days(30);

/// The time before which leads leave within [`NOTICE`].
pub(crate) fn notice_time(period: TimeDelta, now: Timestamp) -> Timestamp {
    now.saturating_sub(period).saturating_add(NOTICE)
}

/// Erases leads of a server, and tells its status page how that went; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    pub(crate) period: TimeDelta,
    failure: Arc<Mutex<Option<String>>>,
}

impl Retention {
    pub(crate) fn new(period: TimeDelta) -> Self {
        Self { period, failure: Arc::default() }
    }

    /// Why the last run erased nothing, or not all.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Erases the leads that are past their period now.
    pub(crate) fn erase(&self, db: &Db) {
        let failure = self.try_erase(db).err().map(|error| error.to_string());
        if let Some(error) = &failure {
            tracing::error!(error, "leads past their retention period could not be erased");
        }
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn try_erase(&self, db: &Db) -> Result<(), StoreError> {
        clock_check::require_plausible(db.path(), db.clock())?;
        let leads = privacy::purge_by_server(db, self.period, ACTOR_SCHEDULE)?;
        if leads > 0 {
            tracing::info!(leads, "erased leads that were past their retention period");
        }
        Ok(())
    }
}
