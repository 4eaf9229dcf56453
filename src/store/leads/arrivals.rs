//! When the site's leads arrived, by the audit log: those that were erased since count, imported ones and canaries do
//! not.

use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;

/// An audit row `a` of the arrival of a lead of the site, and of no canary, be it erased or not.
const IS_ARRIVAL: &str = "a.event = 'LEAD_RECEIVED'
    AND NOT EXISTS (SELECT 1 FROM lead_inbox AS l WHERE l.audit_seq = a.seq AND l.source = 'canary')
    AND NOT EXISTS (SELECT 1 FROM audit_log AS e WHERE e.lead_id = a.lead_id AND e.event = 'LEAD_ERASED'
                    AND e.details_json ->> 'reason' = 'canary')";

impl ReadTx<'_> {
    /// When the newest leads arrived since a time, newest first, at most `limit`. Looks only at the audit rows after
    /// `after_seq`.
    ///
    /// # Errors
    /// The database's own.
    pub fn arrivals(
        &self,
        since: Timestamp,
        after_seq: i64,
        limit: usize,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let sql = format!(
            "SELECT created_at_utc FROM audit_log AS a WHERE seq > ?1 AND {IS_ARRIVAL} ORDER BY seq DESC"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query([after_seq])?;
        let mut arrivals = Vec::new();
        while let Some(row) = rows.next()? {
            let at: Timestamp = row.get(0)?;
            if at < since || arrivals.len() == limit {
                break;
            }
            arrivals.push(at);
        }
        Ok(arrivals)
    }

    /// The leads that arrived in the audit rows after one up to another, by service, the most first.
    ///
    /// # Errors
    /// The database's own.
    pub fn arrivals_by_service(
        &self,
        after_seq: i64,
        through_seq: i64,
    ) -> Result<Vec<(Option<String>, i64)>, StoreError> {
        let sql = format!(
            "SELECT a.details_json ->> 'service', count(*) AS leads FROM audit_log AS a
             WHERE seq > ?1 AND seq <= ?2 AND {IS_ARRIVAL} GROUP BY 1 ORDER BY leads DESC, 1"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows =
            statement.query_map([after_seq, through_seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
