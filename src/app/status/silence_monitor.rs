//! Whether leads have stopped to come. Looked at now and then: the status page, `/metrics` and the alerts read what
//! was found then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::app::db::Db;
use crate::domain::silence::{RHYTHM_PERIOD, SilenceRule, limit_of_rhythm};
use crate::domain::timestamp::Timestamp;
use crate::domain::working_time::working_time;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// How often the rhythm of the last weeks is looked for.
const RHYTHM_INTERVAL: Duration = Duration::from_secs(3600);
/// Leads by which the rhythm is known, at most: the newest.
const MAX_LEADS: usize = 5000;

/// What is known of the leads' rhythm; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct SilenceMonitor {
    rule: Option<SilenceRule>,
    started_at: Timestamp,
    interval: Duration,
    state: Arc<Mutex<SilenceState>>,
}

#[derive(Debug, Default, Clone)]
struct SilenceState {
    looked_at: Option<Instant>,
    /// The audit row up to which the last lead was looked for, and when that arrived.
    through_seq: i64,
    last: Option<Timestamp>,
    rhythm: Option<(Instant, Option<TimeDelta>)>,
    problem: Option<String>,
}

impl SilenceMonitor {
    /// Looks no more often than `interval`.
    pub(crate) fn new(
        rule: Option<SilenceRule>,
        started_at: Timestamp,
        interval: Duration,
    ) -> Self {
        Self { rule, started_at, interval, state: Arc::default() }
    }

    /// What is wrong, if no lead has come for too long.
    pub(crate) fn problem(&self) -> Option<String> {
        self.state().problem.clone()
    }

    /// Whether it is known.
    pub(crate) fn has_looked(&self) -> bool {
        self.rule.is_none() || self.state().looked_at.is_some()
    }

    /// Looks again, if it is time.
    pub(crate) async fn observe(&self, db: &Db) -> Result<(), StoreError> {
        let Some(rule) = self.rule else { return Ok(()) };
        let state = self.state().clone();
        if state.looked_at.is_some_and(|at| at.elapsed() < self.interval) {
            return Ok(());
        }
        let now = Timestamp::from(db.clock().now());
        let looked = db.read(move |tx| state.look(tx, rule)).await;
        let mut state = looked?;
        let quiet_since = state.last.unwrap_or(self.started_at);
        let silence = working_time(quiet_since.to_datetime(), now.to_datetime());
        let limit = match rule {
            SilenceRule::After(limit) => Some(limit),
            SilenceRule::Auto => state.rhythm.and_then(|(_, limit)| limit),
        };
        state.problem = limit.filter(|limit| silence > *limit).map(|limit| {
            let since = match state.last {
                Some(last) => format!("the last one came at {last}"),
                None => format!("none has come since the start at {quiet_since}"),
            };
            let (silence, limit) = (hours(silence), hours(limit));
            format!("No lead for {silence} h of working time, more than {limit} h; {since}")
        });
        *self.state() = state;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, SilenceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SilenceState {
    /// The state with what the database says now.
    fn look(mut self, tx: &ReadTx<'_>, rule: SilenceRule) -> Result<Self, StoreError> {
        let head = tx.last_seq()?;
        let newest = tx.arrivals(Timestamp::MIN, self.through_seq, 1)?.pop();
        self.last = newest.or(self.last);
        self.through_seq = head;
        let is_old = self.rhythm.is_none_or(|(at, _)| at.elapsed() > RHYTHM_INTERVAL);
        if rule == SilenceRule::Auto && is_old {
            // Up to the last lead: a silence does not make the rhythm unknown.
            let since = self.last.map(|last| last.saturating_sub(RHYTHM_PERIOD));
            let arrivals = since.map(|since| tx.arrivals(since, 0, MAX_LEADS)).transpose()?;
            let limit = limit_of_rhythm(&arrivals.unwrap_or_default());
            self.rhythm = Some((Instant::now(), limit));
        }
        self.looked_at = Some(Instant::now());
        Ok(self)
    }
}

/// With one digit.
fn hours(time: TimeDelta) -> String {
    format!("{:.1}", time.num_minutes() as f64 / 60.0)
}
