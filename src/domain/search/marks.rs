//! Where in the texts of a lead the terms of a search are.

use std::ops::Range;

use crate::domain::lead::Lead;
use crate::domain::phone;
use crate::domain::search::fold::FoldedText;
use crate::domain::search::lead_text;
use crate::domain::search::lead_text::SearchField;
use crate::domain::search::matching::FoundTokens;
use crate::domain::search::terms::{QueryToken, SearchTerms};
use crate::domain::search::tokens::for_each_token;

/// Finds the places of the terms by which a search found a lead.
#[expect(missing_debug_implementations, reason = "has words of a search")]
pub struct Highlighter<'t>(Vec<&'t QueryToken>);

impl<'t> Highlighter<'t> {
    #[must_use]
    pub fn of(terms: &'t SearchTerms, lead: &Lead) -> Self {
        let mut found = FoundTokens::of(terms);
        for (field, text) in lead_text::fields(lead) {
            found.look_into(field, &text);
        }
        Self(found.matching())
    }

    /// Only the terms that none of these texts has.
    #[must_use]
    pub fn without_those_in(&self, texts: &[(SearchField, &str)]) -> Self {
        let is_in = |token: &'t QueryToken| {
            let single = Self(vec![token]);
            texts.iter().any(|(field, text)| !single.ranges(*field, text).is_empty())
        };
        Self(self.0.iter().copied().filter(|token| !is_in(token)).collect())
    }

    /// The bytes of a text that the terms match, in order, none twice.
    #[must_use]
    pub fn ranges(&self, field: SearchField, text: &str) -> Vec<Range<usize>> {
        let folded = FoldedText::new(text);
        let mut ranges = Vec::new();
        for_each_token(&folded.text, |at| {
            let starts = |token: &&QueryToken| match token {
                QueryToken::Word(word) => {
                    folded.text[at.clone()].starts_with(&**word).then_some(word.len())
                }
                _ => None,
            };
            let lengths = self.0.iter().filter_map(starts);
            ranges.extend(lengths.map(|length| folded.source(at.start..at.start + length)));
        });
        for number in phone::find_all(text) {
            let digits = self.0.iter().filter_map(|token| token.place_in_number(field, &number));
            ranges.extend(digits.map(|digits| number.place_of(digits)));
        }
        merge(ranges)
    }
}

/// Sorts ranges and joins those that overlap or touch.
fn merge(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}
