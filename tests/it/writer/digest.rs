//! The morning mail's record in the database.

use fastcore::clock::Clock;
use fastcore::domain::digest::Digest;
use fastcore::domain::notice::ChannelName;
use fastcore::store::digests::{LastDigest, record};
use fastcore::store::notices::channels::{ConfiguredChannel, configure};

use super::batch::{Store, number, start};

/// A commit that came after the patience of the one who waited for it was followed by the same mail again.
#[test]
fn a_morning_mail_that_was_recorded_late_was_made_again() {
    let Store { _folder, database, writer, thread } = start();
    let channel = ChannelName::new("mail-1".to_owned());
    let configured = vec![ConfiguredChannel { name: channel.clone(), for_leads: false }];
    writer.run(move |tx| configure(tx, &configured)).expect("configured");
    let digest = Digest {
        since: None,
        leads: 0,
        by_service: Vec::new(),
        waiting: 0,
        oldest_waiting: None,
        refused: 0,
        alerts: Vec::new(),
        head: String::new(),
    };
    for (day, through_seq) in [("2026-01-05", 1), ("2026-01-05", 2), ("2026-01-06", 3)] {
        let made_at_utc = Clock::system().now().into();
        let made = LastDigest { day: day.to_owned(), made_at_utc, through_seq };
        let (digest, channels) = (digest.clone(), [channel.clone()]);
        writer.run(move |tx| record(tx, &made, &digest, &channels)).expect("recorded");
        let mails = number(&database, "SELECT count(*) FROM notice");
        let through = number(&database, "SELECT through_seq FROM digest");
        assert_eq!((mails, through), if through_seq == 3 { (2, 3) } else { (1, 1) });
    }
    drop(writer);
    thread.join();
}
