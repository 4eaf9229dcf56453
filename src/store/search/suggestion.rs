//! What a search that finds nothing may have meant.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use rusqlite::Connection;

use crate::domain::filter::{LeadFilter, LeadOrder};
use crate::domain::lead::Lead;
use crate::domain::search::lead_text;
use crate::domain::search::terms::{SearchTerms, Term};
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::search::unindexed::Unindexed;
use crate::store::search::vocabulary::{max_edits, near_words};

/// Shorter words have too many neighbours.
const MIN_LEN: usize = 4;
/// Leads that are not indexed and whose words are looked at, at most.
const MAX_UNINDEXED: usize = 500;
/// Leads that are counted to know which word is more frequent.
const MAX_COUNTED: usize = 200;

impl ReadTx<'_> {
    /// For a search that finds nothing: the query with misspelt words corrected, if that finds a lead which
    /// meets the filter's other conditions too.
    ///
    /// # Errors
    /// The database's own.
    pub fn suggestion(&self, filter: &LeadFilter) -> Result<Option<String>, StoreError> {
        let Some(terms) = &filter.terms else { return Ok(None) };
        let mut query = terms.query().to_owned();
        let mut corrected = Vec::new();
        for term in &terms.0 {
            if self.finds(term)? {
                continue;
            }
            // A number or an id that nobody has is not misspelt.
            let Some(word) = term.word.as_deref().filter(|word| is_correctable(word)) else {
                return Ok(None);
            };
            let Some(better) = self.most_frequent(near(self.0, word)?)? else { return Ok(None) };
            query = lead_text::replace_word(&query, word, &better);
            corrected.push(better);
        }
        if corrected.is_empty() {
            return Ok(None);
        }
        let filter = LeadFilter { terms: Some(SearchTerms::parse(&query)), ..filter.clone() };
        let Some(found) = self.lead_page(&filter, LeadOrder::NewestFirst, None, 1)?.pop() else {
            return Ok(None);
        };
        for word in corrected {
            if let Some(spelling) = lead_text::spelling(&found, &word) {
                query = lead_text::replace_word(&query, &word, &spelling);
            }
        }
        Ok(Some(query))
    }

    fn finds(&self, term: &Term) -> Result<bool, StoreError> {
        let filter = LeadFilter { terms: Some(SearchTerms::of(term)), ..LeadFilter::default() };
        Ok(!self.lead_page(&filter, LeadOrder::NewestFirst, None, 1)?.is_empty())
    }

    fn most_frequent(&self, words: BTreeSet<String>) -> Result<Option<String>, StoreError> {
        let mut best: Option<(usize, String)> = None;
        for word in words {
            let terms = Some(SearchTerms::parse(&word));
            let filter = LeadFilter { terms, ..LeadFilter::default() };
            let count = self.lead_count(&filter, MAX_COUNTED)?.rows;
            if count > best.as_ref().map_or(0, |(most, _)| *most) {
                best = Some((count, word));
            }
        }
        Ok(best.map(|(_, word)| word))
    }
}

fn is_correctable(word: &str) -> bool {
    word.chars().count() >= MIN_LEN && word.chars().all(char::is_alphabetic)
}

/// The words of the index, and of leads that it has not processed yet, that resemble this one most.
fn near(conn: &Connection, word: &str) -> Result<BTreeSet<String>, StoreError> {
    let mut words = near_words(conn, word)?;
    let mut looked_at = 0;
    let mut look = |lead: Lead| {
        looked_at += 1;
        lead_text::for_each_word_of(&lead, |of_lead| {
            let edits = strsim::osa_distance(word, of_lead);
            if (1..=max_edits(word)).contains(&edits) {
                words.insert(of_lead.to_owned());
            }
        });
        if looked_at < MAX_UNINDEXED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    Unindexed::load(conn)?.for_each_match(conn, &LeadFilter::default(), &mut look)?;
    Ok(words)
}
