//! Reads refused submissions.

use std::ops::ControlFlow;

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// A refused submission as it is stored, without its body.
#[derive(Debug, Clone)]
pub struct RefusedEntry {
    /// The audit row of its first arrival.
    pub audit_seq: i64,
    pub id: String,
    pub received_at_utc: Timestamp,
    pub status_code: i64,
    /// A list of faults, as JSON.
    pub faults_json: String,
    pub media_type: Option<String>,
    pub content_encoding: Option<String>,
    pub request_id: Option<String>,
    pub size: i64,
    /// How often it has arrived.
    pub times: i64,
    pub last_at_utc: Timestamp,
    pub settled_at_utc: Option<Timestamp>,
    /// The lead that it has become.
    pub lead_id: Option<String>,
}

const COLUMNS: &str =
    "audit_seq, id, received_at_utc, status_code, faults_json, media_type, content_encoding,
    request_id, size, times, last_at_utc, settled_at_utc, lead_id";

impl RefusedEntry {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            audit_seq: row.get(0)?,
            id: row.get(1)?,
            received_at_utc: row.get(2)?,
            status_code: row.get(3)?,
            faults_json: row.get(4)?,
            media_type: row.get(5)?,
            content_encoding: row.get(6)?,
            request_id: row.get(7)?,
            size: row.get(8)?,
            times: row.get(9)?,
            last_at_utc: row.get(10)?,
            settled_at_utc: row.get(11)?,
            lead_id: row.get(12)?,
        })
    }
}

/// How many refused submissions are kept, and how many were not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedTotals {
    pub kept_rows: i64,
    pub kept_bytes: i64,
    /// Kept, and not a lead yet.
    pub open_rows: i64,
    /// Removed before their time, for want of room.
    pub evicted: i64,
    pub evicted_at_utc: Option<Timestamp>,
    pub over_budget: i64,
    pub too_large: i64,
}

impl ReadTx<'_> {
    /// Refused submissions, the newest first, before the audit row `before`, if set; only those that are no lead
    /// yet, unless `settled` ones are wanted too.
    ///
    /// # Errors
    /// The database's own.
    pub fn refused_page(
        &self,
        settled: bool,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<RefusedEntry>, StoreError> {
        let condition = if settled { "1" } else { "settled_at_utc IS NULL" };
        let sql = format!(
            "SELECT {COLUMNS} FROM refused_submission WHERE {condition} AND audit_seq < ?1
             ORDER BY audit_seq DESC LIMIT ?2"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement
            .query_map(params![before.unwrap_or(i64::MAX), limit], RefusedEntry::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Calls `take` with each refused submission that arrived after an audit row, and its body, the oldest first,
    /// until it breaks.
    ///
    /// # Errors
    /// The database's own.
    pub fn each_refused(
        &self,
        after_seq: i64,
        take: &mut dyn FnMut(&RefusedEntry, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, body FROM refused_submission JOIN refused_body USING (audit_seq)
             WHERE audit_seq > ?1 ORDER BY audit_seq"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query([after_seq])?;
        while let Some(row) = rows.next()? {
            let body = row.get_ref(13)?.as_blob().map_err(rusqlite::Error::from)?;
            if take(&RefusedEntry::from_row(row)?, body).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// A refused submission with its body, by its id.
    ///
    /// # Errors
    /// The database's own.
    pub fn refused(&self, id: &str) -> Result<Option<(RefusedEntry, Vec<u8>)>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, (SELECT body FROM refused_body AS b WHERE b.audit_seq = r.audit_seq)
             FROM refused_submission AS r WHERE id = ?1"
        );
        let read = |row: &Row<'_>| Ok((RefusedEntry::from_row(row)?, row.get::<_, Option<_>>(13)?));
        let found = self.0.prepare_cached(&sql)?.query_row([id], read).optional()?;
        Ok(found.map(|(row, body)| (row, body.unwrap_or_default())))
    }

    /// What is kept and what was not.
    ///
    /// # Errors
    /// The database's own.
    pub fn refused_totals(&self) -> Result<RefusedTotals, StoreError> {
        let sql = "SELECT kept_rows, kept_bytes, evicted, evicted_at_utc, over_budget, too_large,
                       (SELECT count(*) FROM refused_submission WHERE settled_at_utc IS NULL)
                   FROM refused_total";
        let totals = self.0.prepare_cached(sql)?.query_row([], |row| {
            Ok(RefusedTotals {
                kept_rows: row.get(0)?,
                kept_bytes: row.get(1)?,
                evicted: row.get(2)?,
                evicted_at_utc: row.get(3)?,
                over_budget: row.get(4)?,
                too_large: row.get(5)?,
                open_rows: row.get(6)?,
            })
        });
        Ok(totals.optional()?.unwrap_or_default())
    }
}
