//! What the writer last proved about itself; read without any I/O.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::store::error::StoreError;

/// A transaction that takes longer than this means that leads cannot be stored now.
const STUCK: Duration = Duration::from_secs(5);
/// A proof older than this is none: the writer renews it every 30 s.
const STALE: Duration = Duration::from_secs(45);

/// Whether leads can be stored, by the writer's last real commit.
#[derive(Debug, Default)]
pub struct WriterHealth(Mutex<HealthState>);

#[derive(Debug, Default)]
struct HealthState {
    /// When the transaction under way began.
    busy_since: Option<Instant>,
    proved_at: Option<Instant>,
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
        if state.busy_since.is_some_and(|since| since.elapsed() > STUCK) {
            return Some("the disk has not answered for some seconds".to_owned());
        }
        let proved = state.proved_at.is_some_and(|at| at.elapsed() <= STALE);
        (!proved).then(|| "no lead could be stored lately".to_owned())
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.state().failure.is_some()
    }

    pub(crate) fn begin(&self) {
        self.state().busy_since = Some(Instant::now());
    }

    /// A commit is on the disk. Says whether the one before had failed.
    pub(crate) fn record_success(&self) -> bool {
        let mut state = self.state();
        state.busy_since = None;
        state.proved_at = Some(Instant::now());
        state.failure.take().is_some()
    }

    /// A commit did not come about. Says whether that is news.
    pub(crate) fn record_failure(&self, error: &StoreError) -> bool {
        let mut state = self.state();
        state.busy_since = None;
        let before = state.failure.replace(error.clone());
        before.is_none_or(|before| before.to_string() != error.to_string())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, HealthState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
