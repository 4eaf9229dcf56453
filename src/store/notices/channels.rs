//! The channels of notices, and the notices that follow from the audit log.

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::notice::{ChannelName, Notice};
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::error::StoreError;
use crate::store::notices::outbox::{self, NoticeAttempt};
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// Audit rows that one step looks through, at most: the writer does nothing else meanwhile.
const MAX_STEP_ROWS: i64 = 5_000;
/// What a former channel has failed to announce for longer than this, no other takes over.
const HAND_OVER_PERIOD: TimeDelta = TimeDelta::days(7);

/// A channel of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfiguredChannel {
    pub name: ChannelName,
    /// Whether it follows the audit log.
    pub for_leads: bool,
}

/// What a channel's task needs to know.
#[derive(Debug, Clone)]
pub struct ChannelProgress {
    /// The last audit row that was looked at.
    pub followed_seq: i64,
    pub noticed_at_utc: Option<Timestamp>,
    pub has_ended: bool,
    /// Whether leads have arrived since.
    pub has_news: bool,
}

/// Keeps the channels of the configuration. A new one follows from the log's end on, or takes over from one of its kind
/// that is no longer configured: a receiver whose address was mended is a new channel. What nobody takes over is given
/// up; returns how many notices.
///
/// # Errors
/// The database's own.
pub fn configure(
    tx: &mut WriteTx<'_>,
    channels: &[ConfiguredChannel],
) -> Result<usize, StoreError> {
    let head = tx.head().seq;
    let stored = stored(tx.conn)?;
    for ConfiguredChannel { name, for_leads } in channels {
        // One that told alerts alone announces the leads that arrive from now on.
        let sql = "INSERT INTO notice_channel (name, followed_seq, for_leads) VALUES (?1, ?2, ?3)
                   ON CONFLICT (name) DO UPDATE SET for_leads = excluded.for_leads,
                       followed_seq = iif(for_leads, followed_seq, excluded.followed_seq)";
        tx.conn.prepare_cached(sql)?.execute(params![name.as_str(), head, for_leads])?;
    }
    let is_in = |list: &[ConfiguredChannel], name: &ChannelName| {
        list.iter().any(|channel| channel.name == *name)
    };
    let mut heirs: Vec<_> =
        channels.iter().filter(|new| new.for_leads && !is_in(&stored, &new.name)).collect();
    let mut given_up = 0;
    for ConfiguredChannel { name, for_leads } in &stored {
        if is_in(channels, name) {
            continue;
        }
        if *for_leads {
            if let Some(at) = heirs.iter().position(|heir| heir.name.kind() == name.kind()) {
                hand_over(tx, name, &heirs.remove(at).name, head)?;
            }
            while create_notice(tx, name, usize::MAX)? {}
        }
        given_up += give_up(tx, name)?;
        let sql = "DELETE FROM notice_channel WHERE name = ?1";
        tx.conn.prepare_cached(sql)?.execute([name.as_str()])?;
    }
    Ok(given_up)
}

/// Lets one channel announce the leads that another has not, unless that ended or gave them up long ago.
fn hand_over(
    tx: &WriteTx<'_>,
    from: &ChannelName,
    to: &ChannelName,
    head: i64,
) -> Result<(), StoreError> {
    let (from, to, now) = (from.as_str(), to.as_str(), tx.now());
    let since = now.saturating_sub(HAND_OVER_PERIOD);
    let sql = "SELECT followed_seq FROM notice_channel
               WHERE name = ?1 AND (ended_at_utc IS NULL OR ended_at_utc >= ?2)";
    let mut select = tx.conn.prepare_cached(sql)?;
    let followed: Option<i64> =
        select.query_row(params![from, since], |row| row.get(0)).optional()?;
    if let Some(followed) = followed {
        let sql = "UPDATE notice_channel SET followed_seq = ?2 WHERE name = ?1";
        let mut update = tx.conn.prepare_cached(sql)?;
        update.execute(params![to, followed])?;
        update.execute(params![from, head])?;
    }
    let sql = "UPDATE notice SET channel = ?2, state = 'pending', attempts = 0, created_at_utc = ?3, next_try_at_utc = ?3
               WHERE channel = ?1 AND leads > 0
                 AND (state = 'pending' OR state = 'given_up' AND next_try_at_utc >= ?4)";
    tx.conn.prepare_cached(sql)?.execute(params![from, to, now, since])?;
    Ok(())
}

/// Gives up what waits in a channel.
fn give_up(tx: &mut WriteTx<'_>, channel: &ChannelName) -> Result<usize, StoreError> {
    let waiting = waiting(tx.conn, channel)?;
    for notice in &waiting {
        let error = "the channel is no longer configured".to_owned();
        outbox::record_attempt(tx, notice, None, &NoticeAttempt::GivenUp { error })?;
    }
    Ok(waiting.len())
}

