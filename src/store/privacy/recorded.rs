//! Erasures as the audit log records them.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use crate::domain::audit::{AuditEvent, ErasureReason};
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::db::wipe;
use crate::store::error::StoreError;
use crate::store::privacy::erase::{ErasedData, ErasedLead, Erasure};
use crate::store::privacy::refused::ErasedRefused;
use crate::store::read::ReadTx;

/// The rows of an erasure, by the id or `request_id` of a lead or the id of a refused submission. The second
/// condition is that of the index of events.
const FIND: &str = "SELECT seq, created_at_utc, details_json ->> 'reason' FROM audit_log
    WHERE event = 'LEAD_ERASED' AND (lead_id = ?1 OR request_id = ?1)
    UNION ALL
    SELECT seq, created_at_utc, details_json ->> 'reason' FROM audit_log
    WHERE event = 'REFUSED_ERASED' AND event <> 'LEAD_RECEIVED' AND details_json ->> 'refused_id' = ?1";

const ROWS: &str = "SELECT e.seq, e.event, e.lead_id, a.created_at_utc, a.details_json ->> 'email',
        e.details_json ->> 'refused_id', e.details_json ->> 'received_at_utc', e.details_json ->> 'rejected_seq'
    FROM audit_log AS e LEFT JOIN audit_log AS a
      ON a.lead_id = e.lead_id AND a.event IN ('LEAD_RECEIVED', 'LEAD_IMPORTED')
    WHERE e.event IN ('LEAD_ERASED', 'REFUSED_ERASED') AND e.event <> 'LEAD_RECEIVED'
      AND e.created_at_utc = ?1 AND (?2 OR e.seq = ?3)
    ORDER BY e.seq";

impl ReadTx<'_> {
    /// The erasure of a lead or a refused submission, by its id or `request_id`; with the others of the same
    /// transaction where they were selected as one person's, and not by their age or for a restore.
    ///
    /// # Errors
    /// The database's own.
    pub fn erasure(&self, id: &str) -> Result<Option<Erasure>, StoreError> {
        let found = self.0.query_row(FIND, [id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let found: Option<(i64, Timestamp, String)> = found.optional()?;
        let Some((seq, erased_at, reason)) = found else { return Ok(None) };
        let reason = ErasureReason::parse(&reason).unwrap_or(ErasureReason::Restored);
        let is_of_one_person = !matches!(
            reason,
            ErasureReason::Retention | ErasureReason::Canary | ErasureReason::Restored
        );
        let mut erased = ErasedData::default();
        let mut addresses = BTreeSet::new();
        let mut statement = self.0.prepare(ROWS)?;
        let mut rows = statement.query(params![erased_at, is_of_one_person, seq])?;
        let mut last_seq = 0;
        while let Some(row) = rows.next()? {
            let audit_seq = row.get(0)?;
            last_seq = audit_seq;
            let event: Recorded<AuditEvent> = row.get(1)?;
            if event.known() == Some(AuditEvent::RefusedErased) {
                erased.refused.push(ErasedRefused {
                    refused_id: row.get(5)?,
                    received_at_utc: row.get(6)?,
                    audit_seq,
                    rejected_seq: row.get(7)?,
                });
                continue;
            }
            let (lead_id, created_at_utc) = (row.get(2)?, row.get(3)?);
            erased.leads.push(ErasedLead { lead_id, created_at_utc, audit_seq });
            addresses.insert(row.get::<_, Option<String>>(4)?);
        }
        let masked_address = addresses.pop_first().flatten().filter(|_| addresses.is_empty());
        let is_wiped = last_seq <= wipe::wiped_through(self.0)?;
        let head = query::head(self.0)?.to_string();
        let ErasedData { leads, refused } = erased;
        Ok(Some(Erasure { leads, refused, reason, erased_at, head, masked_address, is_wiped }))
    }

    /// Whether the audit log records the erasure of a lead, by its id or `request_id`.
    ///
    /// # Errors
    /// The database's own.
    pub fn was_erased(&self, id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM audit_log
                   WHERE event = 'LEAD_ERASED' AND (lead_id = ?1 OR request_id = ?1)";
        Ok(self.0.query_row(sql, [id], |_| Ok(())).optional()?.is_some())
    }
}
