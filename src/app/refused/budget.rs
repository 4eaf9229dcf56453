//! How much of what is refused is written: a flood of it must not slow the leads.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What may be written at once …
const BURST: f64 = 400.0;
/// … and in each second for ever. A small submission costs one.
const PER_SECOND: f64 = 50.0;
/// Bytes that cost one more: a body of 64 KiB costs 17.
const BYTES_PER_UNIT: f64 = 4096.0;

/// A token bucket for rows and bytes together.
#[derive(Debug)]
pub(crate) struct RefusalBudget(Mutex<(f64, Instant)>);

impl Default for RefusalBudget {
    fn default() -> Self {
        Self(Mutex::new((BURST, Instant::now())))
    }
}

impl RefusalBudget {
    /// Whether a submission of this size may be written now; it is paid for then.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        self.take_at(bytes, Instant::now())
    }

    fn take_at(&self, bytes: usize, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (units, at) = *state;
        let earned = now.saturating_duration_since(at).as_secs_f64() * PER_SECOND;
        let units = (units + earned).min(BURST);
        let cost = 1.0 + (bytes as f64 / BYTES_PER_UNIT).floor();
        let is_enough = units >= cost;
        *state = (if is_enough { units - cost } else { units }, now);
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_taken_and_a_flood_is_not() {
        let budget = RefusalBudget::default();
        let begin = Instant::now();
        let taken = |count: usize, bytes: usize, at: Duration| {
            (0..count).filter(|_| budget.take_at(bytes, begin + at)).count()
        };
        assert_eq!(taken(5000, 300, Duration::ZERO), 400);
        assert_eq!(taken(5000, 300, Duration::from_secs(1)), 50);
        assert_eq!(taken(5000, 65_536, Duration::from_secs(2)), 2);
        assert_eq!(taken(5000, 300, Duration::from_secs(3600)), 400);
        // A clock that stands still, or goes back, earns nothing.
        assert_eq!(taken(1, 300, Duration::ZERO), 0);
    }
}
