//! What became of the notices: of one lead, and of each channel.

use rusqlite::{OptionalExtension, params};

use crate::domain::notice::{ChannelName, ChannelState, LeadNotice};
use crate::store::error::StoreError;
use crate::store::notices::outbox::{SELECT, row_to_notice};
use crate::store::read::ReadTx;

impl ReadTx<'_> {
    /// The notices of the lead whose arrival an audit row records, by the names of their channels. What a channel
    /// did before it was configured, or long ago, is not known.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn notices_of_lead(&self, audit_seq: i64) -> Result<Vec<LeadNotice>, StoreError> {
        let sql = "SELECT name, followed_seq, ended_at_utc IS NOT NULL FROM notice_channel WHERE for_leads ORDER BY name";
        let mut statement = self.0.prepare_cached(sql)?;
        let mut channels = statement.query([])?;
        // Notices of a channel follow one another.
        let sql = format!(
            "{SELECT} WHERE channel = ?1 AND through_seq >= ?2 ORDER BY through_seq LIMIT 1"
        );
        let mut first_through = self.0.prepare_cached(&sql)?;
        let mut found = Vec::new();
        while let Some(row) = channels.next()? {
            let (name, followed, has_ended): (String, i64, bool) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let notice =
                first_through.query_row(params![name, audit_seq], row_to_notice).optional()?;
            let notice = notice.filter(|notice| notice.after_seq < audit_seq);
            if notice.is_some() || followed < audit_seq {
                found.push(LeadNotice { channel: ChannelName::new(name), has_ended, notice });
            }
        }
        Ok(found)
    }

    /// The channels that are configured, by their names.
    ///
    /// # Errors
    /// The database's own.
    pub fn channel_states(&self) -> Result<Vec<ChannelState>, StoreError> {
        let sql = "SELECT c.name, c.ended_at_utc IS NOT NULL,
                          count(n.id) FILTER (WHERE n.state = 'pending'),
                          min(n.created_at_utc) FILTER (WHERE n.state = 'pending'),
                          count(n.id) FILTER (WHERE n.state = 'given_up'),
                          (SELECT next_try_at_utc FROM notice
                           WHERE channel = c.name AND state = 'sent' ORDER BY id DESC LIMIT 1),
                          (SELECT last_error FROM notice
                           WHERE channel = c.name AND state <> 'sent' AND last_error IS NOT NULL
                           ORDER BY id DESC LIMIT 1)
                   FROM notice_channel AS c LEFT JOIN notice AS n ON n.channel = c.name AND n.state <> 'sent'
                   GROUP BY c.name ORDER BY c.name";
        let mut statement = self.0.prepare_cached(sql)?;
        let states = statement.query_map([], |row| {
            Ok(ChannelState {
                channel: ChannelName::new(row.get::<_, String>(0)?),
                has_ended: row.get(1)?,
                pending: row.get(2)?,
                waiting_since_utc: row.get(3)?,
                given_up: row.get(4)?,
                last_sent_at_utc: row.get(5)?,
                last_error: row.get(6)?,
            })
        })?;
        Ok(states.collect::<Result<_, _>>()?)
    }
}
