//! The words of the index, to find those that a misspelt word may have meant.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};

use crate::store::error::StoreError;

/// Words that are looked up for one misspelt word, at most.
const MAX_LOOKUPS: usize = 600;
/// Words that are found for it, at most.
const MAX_FOUND: usize = 8;
/// The first letters are taken to be right where two edits are allowed.
const SURE_LETTERS: usize = 2;
/// From this length on, in characters, two edits are allowed.
const MIN_LEN_OF_TWO_EDITS: usize = 8;
/// In contrast to the other kinds of this table, `instance` does not read the list of a word to return its first row.
const CREATE: &str = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.lead_search_vocabulary
                      USING fts5vocab('main', 'lead_search', 'instance')";

/// How many edits a misspelt word of this length may need. An edit is a letter too many, one that is missing, a
/// wrong one, or two that are swapped.
pub(crate) fn max_edits(word: &str) -> usize {
    if word.chars().count() < MIN_LEN_OF_TWO_EDITS { 1 } else { 2 }
}

/// The words of the index with the fewest edits from `word`, if there are any within [`max_edits`].
pub(crate) fn near_words(conn: &Connection, word: &str) -> Result<BTreeSet<String>, StoreError> {
    conn.execute_batch(CREATE)?;
    let mut search = NearSearch { conn, lookups: 0, found: BTreeSet::new() };
    let letters: Vec<char> = word.chars().collect();
    search.walk_from_start(&letters)?;
    if search.found.is_empty() && max_edits(word) > 1 {
        let (sure, rest) = letters.split_at(SURE_LETTERS);
        search.walk(&sure.iter().collect::<String>(), rest, 2)?;
    }
    search.found.remove(word);
    Ok(search.found)
}

/// Walks through the words of the index as through a tree of their letters, along a misspelt word.
struct NearSearch<'c> {
    conn: &'c Connection,
    lookups: usize,
    found: BTreeSet<String>,
}

impl NearSearch<'_> {
    /// Finds the words with one edit. The first letter is taken to be right, or swapped, or one too many.
    fn walk_from_start(&mut self, letters: &[char]) -> Result<(), StoreError> {
        let [first, second, rest @ ..] = letters else { return Ok(()) };
        self.try_word("", &letters[1..])?;
        self.try_word(&format!("{second}{first}"), rest)?;
        self.walk(&first.to_string(), &letters[1..], 1)
    }

    /// Follows `rest` from the words that begin with `begin`, with so many edits.
    fn walk(&mut self, begin: &str, rest: &[char], edits: usize) -> Result<(), StoreError> {
        if edits == 0 {
            return self.try_word(begin, rest);
        }
        let letters = self.letters_after(begin)?;
        let has = |wanted: char| letters.contains(&wanted);
        // The right letter first: a mistake is more often near the end.
        if let [next, after @ ..] = rest {
            if has(*next) {
                self.walk(&format!("{begin}{next}"), after, edits)?;
            }
            if let [swapped, others @ ..] = after
                && has(*swapped)
            {
                self.walk(&format!("{begin}{swapped}{next}"), others, edits - 1)?;
            }
            self.walk(begin, after, edits - 1)?;
        }
        for letter in &letters {
            let begin = format!("{begin}{letter}");
            if rest.first().is_some_and(|next| next != letter) {
                self.walk(&begin, &rest[1..], edits - 1)?;
            }
            self.walk(&begin, rest, edits - 1)?;
        }
        Ok(())
    }

    fn try_word(&mut self, begin: &str, rest: &[char]) -> Result<(), StoreError> {
        let word: String = begin.chars().chain(rest.iter().copied()).collect();
        if self.first_from(&word)?.is_some_and(|found| found.starts_with(&word)) {
            self.found.insert(word);
        }
        Ok(())
    }

    /// The letters that follow these first ones in some word.
    fn letters_after(&mut self, begin: &str) -> Result<Vec<char>, StoreError> {
        let mut letters = Vec::new();
        // No word has a control character.
        let mut from = format!("{begin}\u{1}");
        while let Some(word) = self.first_from(&from)? {
            let Some(letter) = word.strip_prefix(begin).and_then(|rest| rest.chars().next()) else {
                break;
            };
            let after = char::from_u32(u32::from(letter) + 1).unwrap_or(char::MAX);
            from = format!("{begin}{after}");
            if letter.is_alphabetic() {
                letters.push(letter);
            }
        }
        Ok(letters)
    }

    /// The first word that is not before a text; `None` once enough was looked up.
    fn first_from(&mut self, text: &str) -> Result<Option<String>, StoreError> {
        self.lookups += 1;
        if self.lookups > MAX_LOOKUPS || self.found.len() >= MAX_FOUND {
            return Ok(None);
        }
        let sql = "SELECT term FROM temp.lead_search_vocabulary WHERE term >= ?1 LIMIT 1";
        let word = self.conn.prepare_cached(sql)?.query_row([text], |row| row.get(0));
        Ok(word.optional()?)
    }
}
