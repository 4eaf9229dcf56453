//! Keyset pagination of the inbox: scans it from a cursor on, in the order of time or through the
//! search index. Leads that are not indexed yet are looked at one by one.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rusqlite::{Connection, ToSql, params};

use crate::domain::cursor::Cursor;
use crate::domain::filter::LeadFilter;
use crate::domain::lead::Lead;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads::rows;
use crate::store::search::index;
use crate::store::search::index::LOW_BITS;
use crate::store::search::plan::{IndexQuery, OverMatch, SearchPlan};
use crate::store::search::unindexed::{Unindexed, matches};

/// Leads that are looked at and do not match, before the index is asked for the exact answer.
const MAX_FALSE_HITS: usize = 64;
/// Unindexed matches are sorted and cut when there are this many times the limit, or of
/// [`MIN_UNSORTED`].
const UNSORTED_FACTOR: usize = 4;
const MIN_UNSORTED: usize = 256;

/// The direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Older,
    Newer,
}

/// A scan of the inbox, away from a cursor.
pub(crate) struct KeysetScan {
    pub(crate) direction: Direction,
    pub(crate) from: Cursor,
    pub(crate) limit: usize,
}

impl KeysetScan {
    /// A scan of the newest leads.
    pub(crate) fn newest(limit: usize) -> Self {
        Self { direction: Direction::Older, from: Cursor::NEWEST, limit }
    }

    /// The leads that match the filter, in the order of the scan.
    pub(crate) fn leads(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
    ) -> Result<Vec<Lead>, StoreError> {
        if filter.matches_nothing() {
            return Ok(Vec::new());
        }
        let Some(plan) = SearchPlan::for_filter(conn, filter)? else {
            return self.by_time(conn, filter);
        };
        let unindexed = Unindexed::load(conn)?;
        let mut leads = Vec::new();
        unindexed.for_each_match(conn, filter, &mut |lead| {
            if self.is_ahead(Cursor::of(&lead)) {
                leads.push(lead);
                if leads.len() > self.limit.max(MIN_UNSORTED).saturating_mul(UNSORTED_FACTOR) {
                    self.sort(&mut leads);
                }
            }
            ControlFlow::Continue(())
        })?;
        let scan =
            |query: &IndexQuery, budget| self.indexed(conn, filter, query, &unindexed, budget);
        leads.extend(match &plan.over_match {
            OverMatch::Unknown { exact, .. } => match scan(&plan.fast, MAX_FALSE_HITS)? {
                (found, true) => found,
                (_, false) => scan(exact, usize::MAX)?.0,
            },
            OverMatch::None | OverMatch::Few => scan(&plan.fast, usize::MAX)?.0,
        });
        self.sort(&mut leads);
        Ok(leads)
    }

    /// Whether a place is ahead of the scan.
    fn is_ahead(&self, place: Cursor) -> bool {
        match self.direction {
            Direction::Older => place < self.from,
            Direction::Newer => place > self.from,
        }
    }

    /// Sorts leads in the order of the scan and cuts them at the limit.
    fn sort(&self, leads: &mut Vec<Lead>) {
        leads.sort_by_cached_key(Cursor::of);
        if self.direction == Direction::Older {
            leads.reverse();
        }
        leads.truncate(self.limit);
    }

    /// Without the search index: there is an index by time.
    fn by_time(&self, conn: &Connection, filter: &LeadFilter) -> Result<Vec<Lead>, StoreError> {
        let (conditions, mut values) = rows::conditions(filter);
        let bound = match self.direction {
            Direction::Older => {
                "l.created_at_utc <= ? AND (l.created_at_utc < ? OR l.audit_seq < ?)
                 ORDER BY l.created_at_utc DESC, l.audit_seq DESC"
            }
            Direction::Newer => {
                "l.created_at_utc >= ? AND (l.created_at_utc > ? OR l.audit_seq > ?)
                 ORDER BY l.created_at_utc, l.audit_seq"
            }
        };
        let sql = format!("{} WHERE 1{conditions} AND {bound} LIMIT ?", rows::SELECT);
        let from = self.from.timestamp().to_string();
        values.extend([from.clone(), from]);
        let mut values: Vec<&dyn ToSql> = values.iter().map(|v| v as &dyn ToSql).collect();
        // Canaries are few and not indexed: their words are looked at.
        let limit = if filter.canary { usize::MAX } else { self.limit };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        values.extend([&self.from.seq as &dyn ToSql, &limit]);
        let mut statement = conn.prepare_cached(&sql)?;
        let selected = statement.query_map(values.as_slice(), rows::row_to_lead)?;
        let mut leads: Vec<Lead> = selected.collect::<Result<_, _>>()?;
        if filter.canary {
            leads.retain(|lead| rows::matches_terms(lead, filter));
            leads.truncate(self.limit);
        }
        Ok(leads)
    }

