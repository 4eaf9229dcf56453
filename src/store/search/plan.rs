//! How the search index answers a filter.

use std::ops::{ControlFlow, RangeInclusive};

use rusqlite::{Connection, ToSql};

use crate::domain::filter::LeadFilter;
use crate::domain::lead::LeadService;
use crate::store::error::StoreError;
use crate::store::search::filter_lists::FilterLists;
use crate::store::search::index::{MAX_PREFIX_LEN, service_token};

/// If the lists of a status, or of what nobody has opened, have at most this many leads, each is looked at,
/// whatever else the filter asks for.
const SMALL_LISTS: u32 = 150;

/// A filter in terms of the index.
pub(crate) struct SearchPlan {
    /// Answers from sorted lists, which are read no further than needed.
    pub(crate) fast: IndexQuery,
    /// What the fast query returns beyond what the filter matches.
    pub(crate) over_match: OverMatch,
}

/// How many of the matches of the fast query may not match the filter.
pub(crate) enum OverMatch {
    None,
    /// So few that each lead can be looked at.
    Few,
    /// Any number.
    Unknown {
        /// Returns what the filter matches and nothing else. Prefixes that have no list of their own
        /// are merged from the lists of all words that begin with them.
        exact: IndexQuery,
        /// Returns the matches of whole words, from lists as well.
        whole_words: IndexQuery,
    },
}

/// One query of the index.
pub(crate) struct IndexQuery {
    /// In FTS5's query syntax.
    match_expression: Option<String>,
    lists: Option<FilterLists>,
    service: Option<LeadService>,
}

impl SearchPlan {
    /// `None` if the filter asks for nothing that is indexed.
    pub(crate) fn for_filter(
        conn: &Connection,
        filter: &LeadFilter,
    ) -> Result<Option<Self>, StoreError> {
        let (lists, service) = (FilterLists::of(filter), filter.service);
        let terms: Vec<&str> = filter.terms.iter().flat_map(|terms| terms.iter()).collect();
        let from_lists = || IndexQuery { match_expression: None, lists: lists.clone(), service };
        match &lists {
            None if terms.is_empty() && service.is_none() => return Ok(None),
            Some(_) if terms.is_empty() => {
                return Ok(Some(Self { fast: from_lists(), over_match: OverMatch::None }));
            }
            Some(lists) if lists.are_small(conn, SMALL_LISTS)? => {
                return Ok(Some(Self { fast: from_lists(), over_match: OverMatch::Few }));
            }
            _ => {}
        }
        let query = |format_term: &dyn Fn(&str) -> String| {
            let service = service.map(|service| format!("\"{}\"", service_token(Some(service))));
            let terms: Vec<_> =
                service.into_iter().chain(terms.iter().map(|term| format_term(term))).collect();
            IndexQuery {
                match_expression: Some(terms.join(" AND ")),
                lists: lists.clone(),
                service: None,
            }
        };
        let fast = query(&|term| format!("\"{}\"*", indexed_prefix(term)));
        let over_match = if terms.iter().all(|term| term.chars().count() <= MAX_PREFIX_LEN) {
            OverMatch::None
        } else {
            OverMatch::Unknown {
                exact: query(&|term| format!("\"{term}\"*")),
                whole_words: query(&|term| format!("\"{term}\"")),
            }
        };
        Ok(Some(Self { fast, over_match }))
    }
}

impl IndexQuery {
    /// Calls `take` with the matching keys of the range, sorted, until it breaks. Reads at most
    /// `max_rows` rows; returns whether that was enough.
    pub(crate) fn for_each_key(
        &self,
        conn: &Connection,
        keys: RangeInclusive<i64>,
        descending: bool,
        max_rows: usize,
        take: &mut dyn FnMut(i64) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let order = if descending { "DESC" } else { "ASC" };
        let (mut first, mut last) = keys.into_inner();
        let mut values: Vec<&dyn ToSql> = Vec::new();
        let sql = match (&self.match_expression, &self.lists) {
            (None, None) => return Ok(true),
            (None, Some(lists)) => {
                let and_service = self.service.as_ref().map_or("", |service| {
                    values.push(service);
                    "AND service = ?3"
                });
                let union =
                    lists.union("key, 1", &format!("{and_service} AND key BETWEEN ?1 AND ?2"));
                format!("{union} ORDER BY 1 {order}")
            }
            (Some(expression), lists) => {
                values.push(expression);
                let mut is_listed = "1".to_owned();
                if let Some(lists) = lists {
                    // Leads of a status are often close together; only that range is searched.
                    let (min, max) = lists.key_range(conn)?;
                    first = first.max(min.unwrap_or(i64::MAX));
                    last = last.min(max.unwrap_or(i64::MIN));
                    is_listed = format!(
                        "EXISTS (SELECT 1 FROM lead_search_filter
                                 WHERE {} AND key = lead_search.rowid)",
                        lists.condition()
                    );
                }
                format!(
                    "SELECT rowid, {is_listed} FROM lead_search
                     WHERE lead_search MATCH ?3 AND rowid BETWEEN ?1 AND ?2 ORDER BY rowid {order}"
                )
            }
        };
        values.splice(0..0, [&first as &dyn ToSql, &last]);
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            if read == max_rows {
                return Ok(false);
            }
            read += 1;
            if row.get(1)? && take(row.get(0)?).is_break() {
                break;
            }
        }
        Ok(true)
    }
}

/// The longest prefix of a word that has a list of its own.
fn indexed_prefix(word: &str) -> &str {
    word.char_indices().nth(MAX_PREFIX_LEN).map_or(word, |(end, _)| &word[..end])
}
