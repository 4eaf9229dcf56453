//! Pages of the audit log, newest first, each beginning behind the last row of the one before.

use rusqlite::{ToSql, params};

use crate::domain::audit::{AuditEvent, AuditRow};
use crate::domain::filter::Period;
use crate::domain::recorded::Recorded;
use crate::store::audit::query;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// Which audit rows; every condition that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub period: Period,
    pub event: Option<Recorded<AuditEvent>>,
    pub actor: Option<String>,
    pub lead_id: Option<String>,
}

impl ReadTx<'_> {
    /// The newest audit rows that the filter finds, newest first; behind a place where one is given.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_page(
        &self,
        filter: &AuditFilter,
        before_seq: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let before = before_seq.unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut sql = format!("{} WHERE seq < ?", query::COLUMNS);
        let mut values: Vec<&dyn ToSql> = vec![&before];
        let conditions: [(&str, Option<&dyn ToSql>); 5] = [
            // The index is of all events but this one, and has to be told so.
            (
                if filter.event == Some(Recorded::Known(AuditEvent::LeadReceived)) {
                    "event = ?"
                } else {
                    "event = ? AND event <> 'LEAD_RECEIVED'"
                },
                filter.event.as_ref().map(|v| v as _),
            ),
            ("actor = ?", filter.actor.as_ref().map(|v| v as _)),
            ("lead_id = ?", filter.lead_id.as_ref().map(|v| v as _)),
            ("created_at_utc >= ?", filter.period.since.as_ref().map(|v| v as _)),
            ("created_at_utc < ?", filter.period.until.as_ref().map(|v| v as _)),
        ];
        for (condition, value) in conditions {
            if let Some(value) = value {
                sql.push_str(" AND ");
                sql.push_str(condition);
                values.push(value);
            }
        }
        sql.push_str(" ORDER BY seq DESC LIMIT ?");
        values.push(&limit);
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(values.as_slice(), query::row_to_audit)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The audit rows behind a place, oldest first.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_after(&self, seq: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let sql = format!("{} WHERE seq > ?1 ORDER BY seq LIMIT ?2", query::COLUMNS);
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(params![seq, limit], query::row_to_audit)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
