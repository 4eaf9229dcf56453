//! How long a certificate is valid, and when that is a reason to worry.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::status::thresholds::Level;

/// A certificate with fewer days left should have been renewed.
const LATE: TimeDelta = TimeDelta::days(14);
/// A certificate with a shorter life is renewed earlier.
const SHORT_LIFE: TimeDelta = TimeDelta::days(10);

/// The period in which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
}

impl Validity {
    /// Why clients refuse the certificate now, if they do.
    #[must_use]
    pub fn fault(&self, now: DateTime<Utc>) -> Option<String> {
        if now > self.not_after {
            Some(format!("it expired on {}", date(self.not_after)))
        } else if now < self.not_before {
            Some(format!("it is not valid before {}", date(self.not_before)))
        } else {
            None
        }
    }

    /// An error where clients refuse the certificate, a warning where its renewal is late: with less
    /// than 14 days left, or a third of its life where that is shorter.
    #[must_use]
    pub fn level(&self, now: DateTime<Utc>) -> Level {
        let late = LATE.min((self.not_after - self.not_before) / 3);
        if self.fault(now).is_some() {
            Level::Error
        } else if self.not_after - now < late {
            Level::Warning
        } else {
            Level::Ok
        }
    }

    /// When a server that renews its certificate by itself does so: with a third of its life left, or half of one
    /// shorter than ten days, as Let's Encrypt recommends.
    #[must_use]
    pub fn renewal_due_at(&self) -> DateTime<Utc> {
        let life = self.not_after - self.not_before;
        self.not_after - if life < SHORT_LIFE { life / 2 } else { life / 3 }
    }

    /// Whole days until the certificate expires, none once it has.
    #[must_use]
    pub fn days_left(&self, now: DateTime<Utc>) -> i64 {
        (self.not_after - now).num_days().max(0)
    }

    /// What is left, or why the certificate is not valid.
    #[must_use]
    pub fn describe(&self, now: DateTime<Utc>) -> String {
        self.fault(now).unwrap_or_else(|| {
            let days = self.days_left(now);
            format!("it is valid for {days} more days, until {}", date(self.not_after))
        })
    }
}

fn date(time: DateTime<Utc>) -> impl std::fmt::Display {
    time.format("%Y-%m-%d %H:%M UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_is_late_in_the_last_14_days_or_the_last_third_of_a_short_life() {
        let day = |n: i64| DateTime::UNIX_EPOCH + TimeDelta::days(n);
        let level = |life: i64, now: DateTime<Utc>| {
            Validity { not_before: day(0), not_after: day(life) }.level(now)
        };
        let second = TimeDelta::seconds(1);
        for (life, now, expected) in [
            (90, day(0) - second, Level::Error),
            (90, day(0), Level::Ok),
            (90, day(76), Level::Ok),
            (90, day(76) + second, Level::Warning),
            (90, day(90), Level::Warning),
            (90, day(90) + second, Level::Error),
            (6, day(4), Level::Ok),
            (6, day(4) + second, Level::Warning),
        ] {
            assert_eq!(level(life, now), expected, "{life} days, at {now}");
        }
    }

    #[test]
    fn a_renewal_is_due_before_it_is_late() {
        let day = |n: i64| DateTime::UNIX_EPOCH + TimeDelta::days(n);
        for (life, due) in [(90, 60), (45, 30), (6, 3)] {
            let validity = Validity { not_before: day(0), not_after: day(life) };
            assert_eq!(validity.renewal_due_at(), day(due));
            assert_eq!(validity.level(day(due)), Level::Ok, "{life} days");
        }
    }
}
