//! Counts the leads of a list by status, and by whether somebody has opened them.

use std::ops::ControlFlow;

use rusqlite::{Connection, ToSql, params};

use crate::domain::cursor::Cursor;
use crate::domain::filter::LeadFilter;
use crate::domain::lead::Lead;
use crate::domain::lead::status::LeadStatus;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads::keyset_scan::{Direction, KeysetScan};
use crate::store::leads::query::LeadCount;
use crate::store::read::ReadTx;
use crate::store::search::filter_lists::FilterLists;
use crate::store::search::index;
use crate::store::search::plan::{IndexQuery, OverMatch, SearchPlan};
use crate::store::search::unindexed::Unindexed;

/// A search that finds more leads than this is not tallied: each would have to be looked at.
pub(crate) const MAX_FOUND: usize = 300;

/// The leads that a filter matches, whatever their status is and whether or not somebody has opened them.
#[derive(Debug, Clone)]
pub struct LeadTally {
    /// In the order of the statuses.
    pub by_status: Vec<StatusTally>,
    /// When the oldest lead arrived whose status is `received`.
    pub oldest_received: Option<Timestamp>,
}

/// The leads of one status.
#[derive(Debug, Clone, Copy)]
pub struct StatusTally {
    pub status: LeadStatus,
    pub leads: LeadCount,
    /// Those of them that nobody has opened.
    pub unopened: LeadCount,
}

impl LeadTally {
    /// The tally of a list of so few leads that all of them are known.
    #[must_use]
    pub fn of(leads: &[Lead]) -> Self {
        let mut counter = TallyCounter::new(leads.len());
        leads.iter().for_each(|lead| counter.add(lead));
        counter.tally()
    }
}

impl ReadTx<'_> {
    /// The tally of a filter, each number counted up to `limit`; `None` if a search finds too many leads.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_tally(
        &self,
        filter: &LeadFilter,
        limit: usize,
    ) -> Result<Option<LeadTally>, StoreError> {
        let filter = LeadFilter { status: None, opened: None, ..filter.clone() };
        let mut counter = TallyCounter::new(limit);
        if filter.terms.is_none() && !filter.canary {
            counter.count_listed(self.0, &filter)?;
            let filter = LeadFilter { status: Some(LeadStatus::Received), ..filter };
            let oldest = KeysetScan { direction: Direction::Newer, from: Cursor::OLDEST, limit: 1 };
            let oldest = oldest.leads(self.0, &filter)?.pop();
            counter.oldest_received = oldest.map(|lead| lead.created_at_utc);
            return Ok(Some(counter.tally()));
        }
        if let Some(SearchPlan { fast, over_match: OverMatch::None }) =
            SearchPlan::for_filter(self.0, &filter)?
        {
            let are_all = counter.count_found(self.0, &filter, &fast)?;
            return Ok(are_all.then(|| counter.tally()));
        }
        let count = self.lead_count(&filter, MAX_FOUND)?;
        if !count.exact {
            return Ok(None);
        }
        let found = KeysetScan::newest(count.rows).leads(self.0, &filter)?;
        Ok(Some(LeadTally::of(&found)))
    }
}

/// Leads by status, and by whether somebody has opened them.
struct TallyCounter {
    limit: usize,
    rows: [[usize; 2]; LeadStatus::ALL.len()],
    is_complete: bool,
    oldest_received: Option<Timestamp>,
}

impl TallyCounter {
    fn new(limit: usize) -> Self {
        let rows = [[0; 2]; LeadStatus::ALL.len()];
        Self { limit, rows, is_complete: true, oldest_received: None }
    }

    fn add(&mut self, lead: &Lead) {
        self.add_row(lead.status, lead.views.is_some(), lead.created_at_utc);
    }

    fn add_row(&mut self, status: LeadStatus, opened: bool, created_at: Timestamp) {
        self.rows[status as usize][usize::from(opened)] += 1;
        if status == LeadStatus::Received {
            let oldest = self.oldest_received.unwrap_or(created_at);
            self.oldest_received = Some(oldest.min(created_at));
        }
    }

