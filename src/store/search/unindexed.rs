//! Leads that the search index has not processed yet, looked at one by one.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use rusqlite::Connection;

use crate::domain::cursor::Cursor;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::lead::Lead;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::search::index;

/// What the index does not know yet: newer leads, and those whose status has changed, or that
/// were opened, since.
pub(crate) struct Unindexed {
    pub(crate) indexed_through: i64,
    /// The keys in the index of indexed leads that have changed, by their `audit_seq`.
    pub(crate) changed: HashMap<i64, i64>,
    /// These keys.
    pub(crate) keys: HashSet<i64>,
}

impl Unindexed {
    pub(crate) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let indexed_through = index::indexed_through(conn)?;
        // The index on `event` is partial: without the second condition, SQLite does not use it.
        let sql = "SELECT DISTINCT l.audit_seq, l.created_at_utc
                   FROM audit_log AS a JOIN lead_inbox AS l ON l.id = a.lead_id
                   WHERE a.event IN ('LEAD_PROCESSED', 'LEAD_VIEWED') AND a.event <> 'LEAD_RECEIVED'
                     AND a.seq > ?1 AND l.audit_seq <= ?1";
        let mut statement = conn.prepare_cached(sql)?;
        let mut changes = statement.query([indexed_through])?;
        let mut changed = HashMap::new();
        while let Some(row) = changes.next()? {
            let (seq, created_at_utc): (_, Timestamp) = (row.get(0)?, row.get(1)?);
            changed.insert(seq, index::key(Cursor { micros: created_at_utc.micros(), seq }));
        }
        let keys = changed.values().copied().collect();
        Ok(Self { indexed_through, changed, keys })
    }

    /// Calls `take` with those that match the filter, in no order, until it breaks.
    pub(crate) fn for_each_match(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
        take: &mut dyn FnMut(Lead) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for seq in self.changed.keys() {
            if let Some((lead, _)) = rows::find_by_audit_seq(conn, *seq)?
                && matches(filter, &lead)
                && take(lead).is_break()
            {
                return Ok(());
            }
        }
        for_each_newer(conn, self.indexed_through, &mut |lead| {
            if matches(filter, &lead) { take(lead) } else { ControlFlow::Continue(()) }
        })
    }
}

/// Calls `take` with the leads that arrived after an audit row, until it breaks.
pub(crate) fn for_each_newer(
    conn: &Connection,
    seq: i64,
    take: &mut dyn FnMut(Lead) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let sql = format!("{} WHERE l.audit_seq > ?1", rows::SELECT);
    let mut statement = conn.prepare_cached(&sql)?;
    let mut newer = statement.query([seq])?;
    while let Some(row) = newer.next()? {
        if take(rows::row_to_lead(row)?).is_break() {
            break;
        }
    }
    Ok(())
}

/// Whether a lead matches the filter.
pub(crate) fn matches(filter: &LeadFilter, lead: &Lead) -> bool {
    let Period { since, until } = filter.period;
    lead.is_canary() == filter.canary
        && since.is_none_or(|since| since <= lead.created_at_utc)
        && until.is_none_or(|until| lead.created_at_utc < until)
        && filter.service.is_none_or(|service| lead.service == Some(service))
        && filter.status.is_none_or(|status| lead.status == status)
        && filter.opened.is_none_or(|opened| lead.views.is_some() == opened)
        && rows::matches_terms(lead, filter)
}
