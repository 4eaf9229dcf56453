//! The list of leads, newest first: pages of it, how many it has, and who stands beside whom.
//! What the index has not come to yet is looked at lead by lead.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rusqlite::{Connection, ToSql, params};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::StoreError;
use super::question::{Ask, Question, Surplus};
use super::rest::{Rest, finds};
use super::search::{self, LOW_BITS};
use super::{Snapshot, lead};
use crate::domain::filter::LeadFilter;
use crate::domain::lead::Lead;
use crate::domain::place::{Place, micros};

/// Leads looked at that the index was not sure of, before it is asked for the exact answer.
const BUDGET: usize = 200;
/// Rows of the index that are read to count.
const READ: usize = 10_000;

/// How many leads a filter finds: `rows`, or more than that where it is not exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LeadCount)]
pub struct Count {
    pub rows: usize,
    pub exact: bool,
}

/// Which way to go along the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Older,
    Newer,
}

impl Snapshot<'_> {
    /// The newest leads that the filter finds, newest first; behind a place where one is given.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn lead_page(
        &self,
        filter: &LeadFilter,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Lead>, StoreError> {
        let walk = Walk { way: Way::Older, from: before.unwrap_or(Place::NEWEST), limit };
        walk.leads(self.0, filter)
    }

    /// How many leads the filter finds, counted no further than `most`.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_count(&self, filter: &LeadFilter, most: usize) -> Result<Count, StoreError> {
        let Some(question) = Question::of(self.0, filter)? else {
            return count_by_time(self.0, filter, most);
        };
        let rest = Rest::of(self.0)?;
        let mut beside = 0;
        rest.each(self.0, filter, &mut |_| {
            beside += 1;
            if beside <= most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let walk = |limit| Walk { way: Way::Older, from: Place::NEWEST, limit };
        let by_keys = |ask: &Ask, most: usize| {
            let mut rows = beside;
            let all = walk(most).keys(self.0, filter, ask, &rest, READ, &mut |key| {
                rows += usize::from(!rest.keys.contains(&key));
                if rows <= most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            Ok::<_, StoreError>(Count { rows: rows.min(most), exact: all && rows <= most })
        };
        let by_looks = || {
            let walk = walk(most.saturating_add(1));
            let (found, _) = walk.indexed(self.0, filter, &question.quick, &rest, usize::MAX)?;
            let rows = beside + found.len();
            Ok(Count { rows: rows.min(most), exact: rows <= most })
        };
        let (exact, whole) = match &question.surplus {
            Surplus::Nothing => return by_keys(&question.quick, most),
            Surplus::Little => return by_looks(),
            Surplus::Unknown { exact, whole } => (exact, whole),
        };
        // Where the quick answer is short, each lead of it is looked at; where the words themselves
        // are more than enough, nobody puts together what they begin.
        if by_keys(&question.quick, BUDGET)?.exact {
            return by_looks();
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
        from: Place,
    ) -> Result<(Option<String>, Option<String>), StoreError> {
        let next = |way| Walk { way, from, limit: 1 }.leads(self.0, filter);
        let (newer, older) = (next(Way::Newer)?.pop(), next(Way::Older)?.pop());
        Ok((newer.map(|lead| lead.id), older.map(|lead| lead.id)))
    }

    /// The lead whose arrival an audit row tells of, unless it was erased since.
    ///
    /// # Errors
    /// The database's own.
    pub fn lead_at(&self, audit_seq: i64) -> Result<Option<Lead>, StoreError> {
        Ok(lead::arrived(self.0, audit_seq)?.map(|(lead, _)| lead))
    }
}

/// A walk along the list, away from a place.
struct Walk {
    way: Way,
    from: Place,
    limit: usize,
}

impl Walk {
    fn leads(&self, conn: &Connection, filter: &LeadFilter) -> Result<Vec<Lead>, StoreError> {
        let Some(question) = Question::of(conn, filter)? else { return self.by_time(conn, filter) };
        let rest = Rest::of(conn)?;
        let mut leads = Vec::new();
        rest.each(conn, filter, &mut |lead| {
            if self.is_ahead(Place::of(&lead)) {
                leads.push(lead);
                if leads.len() > self.limit.max(256).saturating_mul(4) {
                    self.sort(&mut leads);
                }
            }
            ControlFlow::Continue(())
        })?;
        let look = |ask: &Ask, budget| self.indexed(conn, filter, ask, &rest, budget);
        leads.extend(match &question.surplus {
            Surplus::Unknown { exact, .. } => match look(&question.quick, BUDGET)? {
                (found, true) => found,
                (_, false) => look(exact, usize::MAX)?.0,
            },
            Surplus::Nothing | Surplus::Little => look(&question.quick, usize::MAX)?.0,
        });
        self.sort(&mut leads);
        Ok(leads)
    }

    /// Whether a place lies where the walk goes.
    fn is_ahead(&self, place: Place) -> bool {
        match self.way {
            Way::Older => place < self.from,
            Way::Newer => place > self.from,
        }
    }

    /// Puts what was found in the walk's order, and keeps no more than was asked for.
    fn sort(&self, leads: &mut Vec<Lead>) {
        leads.sort_by_cached_key(Place::of);
        if self.way == Way::Older {
            leads.reverse();
        }
        leads.truncate(self.limit);
    }

    /// Without the index: leads lie in the order of time anyway.
    fn by_time(&self, conn: &Connection, filter: &LeadFilter) -> Result<Vec<Lead>, StoreError> {
        let (conditions, mut values) = lead::conditions(filter);
        let bound = match self.way {
            Way::Older => {
                "l.created_at_utc <= ? AND (l.created_at_utc < ? OR l.audit_seq < ?)
                 ORDER BY l.created_at_utc DESC, l.audit_seq DESC"
            }
            Way::Newer => {
                "l.created_at_utc >= ? AND (l.created_at_utc > ? OR l.audit_seq > ?)
                 ORDER BY l.created_at_utc, l.audit_seq"
            }
        };
        let sql = format!("{} WHERE 1{conditions} AND {bound} LIMIT ?", lead::COLUMNS);
        let moment = self.from.moment();
        values.extend([moment.clone(), moment]);
        let mut values: Vec<&dyn ToSql> = values.iter().map(|v| v as &dyn ToSql).collect();
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        values.extend([&self.from.seq as &dyn ToSql, &limit]);
        let mut statement = conn.prepare_cached(&sql)?;
        let rows = statement.query_map(values.as_slice(), lead::row_to_lead)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the index finds, each lead looked at once more. Stops where the budget of leads that
    /// were not what was asked for is spent; says whether it came to the end or to the limit.
    fn indexed(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
        question: &Ask,
        rest: &Rest,
        budget: usize,
    ) -> Result<(Vec<Lead>, bool), StoreError> {
        let mut gather = Gather::new(self, conn, filter, rest, budget);
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

    /// Gives the row keys that the index finds, in the walk's order. Reads no more than `most`; says
    /// whether it broke off or came to the end.
    fn keys(
        &self,
        conn: &Connection,
        filter: &LeadFilter,
        question: &Ask,
        rest: &Rest,
        most: usize,
        take: &mut dyn FnMut(i64) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let bound = |moment: &Option<String>| moment.as_deref().and_then(micros);
        let mut first = bound(&filter.period.since).unwrap_or(0);
        let mut last = bound(&filter.period.until).map_or(i64::MAX, |until| until - 1);
        match self.way {
            Way::Older => last = last.min(self.from.micros),
            Way::Newer => first = first.max(self.from.micros),
        }
        if rest.followed == 0 {
            // What is in it, if anything, was put there by other rules.
            return Ok(true);
        }
        let (first, last) =
            (Place { micros: first, seq: 0 }, Place { micros: last, seq: search::low_mask() });
        let keys = (search::key(first), search::key(last));
        question.keys(conn, keys, self.way == Way::Older, most, take)
    }
}

/// The leads that the index's row keys stand for, each held against the filter.
struct Gather<'a> {
    walk: &'a Walk,
    conn: &'a Connection,
    filter: &'a LeadFilter,
    rest: &'a Rest,
    /// How many more leads may be looked at for nothing.
    budget: usize,
    leads: Vec<Lead>,
    /// The keys of one microsecond, whose order is only known from the leads.
    micros: i64,
    lows: HashSet<i64>,
}

impl<'a> Gather<'a> {
    fn new(
        walk: &'a Walk,
        conn: &'a Connection,
        filter: &'a LeadFilter,
        rest: &'a Rest,
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
        self.lows.insert(key & search::low_mask());
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
        let order = if self.walk.way == Way::Older { "DESC" } else { "ASC" };
        let sql = format!(
            "{} WHERE l.created_at_utc = ?1 AND l.audit_seq <= ?2 ORDER BY l.audit_seq {order}",
            lead::COLUMNS
        );
        let moment = Place { micros: self.micros, seq: 0 }.moment();
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params![moment, self.rest.followed])?;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            if !self.lows.contains(&(seq & search::low_mask())) || self.rest.changed.contains(&seq)
            {
                continue;
            }
            let lead = lead::row_to_lead(row)?;
            let wanted = self.walk.is_ahead(Place::of(&lead)) && finds(self.filter, &lead);
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

fn count_by_time(conn: &Connection, filter: &LeadFilter, most: usize) -> Result<Count, StoreError> {
    let (conditions, values) = lead::conditions(filter);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM lead_inbox AS l WHERE 1{conditions} LIMIT {})",
        most.saturating_add(1)
    );
    let values = rusqlite::params_from_iter(values);
    let rows: i64 = conn.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?;
    let rows = usize::try_from(rows).unwrap_or(0);
    Ok(Count { rows: rows.min(most), exact: rows <= most })
}
