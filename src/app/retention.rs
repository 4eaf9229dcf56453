//! Erases the leads that are past their retention period, once a day.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::sleep;

use crate::app::db::{Db, blocking};
use crate::app::privacy;
use crate::app::status::clock_check;
use crate::domain::audit::ACTOR_SCHEDULE;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;

const START_DELAY: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// Leads that leave within this time are foretold.
pub(crate) const NOTICE: TimeDelta = TimeDelta::days(30);

/// The retention of a server, for its status page; cheap to clone.
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

    /// The time before which leads leave in the next days.
    pub(crate) fn notice_time(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.period).saturating_add(NOTICE)
    }

    /// Erases for as long as the runtime lives.
    pub(crate) async fn run(self, db: Db) {
        sleep(START_DELAY).await;
        loop {
            let (this, on) = (self.clone(), db.clone());
            let result = blocking(move || this.erase_once(&on)).await.flatten();
            let failure = result.err().map(|error| error.to_string());
            if let Some(error) = &failure {
                tracing::error!(error, "leads past their retention period could not be erased");
            }
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
            sleep(INTERVAL).await;
        }
    }

    fn erase_once(&self, db: &Db) -> Result<(), StoreError> {
        if let Some(wrong) = clock_check::implausible(db.path(), db.clock())? {
            return Err(StoreError::ImplausibleClock(wrong));
        }
        let leads = privacy::purge_by_server(db, self.period, ACTOR_SCHEDULE)?;
        if leads > 0 {
            tracing::info!(leads, "erased leads that were past their retention period");
        }
        Ok(())
    }
}
