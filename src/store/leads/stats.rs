//! Counts of leads: over time, by service, by status, and how long they waited.

use rusqlite::OptionalExtension;
use rusqlite::types::{FromSql, ValueRef};

use crate::domain::filter::{LeadFilter, Period};
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::read::ReadTx;

impl ReadTx<'_> {
    /// When the first and the last lead of a period arrived; `None` if there are none.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn time_range(
        &self,
        period: &Period,
    ) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let (conditions, values) = conditions(period);
        let end = |direction: &str| {
            let sql = format!(
                "SELECT created_at_utc FROM lead_inbox AS l WHERE 1{conditions}
                 ORDER BY created_at_utc {direction} LIMIT 1"
            );
            let values = rusqlite::params_from_iter(&values);
            let time = self.0.prepare_cached(&sql)?.query_row(values, |row| row.get(0));
            Ok::<_, StoreError>(time.optional()?)
        };
        Ok(end("ASC")?.zip(end("DESC")?))
    }

    /// How many leads arrived in a period.
    ///
    /// # Errors
    /// The database's own.
    pub fn leads_in(&self, period: &Period) -> Result<i64, StoreError> {
        let (conditions, values) = conditions(period);
        let sql = format!("SELECT count(*) FROM lead_inbox AS l WHERE 1{conditions}");
        let values = rusqlite::params_from_iter(values);
        Ok(self.0.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?)
    }

    /// The leads of a period by service, the most first.
    ///
    /// # Errors
    /// The database's own.
    pub fn by_service(
        &self,
        period: &Period,
    ) -> Result<Vec<(Option<LeadService>, i64)>, StoreError> {
        self.grouped(period, "l.service")
    }

    /// The leads of a period by present status, the most first.
    ///
    /// # Errors
    /// The database's own.
    pub fn by_status(&self, period: &Period) -> Result<Vec<(LeadStatus, i64)>, StoreError> {
        self.grouped(period, "coalesce(s.status, l.status)")
    }

    /// Counts here: SQLite would sort all rows of the period, in memory.
    fn grouped<T: FromSql>(&self, period: &Period, by: &str) -> Result<Vec<(T, i64)>, StoreError> {
        let (conditions, values) = conditions(period);
        let sql = format!(
            "SELECT {by} FROM lead_inbox AS l
             LEFT JOIN lead_status AS s ON s.audit_seq = l.audit_seq WHERE 1{conditions}"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        let mut counts: Vec<(Option<String>, i64)> = Vec::new();
        while let Some(row) = rows.next()? {
            let value = row.get_ref(0)?.as_str_or_null().map_err(rusqlite::Error::from)?;
            match counts.iter_mut().find(|(known, _)| known.as_deref() == value) {
                Some((_, count)) => *count += 1,
                None => counts.push((value.map(str::to_owned), 1)),
            }
        }
        counts.sort_unstable_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        let typed = |(value, count): (Option<String>, i64)| {
            let value = T::column_result(value.as_deref().map_or(ValueRef::Null, ValueRef::from));
            Ok((value.map_err(rusqlite::Error::from)?, count))
        };
        counts.into_iter().map(typed).collect()
    }

    /// The seconds from the arrival of each lead of a period to its first status other than `received`, in no order; those
    /// without one are left out.
    ///
    /// # Errors
    /// The database's own.
    pub fn seconds_to_processing(&self, period: &Period) -> Result<Vec<i64>, StoreError> {
        let (conditions, values) = conditions(period);
        // A lead without a row in lead_status never had another status.
        let sql = format!(
            "SELECT l.created_at_utc,
                    (SELECT a.created_at_utc FROM audit_log AS a
                     WHERE a.lead_id = l.id AND a.event = 'LEAD_PROCESSED'
                         AND a.details_json ->> 'from' = 'received' ORDER BY a.seq LIMIT 1) AS processed
             FROM lead_status AS s JOIN lead_inbox AS l ON l.audit_seq = s.audit_seq
             WHERE processed IS NOT NULL{conditions}"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let values = rusqlite::params_from_iter(values);
        let rows = statement.query_map(values, |row| {
            let (arrived, processed): (Timestamp, Timestamp) = (row.get(0)?, row.get(1)?);
            Ok((processed.to_datetime() - arrived.to_datetime()).num_seconds())
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many leads, without canaries, and audit rows are stored.
    ///
    /// # Errors
    /// The database's own.
    pub fn row_counts(&self) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT (SELECT count(*) FROM lead_inbox)
                       - (SELECT count(*) FROM lead_inbox WHERE source = 'canary'),
                       (SELECT count(*) FROM audit_log)";
        Ok(self.0.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// When the last lead arrived, canaries aside.
    ///
    /// # Errors
    /// The database's own.
    pub fn last_lead_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT created_at_utc FROM lead_inbox WHERE source <> 'canary'
                   ORDER BY audit_seq DESC LIMIT 1";
        Ok(self.0.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
    }
}

fn conditions(period: &Period) -> (String, Vec<String>) {
    rows::conditions(&LeadFilter { period: *period, ..LeadFilter::default() })
}
