//! What the search index has not come to yet, looked at lead by lead.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rusqlite::Connection;

use crate::domain::cursor::Cursor;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::lead::Lead;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads;
use crate::store::search::index;

/// The leads that the index has not come to: newer ones, and those whose status has changed.
pub(crate) struct Unindexed {
    pub(crate) indexed_through: i64,
    pub(crate) changed: HashSet<i64>,
    /// The changed ones' keys in the index.
    pub(crate) keys: HashSet<i64>,
}

impl Unindexed {
    pub(crate) fn of(conn: &Connection) -> Result<Self, StoreError> {
        let indexed_through = index::indexed_through(conn)?;
        // The index of events leaves out arrivals, and has to be told so.
        let sql = "SELECT DISTINCT l.audit_seq, l.created_at_utc
                   FROM audit_log AS a JOIN lead_inbox AS l ON l.id = a.lead_id
                   WHERE a.event = 'LEAD_PROCESSED' AND a.event <> 'LEAD_RECEIVED' AND a.seq > ?1
                     AND l.audit_seq <= ?1";
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([indexed_through])?;
        let (mut changed, mut keys) = (HashSet::new(), HashSet::new());
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            changed.insert(seq);
            let micros = row.get::<_, Timestamp>(1)?.micros();
            keys.insert(index::key(Cursor { micros, seq }));
        }
        Ok(Self { indexed_through, changed, keys })
    }

    /// Gives those that the filter matches, in no order.
    pub(crate) fn each(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
        take: &mut dyn FnMut(Lead) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for seq in &self.changed {
            if let Some((lead, _)) = leads::arrived(conn, *seq)?
                && matches(filter, &lead)
                && take(lead).is_break()
            {
                return Ok(());
            }
        }
        let sql = format!("{} WHERE l.audit_seq > ?1", leads::COLUMNS);
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query([self.indexed_through])?;
        while let Some(row) = rows.next()? {
            let lead = leads::row_to_lead(row)?;
            if matches(filter, &lead) && take(lead).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a filter finds a lead.
pub(crate) fn matches(filter: &LeadFilter, lead: &Lead) -> bool {
    let Period { since, until } = filter.period;
    since.is_none_or(|since| since <= lead.created_at_utc)
        && until.is_none_or(|until| lead.created_at_utc < until)
        && filter.service.is_none_or(|service| lead.service == Some(service))
        && filter.status.is_none_or(|status| lead.status == status)
        && leads::has_words(lead, filter)
}
