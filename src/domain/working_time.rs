//! The company's working time: Monday to Friday but for the public holidays of France, from 8:00 to 18:00 in Paris.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Europe::Paris;

const OPENS_AT_HOUR: u32 = 8;
const CLOSES_AT_HOUR: u32 = 18;
/// Working time is counted over so many days at most: what is longer is as long.
const MAX_DAYS: TimeDelta = TimeDelta::days(400);

/// Whether the company works on a day.
#[must_use]
pub fn is_working_day(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !is_holiday(day)
}

/// The working time between two moments; none if the second is not later.
#[must_use]
pub fn working_time(from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
    let from = from.max(to - MAX_DAYS);
    let last = to.with_timezone(&Paris).date_naive();
    let mut day = from.with_timezone(&Paris).date_naive();
    let mut sum = TimeDelta::zero();
    while day <= last {
        let at = |hour| Paris.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest();
        if let (true, Some(opens), Some(closes)) =
            (is_working_day(day), at(OPENS_AT_HOUR), at(CLOSES_AT_HOUR))
        {
            let part = closes.to_utc().min(to) - opens.to_utc().max(from);
            sum += part.max(TimeDelta::zero());
        }
        let Some(next) = day.checked_add_days(Days::new(1)) else { break };
        day = next;
    }
    sum
}

/// The public holidays of article L3133-1 of the French labour code.
fn is_holiday(day: NaiveDate) -> bool {
    const FIXED: [(u32, u32); 8] =
        [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)];
    // Easter Monday, Ascension, Whit Monday.
    const AFTER_EASTER: [i64; 3] = [1, 39, 50];
    let after = easter(day.year()).map(|easter| (day - easter).num_days());
    FIXED.contains(&(day.month(), day.day()))
        || after.is_some_and(|days| AFTER_EASTER.contains(&days))
}

/// Easter Sunday of the Gregorian calendar, by the algorithm of Meeus, Jones and Butcher.
fn easter(year: i32) -> Option<NaiveDate> {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let d = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    let e = (32 + 2 * (b % 4) + 2 * (c / 4) - d - c % 4) % 7;
    let f = d + e - 7 * ((a + 11 * d + 22 * e) / 451) + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(f / 31).ok()?, u32::try_from(f % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        Paris.from_local_datetime(&local).earliest().unwrap().to_utc()
    }

    #[test]
    fn the_holidays_of_france_are_no_working_days() {
        let holidays = |year: i32| {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
            let days = first.iter_days().take_while(move |day| day.year() == year);
            days.filter(|day| is_holiday(*day)).map(|day| day.format("%m-%d").to_string())
        };
        let of_2026: Vec<String> = holidays(2026).collect();
        let expected = [
            "01-01", "04-06", "05-01", "05-08", "05-14", "05-25", "07-14", "08-15", "11-01",
            "11-11", "12-25",
        ];
        assert_eq!(of_2026, expected);
        // Easter as it is latest and earliest.
        assert!(holidays(2038).any(|day| day == "04-26"));
        assert!(holidays(2285).any(|day| day == "03-23"));
    }

    #[test]
    fn nights_weekends_and_holidays_do_not_count() {
        for (from, to, minutes) in [
            ("2026-01-05 09:00", "2026-01-05 10:30", 90),
            ("2026-01-05 17:00", "2026-01-06 09:00", 120),
            ("2026-01-09 17:30", "2026-01-12 08:15", 45),
            ("2026-01-10 09:00", "2026-01-11 23:00", 0),
            ("2026-04-03 18:00", "2026-04-07 08:00", 0),
            // When the clocks change, on a Sunday: a day of work has ten hours all the same.
            ("2026-03-27 08:00", "2026-03-30 18:00", 1200),
            ("2026-10-23 08:00", "2026-10-26 18:00", 1200),
            ("2026-01-05 10:30", "2026-01-05 09:00", 0),
        ] {
            let expected = TimeDelta::minutes(minutes);
            assert_eq!(working_time(at(from), at(to)), expected, "{from} to {to}");
        }
    }

    #[test]
    fn any_two_moments_are_counted_at_once() {
        let most = working_time(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC - MAX_DAYS * 2);
        assert!(most < MAX_DAYS);
    }
}
