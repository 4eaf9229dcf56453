//! The index that leads are found by: their words, service and status. It follows the audit log
//! some moments behind, so that no lead waits for it; what it has not come to yet is looked at
//! directly by [`super::list`].

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::lead;
use super::tx::WriteTx;
use crate::domain::filter::LeadFilter;
use crate::domain::lead::Lead;
use crate::domain::place::Place;
use crate::domain::search::{RULES, each_word};

/// The beginnings of words that have an index of their own; as in the migration.
const PREFIXES: [usize; 5] = [1, 2, 3, 5, 7];
/// A longer word is also in the index by so many of its first characters.
const STEM: usize = 9;
/// The bits of a row key that tell apart what was stored in the same microsecond.
pub(super) const LOW_BITS: u32 = 10;

/// What the index is asked for.
pub(super) struct Question {
    /// What it answers from single lists that it reads no further than needed.
    pub(super) quick: String,
    /// Where that finds too much: what finds nothing else, and reads all of what it finds first.
    pub(super) exact: Option<String>,
}

impl Question {
    /// None where the filter asks for nothing that the index knows.
    pub(super) fn of(filter: &LeadFilter) -> Option<Self> {
        let facets = [
            filter.service.map(|s| service_word(Some(s.as_str()))),
            filter.status.map(|s| status_word(s.as_str())),
        ];
        let mut quick: Vec<String> =
            facets.into_iter().flatten().map(|w| format!("\"{w}\"")).collect();
        let mut exact = quick.clone();
        let mut differ = false;
        for word in filter.words.iter().flat_map(|words| words.iter()) {
            let length = word.chars().count();
            let known = PREFIXES.into_iter().rev().find(|p| *p <= length).unwrap_or(1);
            quick.push(match length {
                0..STEM => format!("\"{}\"*", beginning(word, known)),
                _ => format!("\"{}\"", beginning(word, STEM)),
            });
            exact.push(format!("\"{word}\"*"));
            differ |= length != known && length != STEM;
        }
        let all = |terms: Vec<String>| terms.join(" AND ");
        let asked = !quick.is_empty();
        asked.then(|| Self { quick: all(quick), exact: differ.then(|| all(exact)) })
    }
}

/// Up to which audit row the index has come; nothing of it counts where words were split by other
/// rules.
pub(super) fn followed(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT followed FROM lead_search_place WHERE rules = ?1";
    let followed = conn.prepare_cached(sql)?.query_row([RULES], |row| row.get(0)).optional()?;
    Ok(followed.unwrap_or(0))
}

/// How many audit rows are still ahead of the index.
pub(super) fn behind(conn: &Connection) -> Result<i64, StoreError> {
    Ok(super::audit::head(conn)?.seq - followed(conn)?)
}

/// Takes the index so many audit rows further along the audit log.
pub(super) fn advance(tx: &mut WriteTx<'_>, step: u32) -> Result<(), StoreError> {
    let conn = tx.conn;
    drop_foreign(conn)?;
    let from = followed(conn)?;
    let mut statement = conn.prepare_cached(
        "SELECT seq, event, lead_id, details_json ->> 'from', details_json ->> 'to'
         FROM audit_log WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query(params![from, step])?;
    let mut to = from;
    while let Some(row) = rows.next()? {
        to = row.get(0)?;
        follow(conn, to, row)?;
    }
    conn.prepare_cached("UPDATE lead_search_place SET followed = ?1")?.execute([to])?;
    Ok(())
}

fn follow(conn: &Connection, seq: i64, row: &Row<'_>) -> Result<(), StoreError> {
    match row.get_ref(1)?.as_str()? {
        "LEAD_RECEIVED" | "LEAD_IMPORTED" => {
            // None where the lead was erased since.
            if let Some((lead, status)) = lead::arrived(conn, seq)? {
                add(conn, key(Place::of(&lead)), &words(&lead, &status))?;
            }
        }
        "LEAD_PROCESSED" => {
            let id: Option<String> = row.get(2)?;
            if let Some(lead) = lead::find(conn, id.as_deref().unwrap_or_default())? {
                let at = key(Place::of(&lead));
                // One word of a lead is changed as well as all: a row has nothing but its words.
                take_out(conn, at, &status_word(row.get_ref(3)?.as_str()?))?;
                add(conn, at, &status_word(row.get_ref(4)?.as_str()?))?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Empties an index of words that were split by other rules: by which ones, nobody knows any more.
fn drop_foreign(conn: &Connection) -> Result<(), StoreError> {
    if conn.prepare_cached("SELECT 1 FROM lead_search_place WHERE rules <> ?1")?.exists([RULES])? {
        conn.execute_batch("INSERT INTO lead_search (lead_search) VALUES ('delete-all')")?;
        conn.execute("UPDATE lead_search_place SET followed = 0, rules = ?1", [RULES])?;
    }
    Ok(())
}

/// Takes everything of a lead, which came with the status `at_intake`, out of the index, in the
/// transaction that erases it.
pub(super) fn forget(conn: &Connection, lead: &Lead, at_intake: &str) -> Result<(), StoreError> {
    drop_foreign(conn)?;
    let followed = followed(conn)?;
    if lead.audit_seq <= followed {
        let sql = "SELECT details_json ->> 'to' FROM audit_log
                   WHERE lead_id = ?1 AND event = 'LEAD_PROCESSED' AND seq <= ?2
                   ORDER BY seq DESC LIMIT 1";
        let known = conn
            .prepare_cached(sql)?
            .query_row(params![lead.id, followed], |row| row.get::<_, String>(0))
            .optional()?;
        let status = known.as_deref().unwrap_or(at_intake);
        take_out(conn, key(Place::of(lead)), &words(lead, status))?;
    }
    Ok(())
}

fn add(conn: &Connection, key: i64, words: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO lead_search (rowid, words) VALUES (?1, ?2)";
    conn.prepare_cached(sql)?.execute(params![key, words])?;
    Ok(())
}

/// The words have to be those that were added, some or all.
fn take_out(conn: &Connection, key: i64, words: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO lead_search (lead_search, rowid, words) VALUES ('delete', ?1, ?2)";
    conn.prepare_cached(sql)?.execute(params![key, words])?;
    Ok(())
}

/// The row key of a lead in the index. Two leads can only share one where both came by an import,
/// of the same microsecond; whoever reads the index looks at the leads themselves as well.
pub(super) fn key(place: Place) -> i64 {
    (place.micros.clamp(0, i64::MAX >> LOW_BITS) << LOW_BITS) | (place.seq & low_mask())
}

pub(super) fn low_mask() -> i64 {
    (1 << LOW_BITS) - 1
}

/// Everything that a lead is found by, each once.
fn words(lead: &Lead, status: &str) -> String {
    let mut words = BTreeSet::new();
    for text in lead::searched(lead) {
        each_word(text, |word| {
            if word.chars().count() > STEM {
                words.insert(beginning(word, STEM).to_owned());
            }
            words.insert(word.to_owned());
        });
    }
    words.insert(service_word(lead.service.as_deref()));
    words.insert(status_word(status));
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// No word of a text has an underscore.
fn service_word(service: Option<&str>) -> String {
    format!("_s{}", service.unwrap_or_default())
}

fn status_word(status: &str) -> String {
    format!("_t{status}")
}

fn beginning(word: &str, characters: usize) -> &str {
    word.char_indices().nth(characters).map_or(word, |(end, _)| &word[..end])
}
