//! When the last canary came through. `fastcore canary` sends them; they are kept out of lists and counts.

use rusqlite::OptionalExtension;

use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

impl ReadTx<'_> {
    /// When the last canary arrived, also one that was erased since; `None` if there was none in a long time.
    ///
    /// # Errors
    /// The database's own.
    pub fn last_canary_at(&self) -> Result<Option<Timestamp>, StoreError> {
        // Not the latest time: a clock may have been ahead. There are those of a day.
        let stored = "SELECT created_at_utc FROM lead_inbox WHERE source = 'canary' ORDER BY audit_seq DESC LIMIT 1";
        let stored: Option<Timestamp> =
            self.0.prepare_cached(stored)?.query_row([], |row| row.get(0)).optional()?;
        if stored.is_some() {
            return Ok(stored);
        }
        // Without the limit, the erasures of years would be looked through. The index on `event` is partial:
        // without the second condition, SQLite does not use it.
        let erased = "SELECT a.created_at_utc FROM (
                          SELECT seq, lead_id, details_json FROM audit_log
                          WHERE event = 'LEAD_ERASED' AND event <> 'LEAD_RECEIVED' ORDER BY seq DESC LIMIT 1000
                      ) AS e JOIN audit_log AS a ON a.lead_id = e.lead_id AND a.event = 'LEAD_RECEIVED'
                      WHERE e.details_json ->> 'reason' = 'canary' ORDER BY e.seq DESC LIMIT 1";
        Ok(self.0.prepare_cached(erased)?.query_row([], |row| row.get(0)).optional()?)
    }
}
