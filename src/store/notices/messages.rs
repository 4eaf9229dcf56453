//! Notices that are no leads': alerts and morning mails, with their content.

use rusqlite::params;
use serde_json::Value;

use crate::domain::notice::{ChannelName, NoticeSubject};
use crate::store::error::StoreError;
use crate::store::tx::WriteTx;

/// A message for one channel.
pub(crate) struct NewMessage<'a> {
    pub(crate) id: &'a str,
    pub(crate) channel: &'a ChannelName,
    pub(crate) subject: &'a NoticeSubject,
    pub(crate) is_sent: bool,
}

/// Adds a message to those that are to be sent, or records that it was sent. A channel that is no longer
/// configured, or whose receiver wants nothing more, is left out.
pub(crate) fn insert(tx: &WriteTx<'_>, message: &NewMessage<'_>) -> Result<(), StoreError> {
    let NewMessage { id, channel, subject, is_sent } = message;
    let sql = "INSERT INTO notice (id, channel, subject, after_seq, through_seq, leads, message_json, created_at_utc,
                                   state, attempts, next_try_at_utc)
               SELECT ?1, name, ?3, 0, 0, 0, ?4, ?5, ?6, ?7, ?5
               FROM notice_channel WHERE name = ?2 AND (ended_at_utc IS NULL OR ?6 = 'sent')
               ON CONFLICT (id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts
               WHERE excluded.state = 'sent'";
    let state = if *is_sent { "sent" } else { "pending" };
    let (now, json) = (tx.now(), to_json(subject));
    tx.conn.prepare_cached(sql)?.execute(params![
        id,
        channel.as_str(),
        subject.as_str(),
        json.to_string(),
        now,
        state,
        i64::from(*is_sent)
    ])?;
    Ok(())
}

fn to_json(subject: &NoticeSubject) -> Value {
    let json = match subject {
        NoticeSubject::Leads => Ok(Value::Null),
        NoticeSubject::Alert(alert) => serde_json::to_value(alert),
        NoticeSubject::Digest(digest) => serde_json::to_value(digest),
    };
    json.unwrap_or_default()
}

/// The subject of a stored notice; `None` for what this binary cannot read.
pub(crate) fn parse(subject: &str, json: Option<&str>) -> Option<NoticeSubject> {
    match (subject, json) {
        ("leads", _) => Some(NoticeSubject::Leads),
        ("alert", Some(json)) => serde_json::from_str(json).ok().map(NoticeSubject::Alert),
        ("digest", Some(json)) => serde_json::from_str(json).ok().map(NoticeSubject::Digest),
        _ => None,
    }
}
