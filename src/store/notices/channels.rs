//! The channels of notices, and the notices that follow from the audit log.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::domain::notice::ChannelName;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// Audit rows that one step looks through, at most: the writer does nothing else meanwhile.
const MAX_STEP_ROWS: i64 = 5_000;

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

/// Keeps the channels of the configuration: a new one follows from the log's end on, one that is no longer
/// configured is forgotten with what it had not sent. Returns how many notices were dropped.
///
/// # Errors
/// The database's own.
pub fn configure(tx: &mut WriteTx<'_>, names: &[ChannelName]) -> Result<i64, StoreError> {
    let head = tx.head().seq;
    let conn = tx.conn;
    let mut dropped: i64 = 0;
    for name in stored_names(conn)?.iter().filter(|name| !names.contains(name)) {
        let pending = "SELECT count(*) FROM notice WHERE channel = ?1 AND state = 'pending'";
        let count = |row: &Row<'_>| row.get::<_, i64>(0);
        dropped += conn.prepare_cached(pending)?.query_row([name.as_str()], count)?;
        conn.prepare_cached("DELETE FROM notice_channel WHERE name = ?1")?
            .execute([name.as_str()])?;
    }
    for name in names {
        let sql = "INSERT OR IGNORE INTO notice_channel (name, followed_seq) VALUES (?1, ?2)";
        conn.prepare_cached(sql)?.execute(params![name.as_str(), head])?;
    }
    Ok(dropped)
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
            "INSERT INTO notice (id, channel, after_seq, through_seq, leads, created_at_utc, state,
                                       next_try_at_utc)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?6)";
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
fn stored_names(conn: &Connection) -> Result<Vec<ChannelName>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT name FROM notice_channel ORDER BY name")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0).map(ChannelName::new))?;
    Ok(names.collect::<Result<_, _>>()?)
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
    pub fn channel_names(&self) -> Result<Vec<ChannelName>, StoreError> {
        stored_names(self.0)
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