    /// Counts what a query of the index finds that returns the matches of the filter and nothing else: the texts
    /// of the leads are not read. Returns whether these are at most [`MAX_FOUND`].
    fn count_found(
        &mut self,
        conn: &Connection,
        filter: &LeadFilter,
        query: &IndexQuery,
    ) -> Result<bool, StoreError> {
        let unindexed = Unindexed::load(conn)?;
        let mut keys = Vec::new();
        let mut take = |key| {
            keys.push(key);
            ControlFlow::Continue(())
        };
        let scan = KeysetScan::newest(MAX_FOUND);
        if !scan.keys(conn, filter, query, &unindexed, MAX_FOUND, &mut take)? {
            return Ok(false);
        }
        for key in keys {
            self.add_indexed(conn, key, &unindexed)?;
        }
        let mut found = 0;
        unindexed.for_each_match(conn, filter, &mut |lead| {
            self.add(&lead);
            found += 1;
            if found <= MAX_FOUND { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(self.rows.as_flattened().iter().sum::<usize>() <= MAX_FOUND)
    }

    /// Adds the lead of a key; one that has changed since it was indexed is not added.
    fn add_indexed(
        &mut self,
        conn: &Connection,
        key: i64,
        unindexed: &Unindexed,
    ) -> Result<(), StoreError> {
        let sql = "SELECT l.audit_seq, coalesce(s.status, l.status), v.audit_seq IS NOT NULL
                   FROM lead_inbox AS l LEFT JOIN lead_status AS s ON s.audit_seq = l.audit_seq
                   LEFT JOIN lead_view AS v ON v.audit_seq = l.audit_seq
                   WHERE l.created_at_utc = ?1 AND l.audit_seq <= ?2 AND l.audit_seq & ?3 = ?4";
        let created_at = Timestamp::from_micros(key >> index::LOW_BITS);
        let low_bits = key & index::low_mask();
        let through = unindexed.indexed_through;
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows =
            statement.query(params![created_at, through, index::low_mask(), low_bits])?;
        while let Some(row) = rows.next()? {
            if !unindexed.changed.contains_key(&row.get(0)?) {
                self.add_row(row.get(1)?, row.get(2)?, created_at);
            }
        }
        Ok(())
    }

    /// Counts the rows of the index, and corrects what it does not know yet.
    fn count_listed(&mut self, conn: &Connection, filter: &LeadFilter) -> Result<(), StoreError> {
        let unindexed = Unindexed::load(conn)?;
        if unindexed.indexed_through > 0 {
            self.count_index_rows(conn, filter, &unindexed)?;
        }
        let mut left = self.limit;
        unindexed.for_each_match(conn, filter, &mut |lead| {
            self.add(&lead);
            left = left.saturating_sub(1);
            if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        self.is_complete = left > 0;
        Ok(())
    }

    fn count_index_rows(
        &mut self,
        conn: &Connection,
        filter: &LeadFilter,
        unindexed: &Unindexed,
    ) -> Result<(), StoreError> {
        let (first, last) = index::key_bounds(&filter.period);
        // A row more than are counted, and one for each that is taken off below.
        let most = i64::try_from(self.limit + 1 + unindexed.changed.len()).unwrap_or(i64::MAX);
        let mut of_index: Vec<&dyn ToSql> = vec![&first, &last];
        let and_service = filter.service.as_ref().map_or("", |service| {
            of_index.push(service);
            "AND service = ?3"
        });
        let (limit, key, seq) = (of_index.len() + 1, of_index.len() + 1, of_index.len() + 2);
        for status in LeadStatus::ALL {
            for opened in [false, true] {
                let list = FilterLists::one(status, opened);
                let rows = list.union("1", &format!("{and_service} AND key BETWEEN ?1 AND ?2"));
                let sql = format!("SELECT count(*) FROM ({rows} LIMIT ?{limit})");
                let mut values = of_index.clone();
                values.push(&most);
                let count = conn.prepare_cached(&sql)?.query_row(&*values, |row| row.get(0));
                let count = usize::try_from(count.map(|n: i64| n)?).unwrap_or(0);
                self.rows[status as usize][usize::from(opened)] = count;
            }
        }
        let sql = format!(
            "SELECT status, opened FROM lead_search_filter WHERE {} {and_service}
             AND key BETWEEN ?1 AND ?2 AND key = ?{key} AND audit_seq = ?{seq}",
            FilterLists::all().condition()
        );
        let mut statement = conn.prepare_cached(&sql)?;
        for (seq, key) in &unindexed.changed {
            let mut values = of_index.clone();
            values.extend([key as &dyn ToSql, seq]);
            let mut rows = statement.query(&*values)?;
            while let Some(row) = rows.next()? {
                let (status, opened): (LeadStatus, bool) = (row.get(0)?, row.get(1)?);
                let count = &mut self.rows[status as usize][usize::from(opened)];
                *count = count.saturating_sub(1);
            }
        }
        Ok(())
    }

    fn tally(&self) -> LeadTally {
        let count = |rows| LeadCount::up_to(self.limit, rows, self.is_complete);
        let of_status = |status: LeadStatus| {
            let [unopened, opened] = self.rows[status as usize];
            StatusTally { status, leads: count(unopened + opened), unopened: count(unopened) }
        };
        let by_status = LeadStatus::ALL.map(of_status).to_vec();
        LeadTally { by_status, oldest_received: self.oldest_received }
    }
}
