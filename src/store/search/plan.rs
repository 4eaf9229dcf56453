//! How the search index answers a filter.

use std::ops::{ControlFlow, RangeInclusive};

use rusqlite::{Connection, ToSql};

use crate::domain::filter::LeadFilter;
use crate::domain::lead::LeadService;
use crate::domain::person::SamePerson;
use crate::domain::search::lead_text::{
    email_token, id_token, number_part_token, number_token, service_token,
};
use crate::domain::search::terms::QueryToken;
use crate::store::error::StoreError;
use crate::store::search::filter_lists::FilterLists;
use crate::store::search::index::MAX_PREFIX_LEN;

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
        let terms = filter.terms.iter().flat_map(|terms| &terms.0);
        let terms: Vec<_> = terms.map(|term| tokens(&term.alternatives)).collect();
        let person = filter.person.as_ref().map(of_person);
        let from_lists = || IndexQuery { match_expression: None, lists: lists.clone(), service };
        match &lists {
            None if terms.is_empty() && person.is_none() && service.is_none() => return Ok(None),
            Some(_) if terms.is_empty() && person.is_none() => {
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
            let conditions: Vec<_> =
                service.into_iter().chain(person.clone()).chain(terms).collect();
            IndexQuery {
                match_expression: Some(conditions.join(" AND ")),
                lists: lists.clone(),
                service: None,
            }
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

/// The leads with the address or a number of a person.
fn of_person(person: &SamePerson) -> String {
    let numbers = person.numbers().map(number_token);
    let tokens = std::iter::once(email_token(person.email())).chain(numbers);
    let quoted: Vec<_> = tokens.map(|token| format!("\"{token}\"")).collect();
    format!("({})", quoted.join(" OR "))
}

/// The longest prefix of a word that has a list of its own.
fn indexed_prefix(word: &str) -> &str {
    word.char_indices().nth(MAX_PREFIX_LEN).map_or(word, |(end, _)| &word[..end])
}
