//! Which terms of a query a lead has.

use std::borrow::Cow;
use std::ops::Range;

use crate::domain::phone;
use crate::domain::phone::number::PhoneNumber;
use crate::domain::search::fold::fold;
use crate::domain::search::lead_text::{SearchField, number_parts};
use crate::domain::search::terms::{QueryToken, SearchTerms};
use crate::domain::search::tokens::for_each_token;

/// Whether a lead with these texts has every term of a query; none has those of a query without terms.
pub(crate) fn has_every_term<'t>(
    terms: &SearchTerms,
    fields: impl Iterator<Item = (SearchField, Cow<'t, str>)>,
) -> bool {
    if terms.is_empty() {
        return false;
    }
    let mut found = FoundTokens::of(terms);
    for (field, text) in fields {
        found.look_into(field, &text);
        if found.has_every_term() {
            return true;
        }
    }
    false
}

/// Which tokens of a query a lead has.
pub(crate) struct FoundTokens<'t> {
    terms: &'t SearchTerms,
    tokens: Vec<(&'t QueryToken, bool)>,
}

impl<'t> FoundTokens<'t> {
    pub(crate) fn of(terms: &'t SearchTerms) -> Self {
        let tokens = terms.0.iter().flat_map(|term| term.alternatives.iter().flatten());
        Self { terms, tokens: tokens.map(|token| (token, false)).collect() }
    }

    pub(crate) fn look_into(&mut self, field: SearchField, text: &str) {
        if field == SearchField::Id {
            let digits = text.replace('-', "");
            return self
                .mark(|token| matches!(token, QueryToken::Id(of) if digits.starts_with(of)));
        }
        let folded = fold(text);
        for_each_token(&folded, |found| {
            let word = &folded[found];
            self.mark(|token| matches!(token, QueryToken::Word(of) if word.starts_with(&**of)));
        });
        let is_of_number = |token| !matches!(token, &QueryToken::Word(_) | &QueryToken::Id(_));
        if self.tokens.iter().any(|(token, found)| !found && is_of_number(*token)) {
            for number in phone::find_all(text) {
                self.mark(|token| token.place_in_number(field, &number).is_some());
            }
        }
    }

    fn mark(&mut self, is_found: impl Fn(&QueryToken) -> bool) {
        for (token, found) in &mut self.tokens {
            *found = *found || is_found(token);
        }
    }

    pub(crate) fn has_every_term(&self) -> bool {
        self.complete_alternatives().all(|mut alternatives| alternatives.next().is_some())
    }

    /// The tokens by which the lead has the terms.
    pub(crate) fn matching(&self) -> Vec<&'t QueryToken> {
        self.complete_alternatives().flatten().flatten().collect()
    }

    /// For each term, the alternatives of which the lead has every token.
    fn complete_alternatives(
        &self,
    ) -> impl Iterator<Item = impl Iterator<Item = &'t Vec<QueryToken>>> {
        let mut at = 0;
        self.terms.0.iter().map(move |term| {
            let alternatives: Vec<_> = term
                .alternatives
                .iter()
                .filter(|alternative| {
                    let tokens = &self.tokens[at..at + alternative.len()];
                    at += alternative.len();
                    tokens.iter().all(|(_, found)| *found)
                })
                .collect();
            alternatives.into_iter()
        })
    }
}

impl QueryToken {
    /// Which digits of a number these are, if they are some of it.
    pub(crate) fn place_in_number(
        &self,
        field: SearchField,
        number: &PhoneNumber,
    ) -> Option<Range<usize>> {
        let national = number.national();
        let begin = match self {
            Self::NumberPart(digits) => {
                let mut parts = number_parts(national);
                national.len() - parts.find(|part| part.starts_with(&**digits))?.len()
            }
            Self::NumberStart(digits) if field == SearchField::Phone => {
                national.starts_with(&**digits).then_some(0)?
            }
            _ => return None,
        };
        let (Self::NumberPart(digits) | Self::NumberStart(digits)) = self else { return None };
        Some(begin..begin + digits.len())
    }
}
