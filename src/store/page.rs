//! What the admin page reads: pages of leads and of the audit log, newest first, each beginning
//! behind the last row of the one before; and the figures.

use rusqlite::{ToSql, params};

use super::error::StoreError;
use super::{Snapshot, audit, lead};
use crate::domain::audit::AuditRow;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::lead::Lead;

/// Which audit rows; every condition that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub period: Period,
    pub event: Option<String>,
    pub actor: Option<String>,
    pub lead_id: Option<String>,
}

/// Where a walk over the leads begins and which way it goes.
#[derive(Debug, Clone, Copy)]
enum From {
    /// Towards older ones, from the one before this place.
    Before(i64),
    /// Towards newer ones, from the one after this place.
    After(i64),
}

impl Snapshot<'_> {
    /// The newest leads that the filter finds, newest first; behind a place where one is given.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn lead_page(
        &self,
        filter: &LeadFilter,
        before_seq: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Lead>, StoreError> {
        self.walk(filter, From::Before(before_seq.unwrap_or(i64::MAX)), limit)
    }

    /// How many leads the filter finds, counted no further than `most`.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_count(&self, filter: &LeadFilter, most: usize) -> Result<usize, StoreError> {
        if filter.words.is_some() {
            return Ok(self.walk(filter, From::Before(i64::MAX), most)?.len());
        }
        let (conditions, values) = lead::conditions(filter);
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM lead_inbox AS l
             LEFT JOIN lead_status AS s ON s.audit_seq = l.audit_seq WHERE 1{conditions} LIMIT {most})"
        );
        let values = rusqlite::params_from_iter(values);
        let count: i64 = self.0.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// The ids of the next newer and the next older lead that the filter finds.
    ///
    /// # Errors
    /// The database's own.
    pub fn neighbours(
        &self,
        filter: &LeadFilter,
        seq: i64,
    ) -> Result<(Option<String>, Option<String>), StoreError> {
        let newer = self.walk(filter, From::After(seq), 1)?.pop();
        let older = self.walk(filter, From::Before(seq), 1)?.pop();
        Ok((newer.map(|lead| lead.id), older.map(|lead| lead.id)))
    }

    fn walk(&self, filter: &LeadFilter, from: From, limit: usize) -> Result<Vec<Lead>, StoreError> {
        let (conditions, values) = lead::conditions(filter);
        let (seq, bound) = match from {
            From::Before(seq) => (seq, "l.audit_seq < ? ORDER BY l.audit_seq DESC"),
            From::After(seq) => (seq, "l.audit_seq > ? ORDER BY l.audit_seq"),
        };
        let sql = format!("{} WHERE 1{conditions} AND {bound}", lead::COLUMNS);
        let mut values: Vec<&dyn ToSql> = values.iter().map(|v| v as &dyn ToSql).collect();
        values.push(&seq);
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        let mut leads = Vec::new();
        while leads.len() < limit
            && let Some(row) = rows.next()?
        {
            let lead = lead::row_to_lead(row)?;
            if lead::has_words(&lead, filter) {
                leads.push(lead);
            }
        }
        Ok(leads)
    }

    /// Whether a lead of this id was there and was erased.
    ///
    /// # Errors
    /// The database's own.
    pub fn was_erased(&self, lead_id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM audit_log WHERE lead_id = ?1 AND event = 'LEAD_ERASED'";
        Ok(self.0.prepare_cached(sql)?.exists([lead_id])?)
    }

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
        let mut sql = format!("{} WHERE seq < ?", audit::COLUMNS);
        let mut values: Vec<&dyn ToSql> = vec![&before];
        let conditions = [
            // The index is of all events but this one, and has to be told so.
            (
                if filter.event.as_deref() == Some("LEAD_RECEIVED") {
                    "event = ?"
                } else {
                    "event = ? AND event <> 'LEAD_RECEIVED'"
                },
                &filter.event,
            ),
            ("actor = ?", &filter.actor),
            ("lead_id = ?", &filter.lead_id),
            ("created_at_utc >= ?", &filter.period.since),
            ("created_at_utc < ?", &filter.period.until),
        ];
        for (condition, value) in &conditions {
            if let Some(value) = value {
                sql.push_str(" AND ");
                sql.push_str(condition);
                values.push(value);
            }
        }
        sql.push_str(" ORDER BY seq DESC LIMIT ?");
        values.push(&limit);
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(values.as_slice(), audit::row_to_audit)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The audit rows behind a place, oldest first.
    ///
    /// # Errors
    /// The database's own.
    pub fn audit_after(&self, seq: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let sql = format!("{} WHERE seq > ?1 ORDER BY seq LIMIT ?2", audit::COLUMNS);
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(params![seq, limit], audit::row_to_audit)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The lead whose arrival an audit row tells of, unless it was erased since.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_at(&self, audit_seq: i64) -> Result<Option<Lead>, StoreError> {
        Ok(self
            .walk(&LeadFilter::default(), From::After(audit_seq - 1), 1)?
            .pop()
            .filter(|lead| lead.audit_seq == audit_seq))
    }
}
