//! How the scheduled backups of a server go, for its status page; and when the last one was taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// The last backup of the schedule, by two clocks.
#[derive(Debug, Clone)]
pub(crate) struct LastSuccess {
    taken_at: DateTime<Utc>,
    /// How old it was at `measured_at`.
    age: Duration,
    measured_at: Instant,
}

impl LastSuccess {
    /// A backup of this time, as of `now`. An age that the clock cannot tell counts as zero.
    pub(crate) fn new(taken_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let age = (now - taken_at).to_std().unwrap_or_default();
        Self { taken_at, age, measured_at: Instant::now() }
    }

    /// Its age: that of the monotonic clock, which a wrong time of day does not change; or that of the time
    /// of day where it is greater, since a machine that sleeps stops the monotonic clock.
    pub(crate) fn age(&self, now: DateTime<Utc>) -> Duration {
        let awake = self.age + self.measured_at.elapsed();
        awake.max((now - self.taken_at).to_std().unwrap_or_default())
    }
}

/// The state of the scheduled backups; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct BackupMonitor {
    interval: Duration,
    progress: Arc<Mutex<BackupProgress>>,
}

#[derive(Debug, Clone, Default)]
struct BackupProgress {
    failure: Option<String>,
    ledger_failure: Option<String>,
    future_files: usize,
}

impl BackupMonitor {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, progress: Arc::default() }
    }

    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// Why the last attempt failed, unless a later one succeeded.
    pub(crate) fn failure(&self) -> Option<String> {
        self.progress().failure.clone()
    }

    /// Why the erasure ledger could not be completed at the last backup, if so.
    pub(crate) fn ledger_failure(&self) -> Option<String> {
        self.progress().ledger_failure.clone()
    }

    /// How many backups in the folder are dated in the future.
    pub(crate) fn future_files(&self) -> usize {
        self.progress().future_files
    }

    pub(crate) fn set_failure(&self, failure: Option<String>) {
        self.progress().failure = failure;
    }

    pub(crate) fn set_ledger_failure(&self, failure: Option<String>) {
        self.progress().ledger_failure = failure;
    }

    pub(crate) fn set_future_files(&self, count: usize) {
        self.progress().future_files = count;
    }

    fn progress(&self) -> MutexGuard<'_, BackupProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