    /// The matches of the index, each lead checked against the filter. Stops after `budget` leads that
    /// do not match. Returns whether it reached the end or the limit.
    pub(crate) fn indexed(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
        query: &IndexQuery,
        unindexed: &Unindexed,
        budget: usize,
    ) -> Result<(Vec<Lead>, bool), StoreError> {
        let mut buffer = CandidateBuffer::new(self, conn, filter, unindexed, budget);
        let mut result = Ok(());
        self.keys(conn, filter, query, unindexed, usize::MAX, &mut |key| match buffer.add(key) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(()),
            Err(error) => {
                result = Err(error);
                ControlFlow::Break(())
            }
        })?;
        result?;
        buffer.finish()
    }

    /// Calls `take` with the keys that the index matches, in the order of the scan, until it breaks.
    /// Reads at most `max_rows` rows; returns whether that was enough.
    pub(crate) fn keys(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
        query: &IndexQuery,
        unindexed: &Unindexed,
        max_rows: usize,
        take: &mut dyn FnMut(i64) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        if unindexed.indexed_through == 0 {
            // What is in the index, if anything, is of another tokenizer.
            return Ok(true);
        }
        let (mut first, mut last) = index::key_bounds(&filter.period);
        match self.direction {
            Direction::Older => last = last.min(index::last_key(self.from.micros)),
            Direction::Newer => first = first.max(index::first_key(self.from.micros)),
        }
        let descending = self.direction == Direction::Older;
        query.for_each_key(conn, first..=last, descending, max_rows, take)
    }
}

/// Turns keys of the index into leads and checks them against the filter, one microsecond at a time:
/// within one, the order is only known from the leads.
struct CandidateBuffer<'a> {
    scan: &'a KeysetScan,
    conn: &'a Connection,
    filter: &'a LeadFilter,
    unindexed: &'a Unindexed,
    /// How many more leads may fail to match.
    budget: usize,
    leads: Vec<Lead>,
    micros: i64,
    /// The low bits of the keys of this microsecond.
    lows: HashSet<i64>,
}

impl<'a> CandidateBuffer<'a> {
    fn new(
        scan: &'a KeysetScan,
        conn: &'a Connection,
        filter: &'a LeadFilter,
        unindexed: &'a Unindexed,
        budget: usize,
    ) -> Self {
        let (leads, lows) = (Vec::new(), HashSet::new());
        Self { scan, conn, filter, unindexed, budget, leads, micros: -1, lows }
    }

    /// Adds a key; returns whether more are wanted.
    fn add(&mut self, key: i64) -> Result<bool, StoreError> {
        let micros = key >> LOW_BITS;
        if micros != self.micros {
            self.check_leads()?;
            self.micros = micros;
        }
        self.lows.insert(key & index::low_mask());
        Ok(self.wants_more())
    }

    fn wants_more(&self) -> bool {
        self.leads.len() < self.scan.limit && self.budget > 0
    }

    /// The matches, and whether they are all, or as many as the limit.
    fn finish(mut self) -> Result<(Vec<Lead>, bool), StoreError> {
        if self.wants_more() {
            self.check_leads()?;
        }
        let is_complete = self.budget > 0 || self.leads.len() >= self.scan.limit;
        self.leads.truncate(self.scan.limit);
        Ok((self.leads, is_complete))
    }

    /// Checks the leads of the current microsecond.
    fn check_leads(&mut self) -> Result<(), StoreError> {
        if self.lows.is_empty() {
            return Ok(());
        }
        let order = if self.scan.direction == Direction::Older { "DESC" } else { "ASC" };
        let sql = format!(
            "{} WHERE l.created_at_utc = ?1 AND l.audit_seq <= ?2 ORDER BY l.audit_seq {order}",
            rows::SELECT
        );
        let time = Timestamp::from_micros(self.micros);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut selected = statement.query(params![time, self.unindexed.indexed_through])?;
        while let Some(row) = selected.next()? {
            let seq: i64 = row.get(0)?;
            let is_candidate = self.lows.contains(&(seq & index::low_mask()));
            if !is_candidate || self.unindexed.changed.contains_key(&seq) {
                continue;
            }
            let lead = rows::row_to_lead(row)?;
            if self.scan.is_ahead(Cursor::of(&lead)) && matches(self.filter, &lead) {
                self.leads.push(lead);
            } else {
                self.budget = self.budget.saturating_sub(1);
            }
        }
        self.lows.clear();
        Ok(())
    }
}
