//! Copies of leads that left the database: backups and exports, as the audit log records them.

use rusqlite::params;
use serde::Serialize;

use crate::domain::audit::{ACTOR_SCHEDULE, AuditEvent};
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::privacy::erase::Erasure;
use crate::store::read::ReadTx;

/// A copy that the audit log records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedCopy {
    pub audit_seq: i64,
    pub created_at_utc: Timestamp,
}

/// The copies that may contain a lead: made after it arrived and before it was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecordedCopies {
    /// Backups that were taken by a command; only who took them knows where they are now.
    pub manual_backups: Vec<RecordedCopy>,
    /// Exports of leads, whatever their filter.
    pub exports: Vec<RecordedCopy>,
}

impl ReadTx<'_> {
    /// The copies that may contain a lead of an erasure, oldest first. The order of the audit log decides,
    /// not the times: a clock may have been wrong.
    ///
    /// # Errors
    /// The database's own.
    pub fn copies_before(&self, erasure: &Erasure) -> Result<RecordedCopies, StoreError> {
        let (mut first, mut last) = (i64::MAX, 0);
        for lead in &erasure.leads {
            let sql = "SELECT min(seq) FROM audit_log WHERE lead_id = ?1";
            first =
                first.min(self.0.prepare_cached(sql)?.query_row([&lead.lead_id], |r| r.get(0))?);
            last = last.max(lead.audit_seq);
        }
        for refused in &erasure.refused {
            first = first.min(refused.rejected_seq);
            last = last.max(refused.audit_seq);
        }
        // The second condition is that of the index of events.
        let sql = "SELECT seq, created_at_utc, event, actor FROM audit_log
                   WHERE event IN ('BACKUP_TAKEN', 'LEADS_EXPORTED') AND event <> 'LEAD_RECEIVED'
                     AND seq BETWEEN ?1 AND ?2 AND details_json ->> 'what' IS NOT 'audit'
                   ORDER BY seq";
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params![first, last])?;
        let mut copies = RecordedCopies::default();
        while let Some(row) = rows.next()? {
            let copy = RecordedCopy { audit_seq: row.get(0)?, created_at_utc: row.get(1)? };
            let (event, actor): (Recorded<AuditEvent>, String) = (row.get(2)?, row.get(3)?);
            if event.known() == Some(AuditEvent::LeadsExported) {
                copies.exports.push(copy);
            } else if actor != ACTOR_SCHEDULE {
                // Those of the schedule are in its folder, or deleted.
                copies.manual_backups.push(copy);
            }
        }
        Ok(copies)
    }
}
