//! What a query asks for.

use std::fmt;
use std::ops::Range;

use crate::domain::phone;
use crate::domain::search::fold::fold;
use crate::domain::search::lead_text::MIN_NUMBER_PART;
use crate::domain::search::tokens::for_each_query_token;

/// A query of this many hexadecimal digits may be the beginning of an id.
const MIN_ID_DIGITS: usize = 8;
/// The hyphens of an id come after so many digits.
const ID_HYPHENS: [usize; 4] = [8, 12, 16, 20];
const ID_DIGITS: usize = 32;

/// The terms of a query. A lead matches if it has every one of them; without any, it does not. `Debug` shows
/// none.
#[derive(Clone, Default)]
pub struct SearchTerms(pub(crate) Vec<Term>, String);

/// One term of a query.
#[derive(Clone)]
pub(crate) struct Term {
    /// Of one alternative, every token must be the beginning of one of the lead's.
    pub(crate) alternatives: Vec<Vec<QueryToken>>,
    /// The word in the query, where it is one and nothing else.
    pub(crate) word: Option<String>,
}

/// The beginning of a token of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueryToken {
    /// Of a word, folded.
    Word(String),
    /// Digits within a telephone number in national form.
    NumberPart(String),
    /// Its first digits.
    NumberStart(String),
    /// The first digits of an id, without hyphens.
    Id(String),
}

impl SearchTerms {
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let mut terms = Vec::new();
        let mut words = String::new();
        for chunk in query.split_whitespace() {
            // Decimal digits alone may be a telephone number.
            let is_decimal = chunk.bytes().all(|b| b.is_ascii_digit());
            match id_digits(chunk).filter(|_| !is_decimal) {
                Some(digits) => {
                    add_numbers_and_words(&std::mem::take(&mut words), &mut terms);
                    terms.push(number_or_words(chunk, Some(digits)));
                }
                None => words.extend([" ", chunk]),
            }
        }
        add_numbers_and_words(&words, &mut terms);
        Self(terms, query.to_owned())
    }

    pub(crate) fn of(term: &Term) -> Self {
        Self(vec![term.clone()], String::new())
    }

    /// The query that was parsed.
    pub(crate) fn query(&self) -> &str {
        &self.1
    }

    /// Whether there is nothing to look for, as in a query of signs alone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SearchTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} terms", self.0.len())
    }
}

/// The digits of what may be the beginning of an id.
fn id_digits(chunk: &str) -> Option<String> {
    let digits = chunk.replace('-', "").to_ascii_lowercase();
    let is_hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hexadecimal || !(MIN_ID_DIGITS..=ID_DIGITS).contains(&digits.len()) {
        return None;
    }
    let mut hyphenated = digits.clone();
    for at in ID_HYPHENS.into_iter().rev().filter(|at| *at < digits.len()) {
        hyphenated.insert(at, '-');
    }
    let is_id = !chunk.contains('-')
        || hyphenated.eq_ignore_ascii_case(chunk.strip_suffix('-').unwrap_or(chunk));
    is_id.then_some(digits)
}

fn add_numbers_and_words(text: &str, terms: &mut Vec<Term>) {
    let mut rest = 0;
    for number in phone::find_all(text) {
        add_words(&text[rest..number.range.start], terms);
        let digits = QueryToken::NumberPart(number.national().to_owned());
        terms.push(Term { alternatives: vec![vec![digits]], word: None });
        rest = number.range.end;
    }
    add_words(&text[rest..], terms);
}

/// Adds the words, and groups of digits as one term.
fn add_words(text: &str, terms: &mut Vec<Term>) {
    let mut rest = text;
    while let Some(digits) = first_digits(rest) {
        add_plain_words(&rest[..digits.start], terms);
        let run = &rest[digits.clone()];
        terms.push(number_or_words(run, id_digits(run)));
        rest = &rest[digits.end..];
    }
    add_plain_words(rest, terms);
}

fn add_plain_words(text: &str, terms: &mut Vec<Term>) {
    for_each_query_token(&fold(text), |token| {
        let word = Some(token.to_owned());
        let token = QueryToken::Word(token.to_owned());
        terms.push(Term { alternatives: vec![vec![token]], word });
    });
}

