//! Notices that are to be sent, and what became of them.

use rusqlite::{Row, params};
use serde_json::json;

use crate::domain::audit::{ACTOR_NOTIFIER, AuditEvent, NewAuditRow};
use crate::domain::lead::Lead;
use crate::domain::notice::{ChannelName, Notice, NoticeState, NoticeSubject};
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::notices::messages;
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

pub(crate) const SELECT: &str = "SELECT id, channel, subject, message_json, after_seq, through_seq, leads, created_at_utc, state, \
     attempts, next_try_at_utc, last_error FROM notice";

/// Characters of an error that are kept, at most.
const MAX_ERROR_CHARS: usize = 300;

/// What has not reached its receivers.
#[derive(Debug, Clone, Default)]
pub struct NoticeBacklog {
    pub pending: i64,
    /// When the oldest of these was created.
    pub oldest_at_utc: Option<Timestamp>,
    pub last_error: Option<String>,
    /// When the oldest lead arrived for which a channel has no notice yet.
    pub unannounced_since_utc: Option<Timestamp>,
    /// Notices that were given up lately and not tried again.
    pub given_up: i64,
    /// Channels whose receivers want nothing more.
    pub ended_channels: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub enum NoticeAttempt {
    Sent,
    /// It is tried again at this time.
    Failed {
        error: String,
        next_try: Timestamp,
    },
    /// It is not tried again.
    GivenUp {
        error: String,
    },
}

/// Records an attempt; the end of a notice in the audit log as well.
///
/// # Errors
/// The database's own.
pub fn record_attempt(
    tx: &mut WriteTx<'_>,
    notice: &Notice,
    lead_id: Option<&str>,
    attempt: &NoticeAttempt,
) -> Result<(), StoreError> {
    let now = tx.now();
    let (state, next_try, error) = match attempt {
        NoticeAttempt::Sent => (NoticeState::Sent, now, None),
        NoticeAttempt::Failed { error, next_try } => (NoticeState::Pending, *next_try, Some(error)),
        NoticeAttempt::GivenUp { error } => (NoticeState::GivenUp, now, Some(error)),
    };
    let error = error.map(|error| error.chars().take(MAX_ERROR_CHARS).collect::<String>());
    let sql = "UPDATE notice SET state = ?2, attempts = attempts + 1, next_try_at_utc = ?3, last_error = ?4
               WHERE id = ?1 AND state = 'pending'";
    let row = params![notice.id, state.as_str(), next_try, error];
    if tx.conn.prepare_cached(sql)?.execute(row)? == 0 {
        return Ok(());
    }
    let event = match state {
        NoticeState::Pending => return Ok(()),
        NoticeState::Sent => AuditEvent::NoticeSent,
        NoticeState::GivenUp => AuditEvent::NoticeGivenUp,
    };
    let mut details = json!({
        "channel": notice.channel.as_str(),
        "notice": notice.id,
        "leads": notice.leads,
        "attempts": notice.attempts + 1,
    });
    if notice.leads == 0 {
        details["subject"] = notice.subject.as_str().into();
    }
    tx.append(&NewAuditRow {
        event,
        actor: ACTOR_NOTIFIER,
        lead_id,
        request_id: None,
        status_code: None,
        details_json: Some(&details.to_string()),
    })?;
    Ok(())
}

/// Removes a notice all of whose leads were erased.
///
/// # Errors
/// The database's own.
pub fn remove(tx: &mut WriteTx<'_>, id: &str) -> Result<(), StoreError> {
    tx.conn.prepare_cached("DELETE FROM notice WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Removes the notices that ended before a time.
///
/// # Errors
/// The database's own.
pub fn remove_ended(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<usize, StoreError> {
    let sql = "DELETE FROM notice WHERE state <> 'pending' AND next_try_at_utc < ?1";
    Ok(tx.conn.prepare_cached(sql)?.execute([before])?)
}

/// Lets pending notices and those that were given up be tried now: one, or all. A channel that had ended is
/// followed again. Returns how many.
///
/// # Errors
/// The database's own.
pub fn retry(tx: &mut WriteTx<'_>, id: Option<&str>) -> Result<usize, StoreError> {
    let now = tx.now();
    let sql = "UPDATE notice_channel SET ended_at_utc = NULL
               WHERE ?1 IS NULL OR name IN (SELECT channel FROM notice WHERE id = ?1)";
    tx.conn.prepare_cached(sql)?.execute([id])?;
    // The 24 hours of the attempts begin again.
    let sql = "UPDATE notice SET state = 'pending', next_try_at_utc = ?2, created_at_utc = ?2, attempts = 0
               WHERE state <> 'sent' AND (?1 IS NULL OR id = ?1)";
    Ok(tx.conn.prepare_cached(sql)?.execute(params![id, now])?)
}

pub(crate) fn row_to_notice(row: &Row<'_>) -> rusqlite::Result<Notice> {
    let json = row.get_ref(3)?.as_str_or_null()?;
    let subject = messages::parse(row.get_ref(2)?.as_str()?, json);
    Ok(Notice {
        id: row.get(0)?,
        channel: ChannelName::new(row.get::<_, String>(1)?),
        // Of no leads, it is removed unsent.
        subject: subject.unwrap_or(NoticeSubject::Leads),
        after_seq: row.get(4)?,
        through_seq: row.get(5)?,
        leads: row.get(6)?,
        created_at_utc: row.get(7)?,
        state: NoticeState::parse(row.get_ref(8)?.as_str()?).unwrap_or(NoticeState::GivenUp),
        attempts: row.get(9)?,
        next_try_at_utc: row.get(10)?,
        last_error: row.get(11)?,
    })
}

impl ReadTx<'_> {
    /// The pending notices of a channel: alerts first, then the oldest.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn pending_notices(
        &self,
        channel: &ChannelName,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        let sql = format!(
            "{SELECT} WHERE channel = ?1 AND state = 'pending'
             ORDER BY subject <> 'alert', id LIMIT ?2"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![channel.as_str(), limit], row_to_notice)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What has not reached its receivers; what was given up, since a time.
    ///
    /// # Errors
    /// The database's own.
    pub fn notice_backlog(&self, given_up_since: Timestamp) -> Result<NoticeBacklog, StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE state = 'pending'),
                          min(created_at_utc) FILTER (WHERE state = 'pending'),
                          (SELECT min(a.created_at_utc) FROM notice_channel AS c JOIN audit_log AS a
                           ON a.seq = (SELECT seq FROM audit_log WHERE seq > c.followed_seq
                                       AND event = 'LEAD_RECEIVED' ORDER BY seq LIMIT 1)
                           WHERE c.for_leads AND c.ended_at_utc IS NULL),
                          (SELECT last_error FROM notice WHERE state <> 'sent' AND last_error IS NOT NULL
                           ORDER BY id DESC LIMIT 1),
                          count(*) FILTER (WHERE state = 'given_up' AND next_try_at_utc >= ?1),
                          (SELECT count(*) FROM notice_channel WHERE ended_at_utc IS NOT NULL)
                   FROM notice WHERE state <> 'sent'";
        let backlog = self.0.prepare_cached(sql)?.query_row([given_up_since], |row| {
            Ok(NoticeBacklog {
                pending: row.get(0)?,
                oldest_at_utc: row.get(1)?,
                unannounced_since_utc: row.get(2)?,
                last_error: row.get(3)?,
                given_up: row.get(4)?,
                ended_channels: row.get(5)?,
            })
        });
        Ok(backlog?)
    }

    /// The notices that were not sent, oldest first; with `all`, the others as well.
    ///
    /// # Errors
    /// The database's own.
    pub fn notices(&self, all: bool, limit: usize) -> Result<Vec<Notice>, StoreError> {
        let sql = format!("{SELECT} WHERE ?1 OR state <> 'sent' ORDER BY id DESC LIMIT ?2");
        let mut statement = self.0.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![all, limit], row_to_notice)?;
        let mut notices: Vec<Notice> = rows.collect::<Result<_, _>>()?;
        notices.reverse();
        Ok(notices)
    }

    /// The leads of a notice that were not erased since, in the order of arrival, at most `limit`.
    ///
    /// # Errors
    /// The database's own.
    pub fn leads_of_notice(&self, notice: &Notice, limit: usize) -> Result<Vec<Lead>, StoreError> {
        let sql = format!(
            "{} JOIN audit_log AS a ON a.seq = l.audit_seq AND a.event = 'LEAD_RECEIVED'
             WHERE l.audit_seq > ?1 AND l.audit_seq <= ?2 ORDER BY l.audit_seq LIMIT ?3",
            rows::SELECT
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let range = params![notice.after_seq, notice.through_seq, limit];
        let leads = statement.query_map(range, rows::row_to_lead)?;
        Ok(leads.collect::<Result<_, _>>()?)
    }
}