/// What waits in a channel.
fn waiting(conn: &Connection, channel: &ChannelName) -> Result<Vec<Notice>, StoreError> {
    let sql = format!("{} WHERE channel = ?1 AND state = 'pending' ORDER BY id", outbox::SELECT);
    let mut statement = conn.prepare_cached(&sql)?;
    let notices = statement.query_map([channel.as_str()], outbox::row_to_notice)?;
    Ok(notices.collect::<Result<_, _>>()?)
}

/// Creates the channel's next notice, of all leads that have arrived since the last one, at most `max_leads`.
/// Returns whether there may be more.
///
/// # Errors
/// The database's own.
pub fn create_notice(
    tx: &mut WriteTx<'_>,
    channel: &ChannelName,
    max_leads: usize,
) -> Result<bool, StoreError> {
    let conn = tx.conn;
    let Some(progress) = progress(conn, channel)? else { return Ok(false) };
    let from = progress.followed_seq;
    let end = query::last_seq(conn)?.min(from + MAX_STEP_ROWS);
    let sql = "SELECT seq FROM audit_log
               WHERE seq > ?1 AND seq <= ?2 AND event = 'LEAD_RECEIVED' ORDER BY seq LIMIT ?3";
    let max = i64::try_from(max_leads).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(sql)?;
    let seqs = statement.query_map(params![from, end, max], |row| row.get(0))?;
    let seqs: Vec<i64> = seqs.collect::<Result<_, _>>()?;
    let through = if seqs.len() == max_leads { seqs.last().copied().unwrap_or(end) } else { end };
    if !seqs.is_empty() {
        let now = tx.now();
        let sql =
            "INSERT INTO notice (id, channel, subject, after_seq, through_seq, leads, created_at_utc, state,
                                       next_try_at_utc)
                   VALUES (?1, ?2, 'leads', ?3, ?4, ?5, ?6, 'pending', ?6)";
        let id = tx.new_id().hyphenated().to_string();
        let leads = i64::try_from(seqs.len()).unwrap_or(i64::MAX);
        conn.prepare_cached(sql)?.execute(params![
            id,
            channel.as_str(),
            from,
            through,
            leads,
            now
        ])?;
        let sql = "UPDATE notice_channel SET noticed_at_utc = ?2 WHERE name = ?1";
        conn.prepare_cached(sql)?.execute(params![channel.as_str(), now])?;
    }
    let sql = "UPDATE notice_channel SET followed_seq = ?2 WHERE name = ?1";
    conn.prepare_cached(sql)?.execute(params![channel.as_str(), through])?;
    Ok(through < query::last_seq(conn)?)
}

/// Marks a channel whose receiver is gone.
///
/// # Errors
/// The database's own.
pub fn end(tx: &mut WriteTx<'_>, channel: &ChannelName) -> Result<(), StoreError> {
    let sql = "UPDATE notice_channel SET ended_at_utc = ?2 WHERE name = ?1";
    tx.conn.prepare_cached(sql)?.execute(params![channel.as_str(), tx.now()])?;
    Ok(())
}

/// Sorted.
fn stored(conn: &Connection) -> Result<Vec<ConfiguredChannel>, StoreError> {
    let sql = "SELECT name, for_leads FROM notice_channel ORDER BY name";
    let mut statement = conn.prepare_cached(sql)?;
    let channels = statement.query_map([], |row| {
        let name = ChannelName::new(row.get::<_, String>(0)?);
        Ok(ConfiguredChannel { name, for_leads: row.get(1)? })
    })?;
    Ok(channels.collect::<Result<_, _>>()?)
}

fn progress(
    conn: &Connection,
    channel: &ChannelName,
) -> Result<Option<ChannelProgress>, StoreError> {
    let sql = "SELECT followed_seq, noticed_at_utc, ended_at_utc IS NOT NULL,
                      EXISTS (SELECT 1 FROM audit_log
                              WHERE seq > followed_seq AND event = 'LEAD_RECEIVED')
               FROM notice_channel WHERE name = ?1";
    let progress = conn.prepare_cached(sql)?.query_row([channel.as_str()], |row| {
        Ok(ChannelProgress {
            followed_seq: row.get(0)?,
            noticed_at_utc: row.get(1)?,
            has_ended: row.get(2)?,
            has_news: row.get(3)?,
        })
    });
    Ok(progress.optional()?)
}

impl ReadTx<'_> {
    /// The channels that are configured, sorted by name.
    ///
    /// # Errors
    /// The database's own.
    pub fn channels(&self) -> Result<Vec<ConfiguredChannel>, StoreError> {
        stored(self.0)
    }

    /// How far a channel is; `None` if it is not configured.
    ///
    /// # Errors
    /// The database's own.
    pub fn channel_progress(
        &self,
        channel: &ChannelName,
    ) -> Result<Option<ChannelProgress>, StoreError> {
        progress(self.0, channel)
    }
}
