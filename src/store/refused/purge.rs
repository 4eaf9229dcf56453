//! Removes refused submissions by the operator's choice or past their time.

use rusqlite::params;
use serde_json::json;

use crate::domain::audit::AuditEvent;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::privacy::ledger::{ErasureLedger, Erasures};
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// Selects refused submissions to be removed.
#[derive(Debug, Clone)]
pub enum PurgeSelection {
    /// Those that arrived last before this time: what is sent again is kept again.
    Before(Timestamp),
    /// Those that have become leads.
    Settled,
    All,
    /// The one with this id.
    One(String),
}

impl PurgeSelection {
    /// The name in the audit log.
    fn name(&self) -> &'static str {
        match self {
            Self::Before(_) => "age",
            Self::Settled => "settled",
            Self::All => "all",
            Self::One(_) => "one",
        }
    }

    /// The condition of SQL, with `?1`, and its value.
    fn condition(&self) -> (&'static str, String) {
        match self {
            Self::Before(time) => ("received_at_utc < ?1 AND last_at_utc < ?1", time.to_string()),
            Self::Settled => ("?1 = '' AND settled_at_utc IS NOT NULL", String::new()),
            Self::All => ("?1 = ''", String::new()),
            Self::One(id) => ("id = ?1", id.clone()),
        }
    }
}

/// Removes the oldest of a selection, up to a number, and records it; with a ledger, an older backup does not bring
/// them back. Returns how many were removed.
///
/// # Errors
/// The database's own; the ledger cannot be written.
pub fn purge(
    tx: &mut WriteTx<'_>,
    selection: &PurgeSelection,
    limit: u32,
    ledger: Option<&mut ErasureLedger>,
    actor: &str,
) -> Result<usize, StoreError> {
    let (condition, value) = selection.condition();
    let sql = format!(
        "DELETE FROM refused_submission WHERE audit_seq IN (
             SELECT audit_seq FROM refused_submission WHERE {condition} ORDER BY audit_seq LIMIT ?2)
         RETURNING id"
    );
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let ids = statement.query_map(params![value, limit], |row| row.get(0))?;
    let ids: Vec<String> = ids.collect::<Result<_, _>>()?;
    drop(statement);
    let rows = ids.len();
    if let Some(ledger) = ledger {
        ledger.record(&Erasures::of_ids(ids.iter().map(String::as_str)))?;
    }
    if rows > 0 {
        let details = json!({ "selection": selection.name(), "rows": rows });
        tx.append_event(AuditEvent::RefusedPurged, actor, &details)?;
    }
    Ok(rows)
}

impl ReadTx<'_> {
    /// How many refused submissions a selection has.
    ///
    /// # Errors
    /// The database's own.
    pub fn count_refused(&self, selection: &PurgeSelection) -> Result<u64, StoreError> {
        let (condition, value) = selection.condition();
        let sql = format!("SELECT count(*) FROM refused_submission WHERE {condition}");
        let count: i64 = self.0.query_row(&sql, [value], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}