/// The first groups of digits in a text that may be written parts of a number: not those that touch a letter.
fn first_digits(text: &str) -> Option<Range<usize>> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut from = 0;
    loop {
        let digit = from + text[from..].find(is_digit)?;
        let start = if text[..digit].ends_with('+') { digit - 1 } else { digit };
        let is_part = |c: char| is_digit(c) || " .-()/\u{a0}\u{202f}".contains(c);
        let run_end =
            text[digit..].find(|c| !is_part(c)).map_or(text.len(), |length| digit + length);
        let run = text[digit..run_end].trim_end_matches(|c| !is_digit(c));
        let touches_letter = text[digit + run.len()..].starts_with(char::is_alphanumeric);
        let run = if touches_letter { run.trim_end_matches(is_digit) } else { run };
        let run = run.trim_end_matches(|c| !is_digit(c));
        if !run.is_empty() && !text[..start].ends_with(char::is_alphanumeric) {
            return Some(start..digit + run.len());
        }
        from = text[digit..].find(|c| !is_digit(c)).map_or(text.len(), |length| digit + length);
    }
}

/// Groups of digits: words, or else the beginning or the middle of a telephone number, or the beginning of an id.
fn number_or_words(text: &str, id: Option<String>) -> Term {
    let mut words = Vec::new();
    for_each_query_token(&fold(text), |word| words.push(QueryToken::Word(word.to_owned())));
    let mut alternatives = vec![words];
    let number = phone::partial_national(text).unwrap_or_default();
    let is_beginning = number.starts_with('0') && number.len() > 1;
    if number.len() >= MIN_NUMBER_PART {
        // The country code of French numbers without its plus.
        let national = number.strip_prefix("33").map(|rest| format!("0{rest}"));
        let numbers = [Some(number), national].into_iter().flatten();
        alternatives.extend(numbers.map(|digits| vec![QueryToken::NumberPart(digits)]));
    } else if is_beginning {
        alternatives.push(vec![QueryToken::NumberStart(number)]);
    }
    alternatives.extend(id.map(|digits| vec![QueryToken::Id(digits)]));
    Term { alternatives, word: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alternatives are separated by `|`, tokens by `&`, terms by spaces.
    fn parsed(query: &str) -> String {
        let token = |token: &QueryToken| match token {
            QueryToken::Word(word) => word.clone(),
            QueryToken::NumberPart(digits) => format!("part:{digits}"),
            QueryToken::NumberStart(digits) => format!("start:{digits}"),
            QueryToken::Id(digits) => format!("id:{digits}"),
        };
        let tokens = |tokens: &Vec<_>| tokens.iter().map(token).collect::<Vec<_>>().join("&");
        let alternatives =
            |term: &Term| term.alternatives.iter().map(tokens).collect::<Vec<_>>().join("|");
        SearchTerms::parse(query).0.iter().map(alternatives).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn queries_are_parsed_into_terms() {
        let cases = [
            ("Électrique, Jean-Luc", "electrique jean luc"),
            ("👍 * @ \u{200d}", ""),
            ("太郎 a", "太郎 a"),
            ("田太郎", "田太 太郎"),
            ("+33 6 12 34 56 78", "part:0612345678"),
            ("dupont 0612345678 poste 12 lyon", "dupont part:0612345678 lyon"),
            ("06", "06|start:06"),
            ("061", "061|start:061"),
            ("+33 6", "33&6|start:06"),
            ("06 12 3", "06&12&3|part:06123"),
            ("5678", "5678|part:5678"),
            ("33612", "33612|part:33612|part:0612"),
            ("bonjour 3 jours", "bonjour 3 jours"),
            ("12v dc75", "12v dc75"),
            ("12 34v", "12 34v"),
            ("0198A6F2", "0198a6f2|id:0198a6f2"),
            ("0198a6f2-12", "0198a6f2&12|id:0198a6f212"),
            ("12345678", "12345678|part:12345678|id:12345678"),
            ("facade", "facade"),
        ];
        for (query, terms) in cases {
            assert_eq!(parsed(query), terms, "{query}");
        }
    }
}
