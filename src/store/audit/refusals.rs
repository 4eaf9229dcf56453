//! What was refused lately, by the fields at fault.

use std::collections::BTreeMap;

use crate::domain::audit::AuditEvent;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// Rows of each event that are counted, at most.
const MAX_ROWS: u32 = 1000;
/// Names of fields that are told apart, at most.
const MAX_NAMES: usize = 20;

/// Submissions that were refused; each may have several faults.
#[derive(Debug, Clone, Default)]
pub struct RefusalTally {
    pub refused: u64,
    /// Whether there may be more: each event is counted up to a limit.
    pub has_more: bool,
    /// How often each field was at fault, by name.
    pub fields: BTreeMap<String, usize>,
}

impl ReadTx<'_> {
    /// The invalid submissions and those in conflict since a time.
    ///
    /// # Errors
    /// The database's own.
    pub fn refusals_since(&self, since: Timestamp) -> Result<RefusalTally, StoreError> {
        // The index on `event` is partial: without the second condition, SQLite does not use it.
        let sql = "SELECT created_at_utc, details_json -> 'fields', status_code FROM audit_log
                   WHERE event = ?1 AND event <> 'LEAD_RECEIVED' ORDER BY seq DESC LIMIT ?2";
        let mut tally = RefusalTally::default();
        let mut statement = self.0.prepare_cached(sql)?;
        let since = since.to_string();
        for event in [AuditEvent::LeadRejected, AuditEvent::LeadConflict] {
            let mut rows = statement.query((event, MAX_ROWS))?;
            let mut counted = 0;
            while let Some(row) = rows.next()? {
                if row.get_ref(0)?.as_str()? < since.as_str() {
                    break;
                }
                counted += 1;
                let fields: Option<String> = row.get(1)?;
                let names = fields.and_then(|json| serde_json::from_str::<Vec<String>>(&json).ok());
                let mut names = names.unwrap_or_default();
                if names.is_empty() {
                    let status: Option<i64> = row.get(2)?;
                    names.push(format!("HTTP {}", status.unwrap_or_default()));
                }
                for name in names {
                    if tally.fields.len() < MAX_NAMES || tally.fields.contains_key(&name) {
                        *tally.fields.entry(name).or_default() += 1;
                    }
                }
            }
            tally.refused += u64::from(counted);
            tally.has_more |= counted == MAX_ROWS;
        }
        Ok(tally)
    }
}
