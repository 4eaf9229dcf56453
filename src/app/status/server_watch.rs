//! What a server sees while it runs: refused tokens, log lines that were dropped, a clock that jumped. Looked at
//! every few seconds; a restart forgets it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::db::Db;
use crate::app::status::thresholds;
use crate::metrics;

/// The outcomes of submissions whose token was accepted.
const WITH_TOKEN: [&str; 9] = [
    "stored",
    "replayed",
    "payload_too_large",
    "unsupported_media_type",
    "invalid_json",
    "validation_error",
    "duplicate_request_id",
    "lead_erased",
    "unavailable",
];
/// Refusals that have no audit row.
const UNRECORDED: [&str; 2] = ["payload_too_large", "over_budget"];

/// What was seen; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ServerWatch(Arc<Mutex<WatchState>>);

#[derive(Debug)]
struct WatchState {
    /// How long an event counts as trouble.
    recent: Duration,
    clock: Option<(DateTime<Utc>, Instant)>,
    jump: Option<(Instant, TimeDelta)>,
    dropped_lines: Increase,
    index_rebuilds: Increase,
    unrecorded: [Increase; UNRECORDED.len()],
    with_token: Increase,
    without_token: Increase,
    /// When submissions without the right token came since the last one with it, and how many.
    refused_tokens: VecDeque<(Instant, u64)>,
    /// How many came, where only such come.
    token_refused: Option<u64>,
}

/// A counter that is watched.
#[derive(Debug, Default)]
struct Increase {
    seen: u64,
    /// Since when it stood still; and by how much it grew before, with pauses that were not long.
    last: Option<(Instant, u64)>,
}

impl Increase {
    /// From what it is now.
    fn from(seen: u64) -> Self {
        Self { seen, last: None }
    }

    /// By how much it has grown since it was looked at last.
    fn observe(&mut self, count: u64, recent: Duration) -> u64 {
        let more = count.saturating_sub(std::mem::replace(&mut self.seen, count));
        if more > 0 {
            self.last = Some((Instant::now(), self.recent(recent) + more));
        }
        more
    }

    /// How much it grew lately.
    fn recent(&self, recent: Duration) -> u64 {
        self.last.filter(|(at, _)| at.elapsed() < recent).map_or(0, |(_, count)| count)
    }
}

impl ServerWatch {
    /// Events count as trouble for `recent`.
    pub(crate) fn new(recent: Duration) -> Self {
        Self(Arc::new(Mutex::new(WatchState {
            recent,
            clock: None,
            jump: None,
            dropped_lines: Increase::from(metrics::dropped_log_lines()),
            index_rebuilds: Increase::default(),
            unrecorded: Default::default(),
            with_token: Increase::default(),
            without_token: Increase::default(),
            refused_tokens: VecDeque::new(),
            token_refused: None,
        })))
    }

    /// Looks at the counters and the clock.
    pub(crate) fn observe(&self, db: &Db) {
        let mut state = self.state();
        let recent = state.recent;
        state.observe_clock(db.clock().now());
        state.dropped_lines.observe(metrics::dropped_log_lines(), recent);
        state.index_rebuilds.observe(db.index_health().rebuilds(), recent);
        let [too_large, over_budget] = UNRECORDED;
        let counts = [db.metrics().submissions(too_large), db.metrics().refusals(over_budget)];
        for (count, increase) in counts.into_iter().zip(&mut state.unrecorded) {
            increase.observe(count, recent);
        }
        let accepted = WITH_TOKEN.iter().map(|outcome| db.metrics().submissions(outcome)).sum();
        let accepted = state.with_token.observe(accepted, recent);
        let refused = db.metrics().submissions("unauthorized");
        let refused = state.without_token.observe(refused, recent);
        state.observe_tokens(accepted, refused);
    }

    /// By how much the clock jumped lately.
    pub(crate) fn clock_jump(&self) -> Option<TimeDelta> {
        let state = self.state();
        state.jump.filter(|(at, _)| at.elapsed() < state.recent).map(|(_, by)| by)
    }

    /// How many log lines were dropped lately.
    pub(crate) fn dropped_log_lines(&self) -> u64 {
        let state = self.state();
        state.dropped_lines.recent(state.recent)
    }

    /// How often the search index had to be built again lately.
    pub(crate) fn index_rebuilds(&self) -> u64 {
        let state = self.state();
        state.index_rebuilds.recent(state.recent)
    }

    /// The refusals of late that have no audit row, by why they have none.
    pub(crate) fn unrecorded_refusals(&self) -> Vec<(&'static str, u64)> {
        let state = self.state();
        let counts = UNRECORDED.iter().zip(&state.unrecorded);
        let counts = counts.map(|(outcome, increase)| (*outcome, increase.recent(state.recent)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// How many submissions came without the right token, where none came with it.
    pub(crate) fn refused_tokens(&self) -> Option<u64> {
        self.state().token_refused
    }

    /// Whether it is known that the token is not refused: a submission with it tells.
    pub(crate) fn knows_token(&self) -> bool {
        self.state().with_token.seen > 0
    }

    fn state(&self) -> MutexGuard<'_, WatchState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchState {
    /// The monotonic clock tells how much later it should be.
    fn observe_clock(&mut self, now: DateTime<Utc>) {
        let at = Instant::now();
        if let Some((then, then_at)) = self.clock.replace((now, at)) {
            let passed = TimeDelta::from_std(at - then_at).unwrap_or_default();
            let by = now - then - passed;
            if by.abs() > thresholds::CLOCK_TOLERANCE {
                self.jump = Some((at, by));
            }
        }
    }

    fn observe_tokens(&mut self, accepted: u64, refused: u64) {
        let now = Instant::now();
        if accepted > 0 {
            self.refused_tokens.clear();
            self.token_refused = None;
            return;
        }
        if refused == 0 {
            return;
        }
        self.refused_tokens.push_back((now, refused));
        self.refused_tokens.retain(|(at, _)| now - *at < thresholds::REFUSED_TOKEN_PERIOD);
        let lately: u64 = self.refused_tokens.iter().map(|(_, count)| count).sum();
        self.token_refused = match self.token_refused {
            Some(count) => Some(count + refused),
            None => (lately > thresholds::REFUSED_TOKENS).then_some(lately),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_counts_for_a_while_with_what_came_shortly_before() {
        let (minute, short) = (Duration::from_secs(60), Duration::from_millis(20));
        let mut lines = Increase::from(5);
        assert_eq!((lines.observe(5, minute), lines.recent(minute)), (0, 0));
        assert_eq!((lines.observe(7, minute), lines.recent(minute)), (2, 2));
        assert_eq!((lines.observe(10, minute), lines.recent(minute)), (3, 5));
        std::thread::sleep(short);
        assert_eq!((lines.observe(10, short), lines.recent(short)), (0, 0));
        assert_eq!((lines.observe(11, short), lines.recent(minute)), (1, 1));
    }
}
