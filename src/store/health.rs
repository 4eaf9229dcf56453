//! Whether leads can be stored, as the writer last saw it; read without any I/O.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::error::StoreError;

/// While a transaction takes longer than this, leads cannot be stored.
const STUCK_AFTER: Duration = Duration::from_secs(5);
/// A commit older than this shows nothing: the writer probes every 30 s.
const STALE_AFTER: Duration = Duration::from_secs(45);

/// Whether leads can be stored, by the writer's last commit.
#[derive(Debug, Default)]
pub struct WriterHealth(Mutex<HealthState>);

#[derive(Debug, Default)]
struct HealthState {
    /// When the present transaction began.
    busy_since: Option<Instant>,
    succeeded_at: Option<Instant>,
    /// When a transaction ended last, with or without success.
    ended_at: Option<Instant>,
    failure: Option<StoreError>,
}

impl WriterHealth {
    /// Why leads cannot be stored now; `None` while they can.
    #[must_use]
    pub fn unavailable_reason(&self) -> Option<String> {
        let state = self.state();
        if let Some(failure) = &state.failure {
            return Some(failure.to_string());
        }
        if state.busy_since.is_some_and(|since| since.elapsed() > STUCK_AFTER) {
            return Some("the disk has not answered for some seconds".to_owned());
        }
        let is_recent = state.succeeded_at.is_some_and(|at| at.elapsed() <= STALE_AFTER);
        (!is_recent).then(|| "no lead could be stored lately".to_owned())
    }

    /// Whether the writer's thread works, be it in vain: on a full disk it goes on trying, and to start again
    /// would not help.
    pub(crate) fn writer_works(&self) -> bool {
        let state = self.state();
        state.busy_since.is_none_or(|since| since.elapsed() <= STUCK_AFTER)
            && state.ended_at.is_some_and(|at| at.elapsed() <= STALE_AFTER)
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.state().failure.is_some()
    }

    /// Why the last transaction failed, if it did.
    pub(crate) fn failure(&self) -> Option<StoreError> {
        self.state().failure.clone()
    }

    /// A transaction begins.
    pub(crate) fn begin(&self) {
        self.state().busy_since = Some(Instant::now());
    }

    /// A transaction ended that says nothing about leads.
    pub(crate) fn end(&self) {
        self.state().end();
    }

    /// A commit is on the disk. Returns whether the one before had failed.
    pub(crate) fn record_success(&self) -> bool {
        let mut state = self.state();
        state.end();
        state.succeeded_at = Some(Instant::now());
        state.failure.take().is_some()
    }

    /// A transaction failed. Returns whether the failure differs from that of the one before.
    pub(crate) fn record_failure(&self, error: &StoreError) -> bool {
        let mut state = self.state();
        state.end();
        let before = state.failure.replace(error.clone());
        before.is_none_or(|before| before.to_string() != error.to_string())
    }

    fn state(&self) -> MutexGuard<'_, HealthState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HealthState {
    fn end(&mut self) {
        self.busy_since = None;
        self.ended_at = Some(Instant::now());
    }
}
