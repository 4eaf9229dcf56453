//! The list of leads, newest first: pages of it, how many it has, and who stands beside whom.
//! What the index has not come to yet is looked at lead by lead.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rusqlite::{Connection, ToSql, params};

use crate::domain::cursor::Cursor;
use crate::domain::filter::LeadFilter;
use crate::domain::lead::Lead;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::leads;
use crate::store::read::ReadTx;
use crate::store::search::index;
use crate::store::search::index::LOW_BITS;
use crate::store::search::plan::{IndexQuery, OverMatch, SearchPlan};
use crate::store::search::unindexed::{Unindexed, matches};

/// Leads looked at that the index was not sure of, before it is asked for the exact answer.
const MAX_FALSE_HITS: usize = 200;
/// Rows of the index that are read to count.
const MAX_INDEX_ROWS: usize = 10_000;

/// How many leads a filter finds: `rows`, or more than that where it is not exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadCount {
    pub rows: usize,
    pub exact: bool,
}

/// Which way to go along the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Older,
    Newer,
}

impl ReadTx<'_> {
    /// The newest leads that the filter matches, newest first; behind a place where one is given.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn lead_page(
        &self,
        filter: &LeadFilter,
        before: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<Lead>, StoreError> {
        let walk =
            PageScan { way: Direction::Older, from: before.unwrap_or(Cursor::NEWEST), limit };
        walk.leads(self.0, filter)
    }

    /// How many leads the filter matches, counted no further than `most`.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_count(&self, filter: &LeadFilter, most: usize) -> Result<LeadCount, StoreError> {
        let Some(question) = SearchPlan::of(self.0, filter)? else {
            return count_by_time(self.0, filter, most);
        };
        let rest = Unindexed::of(self.0)?;
        let mut beside = 0;
        rest.each(self.0, filter, &mut |_| {
            beside += 1;
            if beside <= most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let walk = |limit| PageScan { way: Direction::Older, from: Cursor::NEWEST, limit };
        let by_keys = |ask: &IndexQuery, most: usize| {
            let mut rows = beside;
            let all = walk(most).keys(self.0, filter, ask, &rest, MAX_INDEX_ROWS, &mut |key| {
                rows += usize::from(!rest.keys.contains(&key));
                if rows <= most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            Ok::<_, StoreError>(LeadCount { rows: rows.min(most), exact: all && rows <= most })
        };
        let count_by_recheck = || {
            let walk = walk(most.saturating_add(1));
            let (found, _) = walk.indexed(self.0, filter, &question.quick, &rest, usize::MAX)?;
            let rows = beside + found.len();
            Ok(LeadCount { rows: rows.min(most), exact: rows <= most })
        };
        let (exact, whole) = match &question.surplus {
            OverMatch::Nothing => return by_keys(&question.quick, most),
            OverMatch::Little => return count_by_recheck(),
            OverMatch::Unknown { exact, whole } => (exact, whole),
        };
        // Where the quick answer is short, each lead of it is looked at; where the words themselves
        // are more than enough, nobody puts together what they begin.
        if by_keys(&question.quick, MAX_FALSE_HITS)?.exact {
            return count_by_recheck();
        }
        let whole = by_keys(whole, most)?;
        if whole.exact { by_keys(exact, most) } else { Ok(whole) }
    }

    /// The ids of the next newer and the next older lead that the filter finds.
    ///
    /// # Errors
    /// The database's own.
    pub fn neighbours(
        &self,
        filter: &LeadFilter,
        from: Cursor,
    ) -> Result<(Option<String>, Option<String>), StoreError> {
        let next = |way| PageScan { way, from, limit: 1 }.leads(self.0, filter);
        let (newer, older) = (next(Direction::Newer)?.pop(), next(Direction::Older)?.pop());
        Ok((newer.map(|lead| lead.id), older.map(|lead| lead.id)))
    }

    /// The lead whose arrival an audit row tells of, unless it was erased since.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_at(&self, audit_seq: i64) -> Result<Option<Lead>, StoreError> {
        Ok(leads::arrived(self.0, audit_seq)?.map(|(lead, _)| lead))
    }
}

/// A walk along the list, away from a place.
struct PageScan {
    way: Direction,
    from: Cursor,
    limit: usize,
}

impl PageScan {
    fn leads(&self, conn: &Connection, filter: &LeadFilter) -> Result<Vec<Lead>, StoreError> {
        let Some(question) = SearchPlan::of(conn, filter)? else {
            return self.by_time(conn, filter);
        };
        let rest = Unindexed::of(conn)?;
        let mut leads = Vec::new();
        rest.each(conn, filter, &mut |lead| {
            if self.is_ahead(Cursor::of(&lead)) {
                leads.push(lead);
                if leads.len() > self.limit.max(256).saturating_mul(4) {
                    self.sort(&mut leads);
                }
            }
            ControlFlow::Continue(())
        })?;
        let look = |ask: &IndexQuery, budget| self.indexed(conn, filter, ask, &rest, budget);
        leads.extend(match &question.surplus {
            OverMatch::Unknown { exact, .. } => match look(&question.quick, MAX_FALSE_HITS)? {
                (found, true) => found,
                (_, false) => look(exact, usize::MAX)?.0,
            },
            OverMatch::Nothing | OverMatch::Little => look(&question.quick, usize::MAX)?.0,
        });
        self.sort(&mut leads);
        Ok(leads)
    }

    /// Whether a place lies where the walk goes.
    fn is_ahead(&self, place: Cursor) -> bool {
        match self.way {
            Direction::Older => place < self.from,
            Direction::Newer => place > self.from,
        }
    }

    /// Puts what was found in the walk's order, and keeps no more than was asked for.
    fn sort(&self, leads: &mut Vec<Lead>) {
        leads.sort_by_cached_key(Cursor::of);
        if self.way == Direction::Older {
            leads.reverse();
        }
        leads.truncate(self.limit);
    }

    /// Without the index: leads lie in the order of time anyway.
    fn by_time(&self, conn: &Connection, filter: &LeadFilter) -> Result<Vec<Lead>, StoreError> {
        let (conditions, mut values) = leads::conditions(filter);
        let bound = match self.way {
            Direction::Older => {
                "l.created_at_utc <= ? AND (l.created_at_utc < ? OR l.audit_seq < ?)
                 ORDER BY l.created_at_utc DESC, l.audit_seq DESC"
            }
            Direction::Newer => {
                "l.created_at_utc >= ? AND (l.created_at_utc > ? OR l.audit_seq > ?)
                 ORDER BY l.created_at_utc, l.audit_seq"
            }
        };
        let sql = format!("{} WHERE 1{conditions} AND {bound} LIMIT ?", leads::COLUMNS);
        let from = self.from.timestamp().to_string();
        values.extend([from.clone(), from]);
        let mut values: Vec<&dyn ToSql> = values.iter().map(|v| v as &dyn ToSql).collect();
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        values.extend([&self.from.seq as &dyn ToSql, &limit]);
        let mut statement = conn.prepare_cached(&sql)?;
        let rows = statement.query_map(values.as_slice(), leads::row_to_lead)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the index matches, each lead looked at once more. Stops where the budget of leads that
    /// were not what was asked for is spent; says whether it came to the end or to the limit.
    fn indexed(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
        question: &IndexQuery,
        rest: &Unindexed,
        budget: usize,
    ) -> Result<(Vec<Lead>, bool), StoreError> {
        let mut gather = CandidateBuffer::new(self, conn, filter, rest, budget);
        let mut outcome = Ok(());
        self.keys(conn, filter, question, rest, usize::MAX, &mut |key| match gather.take(key) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(()),
            Err(e) => {
                outcome = Err(e);
                ControlFlow::Break(())
            }
        })?;
        outcome?;
        gather.finish()
    }

    /// Gives the row keys that the index matches, in the walk's order. Reads no more than `most`; says
    /// whether it broke off or came to the end.
    fn keys(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
        question: &IndexQuery,
        rest: &Unindexed,
        most: usize,
        take: &mut dyn FnMut(i64) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let mut first = filter.period.since.map_or(0, Timestamp::micros);
        let mut last = filter.period.until.map_or(i64::MAX, |until| until.micros() - 1);
        match self.way {
            Direction::Older => last = last.min(self.from.micros),
            Direction::Newer => first = first.max(self.from.micros),
        }
        if rest.indexed_through == 0 {
            // What is in it, if anything, was put there by other rules.
            return Ok(true);
        }
        let (first, last) =
            (Cursor { micros: first, seq: 0 }, Cursor { micros: last, seq: index::low_mask() });
        let keys = (index::key(first), index::key(last));
        question.keys(conn, keys, self.way == Direction::Older, most, take)
    }
}

/// The leads that the index's row keys stand for, each held against the filter.
struct CandidateBuffer<'a> {
    walk: &'a PageScan,
    conn: &'a Connection,
    filter: &'a LeadFilter,
    rest: &'a Unindexed,
    /// How many more leads may be looked at for nothing.
    budget: usize,
    leads: Vec<Lead>,
    /// The keys of one microsecond, whose order is only known from the leads.
    micros: i64,
    lows: HashSet<i64>,
}

