//! When something is told of an alert.

use std::time::Duration;

use chrono::TimeDelta;

use crate::app::notices::settings::AlertTiming;
use crate::domain::alert::{Alert, AlertPhase};
use crate::domain::timestamp::Timestamp;

/// How long after an alert was told it is told again, while it lasts.
const REMIND_AFTER: TimeDelta = TimeDelta::hours(24);

/// What is seen of a condition now, and for how long without a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observation {
    Raised(Duration),
    Absent(Duration),
    /// It cannot be told.
    Unknown,
}

/// What is to be told of an alert that was told before like this, or never.
pub(crate) fn next_phase(
    told: Option<&Alert>,
    seen: Observation,
    now: Timestamp,
    timing: &AlertTiming,
) -> Option<AlertPhase> {
    let active = told.filter(|alert| alert.is_active());
    match (seen, active) {
        (Observation::Raised(lasted), None) if lasted >= timing.begin_after => {
            Some(AlertPhase::Began)
        }
        (Observation::Raised(_), Some(alert)) if is_reminder_due(alert.told_at_utc, now) => {
            Some(AlertPhase::Reminded)
        }
        (Observation::Absent(lasted), Some(_)) if lasted >= timing.end_after => {
            Some(AlertPhase::Ended)
        }
        _ => None,
    }
}

/// A time far in the future is of another clock.
fn is_reminder_due(told_at: Timestamp, now: Timestamp) -> bool {
    told_at.saturating_add(REMIND_AFTER) <= now || told_at > now.saturating_add(REMIND_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_begins_reminds_daily_ends_and_begins_again() {
        let timing = AlertTiming::default();
        let start = Timestamp::parse_rfc3339("2026-01-03T10:30:45Z").unwrap();
        let at = |hours: i64| start.saturating_add(TimeDelta::hours(hours));
        let (raised, absent) =
            (Observation::Raised(timing.begin_after), Observation::Absent(timing.end_after));
        let mut told: Option<Alert> = None;
        let mut phases = Vec::new();
        let seen = |hour: i64| match hour {
            2..=60 | 90 => raised,
            61..=63 => Observation::Unknown,
            _ => absent,
        };
        for hour in 0..=92 {
            if let Some(phase) = next_phase(told.as_ref(), seen(hour), at(hour), &timing) {
                phases.push((hour, phase.as_str()));
                told = Some(Alert::told(told.as_ref(), "disk_low", phase, "", at(hour)));
            }
        }
        let expected = [
            (2, "began"),
            (26, "reminded"),
            (50, "reminded"),
            (64, "ended"),
            (90, "began"),
            (91, "ended"),
        ];
        assert_eq!(phases, expected);
    }

    #[test]
    fn what_is_short_is_neither_told_nor_over() {
        let timing = AlertTiming::default();
        let now = Timestamp::from_micros(0);
        let second = Duration::from_secs(1);
        let raised = Observation::Raised(timing.begin_after - second);
        assert_eq!(next_phase(None, raised, now, &timing), None);
        let told = Alert::told(None, "disk_low", AlertPhase::Began, "", now);
        let absent = Observation::Absent(timing.end_after - second);
        assert_eq!(next_phase(Some(&told), absent, now, &timing), None);
    }

    #[test]
    fn a_clock_that_jumps_neither_repeats_an_alert_for_ever_nor_silences_it() {
        let timing = AlertTiming::default();
        let now = Timestamp::parse_rfc3339("2026-01-03T10:30:45Z").unwrap();
        let raised = Observation::Raised(timing.begin_after);
        let told = |days: i64| {
            let at = now.saturating_add(TimeDelta::days(days));
            Alert::told(None, "disk_low", AlertPhase::Began, "", at)
        };
        let next = |days| next_phase(Some(&told(days)), raised, now, &timing);
        assert_eq!(next(1), None);
        assert_eq!(next(2), Some(AlertPhase::Reminded));
    }
}
