//! The morning mail: what it counts, and the last one.

use rusqlite::{OptionalExtension, params};

use crate::domain::digest::Digest;
use crate::domain::notice::{ChannelName, NoticeSubject};
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::notices::messages::{self, NewMessage};
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// The last morning mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDigest {
    /// The day of the company's time zone for which it was sent: `2026-01-31`.
    pub day: String,
    pub made_at_utc: Timestamp,
    /// The last audit row that it counted.
    pub through_seq: i64,
}

/// Records the mail of a day, with a notice for each channel. Returns whether it did: an earlier attempt may have been
/// committed late.
///
/// # Errors
/// The database's own.
pub fn record(
    tx: &mut WriteTx<'_>,
    last: &LastDigest,
    digest: &Digest,
    channels: &[ChannelName],
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO digest (only_row, day, made_at_utc, through_seq) VALUES (1, ?1, ?2, ?3)
               ON CONFLICT (only_row) DO UPDATE SET day = excluded.day, made_at_utc = excluded.made_at_utc,
                   through_seq = excluded.through_seq
               WHERE day <> excluded.day";
    let LastDigest { day, made_at_utc, through_seq } = last;
    if tx.conn.prepare_cached(sql)?.execute(params![day, made_at_utc, through_seq])? == 0 {
        return Ok(false);
    }
    let subject = NoticeSubject::Digest(digest.clone());
    for channel in channels {
        let id = tx.new_id().hyphenated().to_string();
        messages::insert(tx, &NewMessage { id: &id, channel, subject: &subject, is_sent: false })?;
    }
    Ok(true)
}

impl ReadTx<'_> {
    /// The last morning mail, if there was one.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn last_digest(&self) -> Result<Option<LastDigest>, StoreError> {
        let sql = "SELECT day, made_at_utc, through_seq FROM digest";
        let last = self.0.prepare_cached(sql)?.query_row([], |row| {
            Ok(LastDigest { day: row.get(0)?, made_at_utc: row.get(1)?, through_seq: row.get(2)? })
        });
        Ok(last.optional()?)
    }

    /// What is new since the last mail, and what waits; with these alerts. Reads every lead.
    ///
    /// # Errors
    /// The database's own.
    pub fn digest(
        &self,
        last: Option<&LastDigest>,
        alerts: Vec<String>,
    ) -> Result<(Digest, i64), StoreError> {
        let head = self.head()?;
        let (after, through) = (last.map_or(0, |last| last.through_seq), head.map_or(0, |h| h.seq));
        let by_service = self.arrivals_by_service(after, through)?;
        let sql = "SELECT count(*) FROM audit_log WHERE event IN ('LEAD_REJECTED', 'LEAD_CONFLICT')
                   AND event <> 'LEAD_RECEIVED' AND seq > ?1 AND seq <= ?2";
        let refused = self.0.prepare_cached(sql)?.query_row([after, through], |row| row.get(0))?;
        let sql = "SELECT count(*), min(l.created_at_utc) FROM lead_inbox AS l
                   LEFT JOIN lead_status AS s ON s.audit_seq = l.audit_seq
                   WHERE coalesce(s.status, l.status) = 'received' AND l.source <> 'canary'";
        let (waiting, oldest_waiting) = self
            .0
            .prepare_cached(sql)?
            .query_row([], |row| Ok((row.get(0)?, row.get::<_, Option<Timestamp>>(1)?)))?;
        let digest = Digest {
            since: last.map(|last| last.made_at_utc),
            leads: by_service.iter().map(|(_, leads)| leads).sum(),
            by_service,
            waiting,
            oldest_waiting,
            refused,
            alerts,
            head: head.map(|head| head.to_string()).unwrap_or_default(),
        };
        Ok((digest, through))
    }
}