impl<'a> CandidateBuffer<'a> {
    fn new(
        walk: &'a PageScan,
        conn: &'a Connection,
        filter: &'a LeadFilter,
        rest: &'a Unindexed,
        budget: usize,
    ) -> Self {
        let (leads, lows) = (Vec::new(), HashSet::new());
        Self { walk, conn, filter, rest, budget, leads, micros: -1, lows }
    }

    /// Takes a key; says whether to go on.
    fn take(&mut self, key: i64) -> Result<bool, StoreError> {
        let micros = key >> LOW_BITS;
        if micros != self.micros {
            self.look()?;
            self.micros = micros;
        }
        self.lows.insert(key & index::low_mask());
        Ok(self.wants_more())
    }

    fn wants_more(&self) -> bool {
        self.leads.len() < self.walk.limit && self.budget > 0
    }

    /// What was found, and whether that is all, or all that was asked for.
    fn finish(mut self) -> Result<(Vec<Lead>, bool), StoreError> {
        if self.wants_more() {
            self.look()?;
        }
        let all = self.budget > 0 || self.leads.len() >= self.walk.limit;
        self.leads.truncate(self.walk.limit);
        Ok((self.leads, all))
    }

    /// Looks at the leads of the microsecond.
    fn look(&mut self) -> Result<(), StoreError> {
        if self.lows.is_empty() {
            return Ok(());
        }
        let order = if self.walk.way == Direction::Older { "DESC" } else { "ASC" };
        let sql = format!(
            "{} WHERE l.created_at_utc = ?1 AND l.audit_seq <= ?2 ORDER BY l.audit_seq {order}",
            leads::COLUMNS
        );
        let time = Timestamp::from_micros(self.micros);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params![time, self.rest.indexed_through])?;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            if !self.lows.contains(&(seq & index::low_mask())) || self.rest.changed.contains(&seq) {
                continue;
            }
            let lead = leads::row_to_lead(row)?;
            let wanted = self.walk.is_ahead(Cursor::of(&lead)) && matches(self.filter, &lead);
            if wanted {
                self.leads.push(lead);
            } else {
                self.budget = self.budget.saturating_sub(1);
            }
        }
        self.lows.clear();
        Ok(())
    }
}

fn count_by_time(
    conn: &Connection,
    filter: &LeadFilter,
    most: usize,
) -> Result<LeadCount, StoreError> {
    let (conditions, values) = leads::conditions(filter);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM lead_inbox AS l WHERE 1{conditions} LIMIT {})",
        most.saturating_add(1)
    );
    let values = rusqlite::params_from_iter(values);
    let rows: i64 = conn.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?;
    let rows = usize::try_from(rows).unwrap_or(0);
    Ok(LeadCount { rows: rows.min(most), exact: rows <= most })
}
