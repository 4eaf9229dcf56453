//! When the morning mail is made: on each working day at a set time, or as soon after as the server runs that day.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::Paris;
use tokio::time::sleep;

use crate::app::db::Db;
use crate::app::notices;
use crate::app::notices::settings::NoticeSettings;
use crate::domain::alert::Alert;
use crate::domain::notice::ChannelName;
use crate::domain::working_time::is_working_day;
use crate::store;
use crate::store::digests::LastDigest;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// The morning mails of a server.
pub(crate) struct DigestSchedule {
    at: Option<NaiveTime>,
    /// The addresses, as channels.
    channels: Vec<ChannelName>,
    /// The last one, once it is known whether there was one.
    last: Option<Option<LastDigest>>,
}

impl DigestSchedule {
    /// For those who are told of trouble by mail.
    pub(crate) fn new(settings: &NoticeSettings) -> Self {
        let channels = notices::channels_of(settings);
        let mails = channels.iter().filter(|channel| channel.uses().alerts && channel.is_mail());
        let channels = mails.map(|channel| channel.name().clone()).collect();
        Self { at: settings.digest_at, channels, last: None }
    }

    /// Runs for as long as the runtime lives, or ends at once where there is no time or no address.
    pub(crate) async fn run(mut self, db: Db, interval: Duration) {
        let Some(at) = self.at.filter(|_| !self.channels.is_empty()) else { return };
        loop {
            if let Err(error) = self.step(&db, at).await {
                tracing::debug!(%error, "the morning mail waits for the database");
            }
            sleep(interval).await;
        }
    }

    /// Makes the mail of today, if it is time for it and it has not been made.
    async fn step(&mut self, db: &Db, at: NaiveTime) -> Result<(), StoreError> {
        let last = match &self.last {
            Some(last) => last.clone(),
            None => db.read(|tx| tx.last_digest()).await?,
        };
        self.last = Some(last.clone());
        let now = db.clock().now();
        let last_day = last.as_ref().and_then(|last| last.day.parse().ok());
        let Some(day) = due_day(at, now, last_day) else { return Ok(()) };
        let read = move |tx: &ReadTx<'_>| {
            let lasting = tx.alerts()?.into_iter().filter(Alert::is_active);
            tx.digest(last.as_ref(), lasting.map(|alert| alert.kind).collect())
        };
        let (digest, through_seq) = db.read(read).await?;
        let made = LastDigest { day: day.to_string(), made_at_utc: now.into(), through_seq };
        let (recorded, channels) = (made.clone(), self.channels.clone());
        let record =
            move |tx: &mut WriteTx<'_>| store::digests::record(tx, &recorded, &digest, &channels);
        // Where it was recorded before, that one counts.
        self.last = db.write(record).await?.then_some(Some(made));
        Ok(())
    }
}

/// The day of the company whose mail is due. The last one may be of a day that the clock has not reached again; one of
/// a day further away is of another clock.
fn due_day(at: NaiveTime, now: DateTime<Utc>, last: Option<NaiveDate>) -> Option<NaiveDate> {
    let local = now.with_timezone(&Paris).naive_local();
    let today = local.date();
    let is_made = last.is_some_and(|last| last >= today && last - today <= TimeDelta::days(1));
    (is_working_day(today) && local.time() >= at && !is_made).then_some(today)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments at which mails are made, looked at every ten minutes, without those between `down`.
    fn made(at: &str, from: &str, to: &str, down: Option<(&str, &str)>) -> Vec<String> {
        let parse = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let at = NaiveTime::parse_from_str(at, "%H:%M").unwrap();
        let down = down.map(|(from, to)| parse(from)..parse(to));
        let (mut now, mut last, mut made) = (parse(from), None, Vec::new());
        while now < parse(to) {
            let is_down = down.as_ref().is_some_and(|down| down.contains(&now));
            if let Some(day) = due_day(at, now, last).filter(|_| !is_down) {
                last = Some(day);
                made.push(now.with_timezone(&Paris).format("%m-%d %H:%M").to_string());
            }
            now += TimeDelta::minutes(10);
        }
        made
    }

    #[test]
    fn a_mail_is_made_on_each_working_day_also_when_the_clocks_change() {
        let mails = made("07:30", "2026-03-26T00:00:00Z", "2026-04-01T00:00:00Z", None);
        assert_eq!(mails, ["03-26 07:30", "03-27 07:30", "03-30 07:30", "03-31 07:30"]);
        let mails = made("07:30", "2026-10-23T00:00:00Z", "2026-10-27T12:00:00Z", None);
        assert_eq!(mails, ["10-23 07:30", "10-26 07:30", "10-27 07:30"]);
        // Labour Day is a Friday.
        let mails = made("00:00", "2026-04-29T22:00:00Z", "2026-05-04T12:00:00Z", None);
        assert_eq!(mails, ["04-30 00:00", "05-04 00:00"]);
    }

    #[test]
    fn a_mail_is_late_where_the_server_was_down_and_left_out_on_the_next_day() {
        let down = Some(("2026-01-05T04:00:00Z", "2026-01-05T10:00:00Z"));
        let mails = made("07:30", "2026-01-05T00:00:00Z", "2026-01-06T12:00:00Z", down);
        assert_eq!(mails, ["01-05 11:00", "01-06 07:30"]);
        let down = Some(("2026-01-05T04:00:00Z", "2026-01-06T04:00:00Z"));
        let mails = made("07:30", "2026-01-05T00:00:00Z", "2026-01-06T12:00:00Z", down);
        assert_eq!(mails, ["01-06 07:30"]);
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_second_mail_and_one_that_was_years_ahead_no_silence() {
        let at = NaiveTime::from_hms_opt(7, 30, 0).unwrap();
        let now = DateTime::parse_from_rfc3339("2026-01-06T10:00:00Z").unwrap().to_utc();
        let day = |day: &str| Some(day.parse::<NaiveDate>().unwrap());
        assert_eq!(due_day(at, now, day("2026-01-05")), day("2026-01-06"));
        assert_eq!(due_day(at, now, day("2026-01-06")), None);
        assert_eq!(due_day(at, now, day("2026-01-07")), None);
        assert_eq!(due_day(at, now, day("2031-01-07")), day("2026-01-06"));
    }
}
