//! Marks refused submissions as settled: they became leads after all.

use rusqlite::params;

use crate::domain::refused::contacts::{self, LeadSender};
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// Of those with one `request_id`, so many are looked at: the newest.
const MAX_LOOKED_AT: usize = 20;

/// Settles what was refused of the sender of a lead that is stored now, with its `request_id`. What others have sent
/// with it stays open: a site may give one `request_id` to many.
pub(crate) fn settle_by_request_id(
    tx: &WriteTx<'_>,
    request_id: &str,
    lead_id: &str,
    sender: LeadSender<'_>,
) -> Result<(), StoreError> {
    let sql = "SELECT id FROM refused_submission WHERE request_id = ?1 AND settled_at_utc IS NULL
               ORDER BY audit_seq DESC LIMIT ?2";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let ids = statement.query_map(params![request_id, MAX_LOOKED_AT as i64], |row| row.get(0))?;
    for id in ids.collect::<Result<Vec<String>, _>>()? {
        let kept = ReadTx(tx.conn).refused(&id)?;
        if kept.is_some_and(|(_, body)| contacts::is_of_sender(&body, sender)) {
            settle(tx, &id, lead_id)?;
        }
    }
    Ok(())
}

/// Settles one that a lead was made of.
pub(crate) fn settle(tx: &WriteTx<'_>, id: &str, lead_id: &str) -> Result<(), StoreError> {
    let sql = "UPDATE refused_submission SET settled_at_utc = ?3, lead_id = ?2
               WHERE id = ?1 AND settled_at_utc IS NULL";
    tx.conn.prepare_cached(sql)?.execute(params![id, lead_id, tx.now()])?;
    Ok(())
}
