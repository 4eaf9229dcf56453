//! Reads leads: single ones, all that match a filter, pages of the inbox, counts.

use std::ops::ControlFlow;

use rusqlite::Connection;

use crate::domain::cursor::Cursor;
use crate::domain::filter::{LeadFilter, LeadOrder};
use crate::domain::lead::Lead;
use crate::store::error::StoreError;
use crate::store::leads::keyset_scan::{Direction, KeysetScan};
use crate::store::leads::rows;
use crate::store::read::ReadTx;
use crate::store::search::plan::{IndexQuery, OverMatch, SearchPlan};
use crate::store::search::unindexed::Unindexed;

/// Matches of the index that are read to decide whether each is worth a look.
const MAX_RECHECKED: usize = 200;
/// Index rows that are read to count.
const MAX_INDEX_ROWS: usize = 10_000;

/// How many leads a filter matches: `rows`, or more than that if it is not exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadCount {
    pub rows: usize,
    pub exact: bool,
}

impl LeadCount {
    /// A count that stopped after `limit` rows, if there are more.
    pub(crate) fn up_to(limit: usize, rows: usize, is_complete: bool) -> Self {
        Self { rows: rows.min(limit), exact: is_complete && rows <= limit }
    }
}

impl ReadTx<'_> {
    /// A lead by its id or `request_id`.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn lead(&self, id: &str) -> Result<Option<Lead>, StoreError> {
        rows::find(self.0, id)
    }

    /// The lead whose arrival an audit row records, unless it was erased since.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_by_audit_seq(&self, audit_seq: i64) -> Result<Option<Lead>, StoreError> {
        Ok(rows::find_by_audit_seq(self.0, audit_seq)?.map(|(lead, _)| lead))
    }

    /// Calls `take` with every lead that matches the filter, in the order of arrival, until it breaks.
    ///
    /// # Errors
    /// The database's own.
    pub fn leads(
        &self,
        filter: &LeadFilter,
        take: &mut dyn FnMut(Lead) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let (conditions, values) = rows::conditions(filter);
        let sql = format!("{} WHERE 1{conditions} ORDER BY l.audit_seq", rows::SELECT);
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut selected = statement.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = selected.next()? {
            let lead = rows::row_to_lead(row)?;
            if rows::matches_terms(&lead, filter) && take(lead).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The leads that match the filter, in an order, after the cursor, if set.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_page(
        &self,
        filter: &LeadFilter,
        order: LeadOrder,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Lead>, StoreError> {
        let (direction, start) = match order {
            LeadOrder::NewestFirst => (Direction::Older, Cursor::NEWEST),
            LeadOrder::OldestFirst => (Direction::Newer, Cursor::OLDEST),
        };
        KeysetScan { direction, from: after.unwrap_or(start), limit }.leads(self.0, filter)
    }

    /// The ids of the next newer and the next older lead that match the filter.
    ///
    /// # Errors
    /// The database's own.
    pub fn neighbours(
        &self,
        filter: &LeadFilter,
        from: Cursor,
    ) -> Result<(Option<String>, Option<String>), StoreError> {
        let next = |direction| KeysetScan { direction, from, limit: 1 }.leads(self.0, filter);
        let (newer, older) = (next(Direction::Newer)?.pop(), next(Direction::Older)?.pop());
        Ok((newer.map(|lead| lead.id), older.map(|lead| lead.id)))
    }

    /// How many leads match the filter, counted up to `limit`.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_count(&self, filter: &LeadFilter, limit: usize) -> Result<LeadCount, StoreError> {
        if filter.matches_nothing() {
            return Ok(LeadCount { rows: 0, exact: true });
        }
        if filter.canary {
            let found = KeysetScan::newest(limit.saturating_add(1)).leads(self.0, filter)?;
            return Ok(LeadCount::up_to(limit, found.len(), true));
        }
        let Some(plan) = SearchPlan::for_filter(self.0, filter)? else {
            return count_without_index(self.0, filter, limit);
        };
        let unindexed = Unindexed::load(self.0)?;
        let mut unindexed_count = 0;
        unindexed.for_each_match(self.0, filter, &mut |_| {
            unindexed_count += 1;
            if unindexed_count <= limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        let count_keys = |query: &IndexQuery, limit: usize| {
            let mut rows = unindexed_count;
            let mut count = |key| {
                rows += usize::from(!unindexed.keys.contains(&key));
                if rows <= limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            };
            let is_complete = KeysetScan::newest(limit).keys(
                self.0,
                filter,
                query,
                &unindexed,
                MAX_INDEX_ROWS,
                &mut count,
            )?;
            Ok::<_, StoreError>(LeadCount::up_to(limit, rows, is_complete))
        };
        let count_by_recheck = || {
            let scan = KeysetScan::newest(limit.saturating_add(1));
            let (found, _) = scan.indexed(self.0, filter, &plan.fast, &unindexed, usize::MAX)?;
            Ok(LeadCount::up_to(limit, unindexed_count + found.len(), true))
        };
        let (exact, whole_words) = match &plan.over_match {
            OverMatch::None => return count_keys(&plan.fast, limit),
            OverMatch::Few => return count_by_recheck(),
            OverMatch::Unknown { exact, whole_words } => (exact, whole_words),
        };
        // A short list is rechecked lead by lead. If the whole words alone exceed the limit, their
        // prefixes need not be looked up.
        if count_keys(&plan.fast, MAX_RECHECKED)?.exact {
            return count_by_recheck();
        }
        let count = count_keys(whole_words, limit)?;
        if count.exact { count_keys(exact, limit) } else { Ok(count) }
    }
}

fn count_without_index(
    conn: &Connection,
    filter: &LeadFilter,
    limit: usize,
) -> Result<LeadCount, StoreError> {
    let (conditions, values) = rows::conditions(filter);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM lead_inbox AS l WHERE 1{conditions} LIMIT {})",
        limit.saturating_add(1)
    );
    let values = rusqlite::params_from_iter(values);
    let rows: i64 = conn.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?;
    Ok(LeadCount::up_to(limit, usize::try_from(rows).unwrap_or(0), true))
}
