//! When it is trouble that no lead comes.

use chrono::TimeDelta;

use crate::domain::timestamp::Timestamp;
use crate::domain::working_time::working_time;

/// How far back the rhythm of the leads is looked at, and how many make one, at least.
pub const RHYTHM_PERIOD: TimeDelta = TimeDelta::days(56);
const MIN_LEADS: usize = 20;
/// A silence is not plausible when it is so many times as long as the longest one of the rhythm, and at least as long
/// as a working day.
const FACTOR: i32 = 2;
const MIN_SILENCE: TimeDelta = TimeDelta::hours(10);

/// After how much working time without a lead something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SilenceRule {
    After(TimeDelta),
    /// By the rhythm of the last weeks.
    Auto,
}

/// The limit that follows from when leads arrived, newest first; `None` while too few have.
#[must_use]
pub fn limit_of_rhythm(arrivals: &[Timestamp]) -> Option<TimeDelta> {
    if arrivals.len() < MIN_LEADS {
        return None;
    }
    let gap = |pair: &[Timestamp]| working_time(pair[1].to_datetime(), pair[0].to_datetime());
    let mut gaps: Vec<TimeDelta> = arrivals.windows(2).map(gap).collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    // One silence that is far longer than any other was trouble itself.
    let longest = if gaps[0] > gaps[1] * FACTOR { gaps[1] } else { gaps[0] };
    Some((longest * FACTOR).max(MIN_SILENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leads that come at these times of the working days of two weeks.
    fn arrivals(times: &[&str]) -> Vec<Timestamp> {
        let days = (5..=9).chain(12..=16);
        let of_day =
            |day: i32| times.iter().map(move |time| format!("2026-01-{day:02}T{time}:00Z"));
        let mut arrivals: Vec<Timestamp> =
            days.flat_map(of_day).map(|text| Timestamp::parse_rfc3339(&text).unwrap()).collect();
        arrivals.reverse();
        arrivals
    }

    #[test]
    fn the_limit_is_twice_the_longest_silence_and_a_working_day_at_least() {
        let minutes =
            |arrivals: &[Timestamp]| limit_of_rhythm(arrivals).map(|limit| limit.num_minutes());
        // 10:00 and 12:00 in Paris: from 12:00 to 10:00 it is eight hours of work.
        assert_eq!(minutes(&arrivals(&["09:00", "11:00"])), Some(16 * 60));
        assert_eq!(minutes(&arrivals(&["08:00", "10:00", "12:00", "14:00", "16:00"])), Some(600));
        // Too few to be a rhythm.
        assert_eq!(minutes(&arrivals(&["09:00", "11:00"])[1..]), None);
        assert_eq!(minutes(&[]), None);
        // By night and at the weekend nobody waits.
        assert_eq!(minutes(&arrivals(&["01:00", "22:00"])), Some(20 * 60));
    }

    #[test]
    fn a_silence_that_was_trouble_does_not_become_the_rhythm() {
        let mut arrivals = arrivals(&["09:00", "11:00", "13:00", "15:00"]);
        // Three weeks of silence, then leads as before.
        let later: Vec<Timestamp> =
            arrivals.iter().map(|at| at.saturating_add(TimeDelta::days(35))).collect();
        let before = limit_of_rhythm(&arrivals);
        arrivals.splice(0..0, later);
        assert_eq!(limit_of_rhythm(&arrivals), before);
    }
}
