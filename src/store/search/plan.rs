//! How the search index answers a filter.

use std::ops::{ControlFlow, RangeInclusive};

use rusqlite::{Connection, ToSql};

use crate::domain::filter::LeadFilter;
use crate::domain::lead::LeadService;
use crate::domain::search::lead_text::{
    id_token, number_part_token, number_token, person_hashes, service_token,
};
use crate::domain::search::terms::QueryToken;
use crate::store::error::StoreError;
use crate::store::search::filter_lists::FilterLists;
use crate::store::search::index::MAX_PREFIX_LEN;
use crate::store::search::list_window::ListWindow;

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
    source: KeySource,
    /// Matches are in one of these.
    lists: Option<FilterLists>,
}

/// Where a query reads its sorted keys.
enum KeySource {
    /// In its lists, of a service, if set.
    Lists(Option<LeadService>),
    /// Among the words; in FTS5's query syntax.
    Words(String),
    /// Among the leads of a person; see [`person_hashes`].
    Person(Vec<i64>),
}

impl SearchPlan {
    /// `None` if the filter asks for nothing that is indexed, as canaries are not.
    pub(crate) fn for_filter(
        conn: &Connection,
        filter: &LeadFilter,
    ) -> Result<Option<Self>, StoreError> {
        if filter.canary {
            return Ok(None);
        }
        let (lists, service) = (FilterLists::of(filter), filter.service);
        let terms = filter.terms.iter().flat_map(|terms| &terms.0);
        let terms: Vec<_> = terms.map(|term| tokens(&term.alternatives)).collect();
        let from_lists = || IndexQuery { source: KeySource::Lists(service), lists: lists.clone() };
        if let Some(person) = &filter.person {
            let is_all = terms.is_empty() && lists.is_none() && service.is_none();
            let over_match = if is_all { OverMatch::None } else { OverMatch::Few };
            let source = KeySource::Person(person_hashes(person));
            return Ok(Some(Self { fast: IndexQuery { source, lists }, over_match }));
        }
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
        let query = |format_token: &dyn Fn(&str) -> String| {
            let service = service.map(|service| format!("\"{}\"", service_token(Some(service))));
            let terms = terms.iter().map(|alternatives| any_of(alternatives, format_token));
            let conditions: Vec<_> = service.into_iter().chain(terms).collect();
            IndexQuery { source: KeySource::Words(conditions.join(" AND ")), lists: lists.clone() }
        };
        let fast = query(&|token| format!("\"{}\"*", indexed_prefix(token)));
        let is_indexed = |token: &String| token.chars().count() <= MAX_PREFIX_LEN;
        let over_match = if terms.iter().flatten().flatten().all(is_indexed) {
            OverMatch::None
        } else {
            OverMatch::Unknown {
                exact: query(&|token| format!("\"{token}\"*")),
                whole_words: query(&|token| format!("\"{token}\"")),
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
        let mut window = None;
        if let Some(lists) = &self.lists
            && !matches!(self.source, KeySource::Lists(_))
        {
            // Leads of a status are often close together; only that range is searched.
            let (min, max) = lists.key_range(conn)?;
            first = first.max(min.unwrap_or(i64::MAX));
            last = last.min(max.unwrap_or(i64::MIN));
            window = Some(ListWindow::new(conn, lists, first..=last, descending));
        }
        let mut values: Vec<&dyn ToSql> = vec![&first, &last];
        let sql = match &self.source {
            KeySource::Lists(service) => {
                let Some(lists) = &self.lists else { return Ok(true) };
                let and_service = service.as_ref().map_or("", |service| {
                    values.push(service);
                    "AND service = ?3"
                });
                let union = lists.union("key", &format!("{and_service} AND key BETWEEN ?1 AND ?2"));
                format!("{union} ORDER BY 1 {order}")
            }
            KeySource::Words(expression) => {
                values.push(expression);
                format!(
                    "SELECT rowid FROM lead_search
                     WHERE lead_search MATCH ?3 AND rowid BETWEEN ?1 AND ?2 ORDER BY rowid {order}"
                )
            }
            KeySource::Person(hashes) => {
                values.extend(hashes.iter().map(|hash| hash as &dyn ToSql));
                let places: Vec<_> = (3..values.len() + 1).map(|n| format!("?{n}")).collect();
                format!(
                    "SELECT DISTINCT key FROM lead_search_person
                     WHERE person IN ({}) AND key BETWEEN ?1 AND ?2 ORDER BY key {order}",
                    places.join(", ")
                )
            }
        };
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            if read == max_rows {
                return Ok(false);
            }
            read += 1;
            let key = row.get(0)?;
            let is_listed = match &mut window {
                Some(window) => window.contains(key)?,
                None => true,
            };
            if is_listed && take(key).is_break() {
                break;
            }
        }
        Ok(true)
    }
}

/// The tokens of the index of which a lead must have those of one alternative.
fn tokens(alternatives: &[Vec<QueryToken>]) -> Vec<Vec<String>> {
    let token = |token: &QueryToken| match token {
        QueryToken::Word(word) => word.clone(),
        QueryToken::NumberPart(digits) => number_part_token(digits),
        QueryToken::NumberStart(digits) => number_token(digits),
        QueryToken::Id(digits) => id_token(digits),
    };
    alternatives.iter().map(|tokens| tokens.iter().map(token).collect()).collect()
}

fn any_of(alternatives: &[Vec<String>], format_token: &dyn Fn(&str) -> String) -> String {
    let all_of = |tokens: &Vec<String>| {
        let tokens: Vec<_> = tokens.iter().map(|token| format_token(token)).collect();
        format!("({})", tokens.join(" AND "))
    };
    let alternatives: Vec<_> = alternatives.iter().map(all_of).collect();
    format!("({})", alternatives.join(" OR "))
}

/// The longest prefix of a word that has a list of its own.
fn indexed_prefix(word: &str) -> &str {
    word.char_indices().nth(MAX_PREFIX_LEN).map_or(word, |(end, _)| &word[..end])
}
