//! What the search index is asked for.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row, ToSql, params};

use crate::domain::filter::LeadFilter;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::store::error::StoreError;
use crate::store::search::index::{MAX_PREFIX_LEN, service_word};

/// With so few leads of a status, each is looked at, whatever else is asked for.
const SMALL_STATUS: u32 = 150;

/// A filter as the index understands it.
pub(crate) struct SearchPlan {
    /// What it answers from lists that it reads no further than needed.
    pub(crate) quick: IndexQuery,
    pub(crate) surplus: OverMatch,
}

/// What the quick answer has too much.
pub(crate) enum OverMatch {
    Nothing,
    /// So little that each lead is looked at.
    Little,
    /// Any number of leads.
    Unknown {
        /// Finds what the filter finds and nothing else: beginnings of words that have no list of
        /// their own are put together from all that they begin.
        exact: IndexQuery,
        /// Finds the words themselves and not what they begin, from lists as well.
        whole: IndexQuery,
    },
}

/// One way to ask the index.
pub(crate) struct IndexQuery {
    words: Option<String>,
    status: Option<LeadStatus>,
    service: Option<LeadService>,
}

impl SearchPlan {
    /// None where the filter asks for nothing that the index knows.
    pub(crate) fn of(conn: &Connection, filter: &LeadFilter) -> Result<Option<Self>, StoreError> {
        let (status, service) = (filter.status, filter.service);
        let texts: Vec<&str> = filter.words.iter().flat_map(|words| words.iter()).collect();
        match status {
            None if texts.is_empty() && service.is_none() => return Ok(None),
            Some(_) if texts.is_empty() => {
                let quick = IndexQuery { words: None, status, service };
                return Ok(Some(Self { quick, surplus: OverMatch::Nothing }));
            }
            Some(known) if are_few(conn, known)? => {
                let quick = IndexQuery { words: None, status, service };
                return Ok(Some(Self { quick, surplus: OverMatch::Little }));
            }
            _ => {}
        }
        let ask = |term: &dyn Fn(&str) -> String| {
            let service = service.map(|s| format!("\"{}\"", service_word(Some(s))));
            let terms: Vec<_> = service.into_iter().chain(texts.iter().map(|t| term(t))).collect();
            IndexQuery { words: Some(terms.join(" AND ")), status, service: None }
        };
        let quick = ask(&|word| format!("\"{}\"*", beginning(word)));
        let surplus = if texts.iter().all(|word| word.chars().count() <= MAX_PREFIX_LEN) {
            OverMatch::Nothing
        } else {
            let exact = ask(&|word| format!("\"{word}\"*"));
            OverMatch::Unknown { exact, whole: ask(&|word| format!("\"{word}\"")) }
        };
        Ok(Some(Self { quick, surplus }))
    }
}

impl IndexQuery {
    /// Gives the keys from `first` to `last`, in their order or the other way, until `take` breaks
    /// off. Reads no more than `most`; says whether it broke off or came to the end.
    pub(crate) fn keys(
        &self,
        conn: &Connection,
        (mut first, mut last): (i64, i64),
        descending: bool,
        most: usize,
        take: &mut dyn FnMut(i64) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let order = if descending { "DESC" } else { "ASC" };
        let (status, service) =
            (self.status.map(LeadStatus::as_str), self.service.map(LeadService::as_str));
        let mut values: Vec<&dyn ToSql> = Vec::new();
        let sql = match (&self.words, &status) {
            (None, status) => {
                values.push(status);
                let and = service.as_ref().map_or("", |service| {
                    values.push(service);
                    "AND service = ?2"
                });
                let (from, to) = (values.len() + 1, values.len() + 2);
                format!(
                    "SELECT key, 1 FROM lead_search_status
                     WHERE status = ?1 {and} AND key BETWEEN ?{from} AND ?{to} ORDER BY key {order}"
                )
            }
            (Some(words), None) => {
                values.push(words);
                format!(
                    "SELECT rowid, 1 FROM lead_search
                     WHERE lead_search MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid {order}"
                )
            }
            (Some(words), Some(status)) => {
                // Leads of a status often lie close together, and the words are read there alone.
                let sql = "SELECT (SELECT min(key) FROM lead_search_status WHERE status = ?1),
                                  (SELECT max(key) FROM lead_search_status WHERE status = ?1)";
                let ends = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                let (least, greatest): (Option<i64>, Option<i64>) =
                    conn.prepare_cached(sql)?.query_row([status], ends)?;
                first = first.max(least.unwrap_or(i64::MAX));
                last = last.min(greatest.unwrap_or(i64::MIN));
                values.extend([words as &dyn ToSql, status]);
                format!(
                    "SELECT rowid, EXISTS (SELECT 1 FROM lead_search_status AS s
                                           WHERE s.status = ?2 AND s.key = lead_search.rowid)
                     FROM lead_search WHERE lead_search MATCH ?1 AND rowid BETWEEN ?3 AND ?4
                     ORDER BY rowid {order}"
                )
            }
        };
        values.extend([&first as &dyn ToSql, &last]);
        let mut statement = conn.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            if read == most {
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

/// As much of a word as has a list of its own.
fn beginning(word: &str) -> &str {
    word.char_indices().nth(MAX_PREFIX_LEN).map_or(word, |(end, _)| &word[..end])
}

fn are_few(conn: &Connection, status: LeadStatus) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM lead_search_status WHERE status = ?1 LIMIT 1 OFFSET ?2";
    Ok(!conn.prepare_cached(sql)?.exists(params![status.as_str(), SMALL_STATUS])?)
}
