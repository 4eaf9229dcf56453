//! Alerts: which the operator was told of, and what is to be sent of them.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use crate::domain::alert::{Alert, AlertNotice};
use crate::domain::notice::{ChannelName, NoticeSubject};
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::notices::messages::{self, NewMessage};
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// A channel that is to tell an alert.
#[derive(Debug, Clone)]
pub struct AlertDelivery {
    /// The id of the notice.
    pub id: String,
    pub channel: ChannelName,
    /// Whether it was sent while the database could not be written.
    pub is_sent: bool,
}

/// Records that an alert is told, with a notice for each channel.
///
/// # Errors
/// The database's own.
pub fn record(
    tx: &mut WriteTx<'_>,
    alert: &Alert,
    notice: &AlertNotice,
    deliveries: &[AlertDelivery],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO alert (kind, began_at_utc, told_at_utc, ended_at_utc, detail) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (kind) DO UPDATE SET began_at_utc = excluded.began_at_utc,
                   told_at_utc = excluded.told_at_utc, ended_at_utc = excluded.ended_at_utc,
                   detail = excluded.detail";
    let Alert { kind, began_at_utc, told_at_utc, ended_at_utc, detail } = alert;
    tx.conn.prepare_cached(sql)?.execute(params![
        kind,
        began_at_utc,
        told_at_utc,
        ended_at_utc,
        detail
    ])?;
    let subject = NoticeSubject::Alert(notice.clone());
    for AlertDelivery { id, channel, is_sent } in deliveries {
        messages::insert(tx, &NewMessage { id, channel, subject: &subject, is_sent: *is_sent })?;
    }
    Ok(())
}

/// The channels of which a notice has waited since before a time, or was given up since another, or that have ended.
fn failing(
    conn: &Connection,
    late_before: Timestamp,
    given_up_since: Timestamp,
) -> Result<BTreeSet<ChannelName>, StoreError> {
    let sql = "SELECT channel FROM notice
               WHERE state = 'given_up' AND next_try_at_utc >= ?2 OR state = 'pending' AND created_at_utc < ?1
               UNION SELECT name FROM notice_channel WHERE ended_at_utc IS NOT NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let names =
        statement.query_map([late_before, given_up_since], |row| row.get::<_, String>(0))?;
    Ok(names.map(|name| name.map(ChannelName::new)).collect::<Result<_, _>>()?)
}

impl ReadTx<'_> {
    /// What the operator was told of, by kind.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        let sql =
            "SELECT kind, began_at_utc, told_at_utc, ended_at_utc, detail FROM alert ORDER BY kind";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(Alert {
                kind: row.get(0)?,
                began_at_utc: row.get(1)?,
                told_at_utc: row.get(2)?,
                ended_at_utc: row.get(3)?,
                detail: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The channels of which a notice has waited since before a time, was given up, or that have ended.
    ///
    /// # Errors
    /// The database's own.
    pub fn failing_channels(
        &self,
        late_before: Timestamp,
        given_up_since: Timestamp,
    ) -> Result<BTreeSet<ChannelName>, StoreError> {
        failing(self.0, late_before, given_up_since)
    }
}
