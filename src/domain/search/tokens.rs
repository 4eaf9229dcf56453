//! Splits folded texts into tokens: words, and pairs of characters where a script has no spaces between words.

use std::ops::Range;

use crate::domain::search::fold::{fold, is_hangul_syllable};

/// Calls `take` with the bytes of each token of a folded text. Of `山田太郎` these are `山田`, `田太`, `太郎`
/// and `郎`, so that each part of it is the beginning of a token.
pub(crate) fn for_each_token(folded: &str, mut take: impl FnMut(Range<usize>)) {
    for_each_run(folded, |run, is_unspaced| {
        if !is_unspaced {
            return take(run);
        }
        let starts = folded[run.clone()].char_indices().map(|(at, _)| run.start + at);
        let mut before: Option<usize> = None;
        for start in starts.chain([run.end]) {
            if let Some(first) = before {
                let second_end = folded[start..run.end].chars().next().map_or(0, char::len_utf8);
                take(first..start + second_end);
            }
            before = Some(start);
        }
    });
}

/// Calls `take` with the tokens to look for of a folded query.
pub(crate) fn for_each_query_token(folded: &str, mut take: impl FnMut(&str)) {
    for_each_run(folded, |run, is_unspaced| {
        let run = &folded[run];
        let is_pair = |token: &str| token.chars().nth(1).is_some();
        let has_pairs = is_unspaced && is_pair(run);
        for_each_run_token(run, is_unspaced, |token| {
            if !has_pairs || is_pair(token) {
                take(token);
            }
        });
    });
}

fn for_each_run_token(run: &str, is_unspaced: bool, mut take: impl FnMut(&str)) {
    if is_unspaced { for_each_token(run, |token| take(&run[token])) } else { take(run) }
}

/// Calls `take` with each word of a text, folded.
pub(crate) fn for_each_word(text: &str, mut take: impl FnMut(&str)) {
    let folded = fold(text);
    for_each_run(&folded, |run, _| take(&folded[run]));
}

/// Calls `take` with the bytes of the longest runs of letters and digits of one kind, and whether they are of a
/// script without spaces between words.
fn for_each_run(folded: &str, mut take: impl FnMut(Range<usize>, bool)) {
    let mut run: Option<(usize, bool)> = None;
    for (at, c) in folded.char_indices() {
        let kind = c.is_alphanumeric().then(|| is_unspaced(c));
        if let Some((start, is_unspaced)) = run.filter(|(_, of_run)| kind != Some(*of_run)) {
            take(start..at, is_unspaced);
            run = None;
        }
        run = run.or(kind.map(|is_unspaced| (at, is_unspaced)));
    }
    if let Some((start, is_unspaced)) = run {
        take(start..folded.len(), is_unspaced);
    }
}

/// Han, Kana, Hangul, Thai, Lao, Burmese and Khmer. Korean has spaces, but its particles follow without one.
fn is_unspaced(c: char) -> bool {
    !c.is_ascii()
        && (is_hangul_syllable(c)
            || matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}'
                | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}'
                | '\u{3040}'..='\u{312f}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
                | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> String {
        let mut tokens = Vec::new();
        for_each_token(text, |token| tokens.push(&text[token]));
        tokens.join("|")
    }

    fn query_tokens(text: &str) -> String {
        let mut tokens = Vec::new();
        for_each_query_token(text, |token| tokens.push(token.to_owned()));
        tokens.join("|")
    }

    #[test]
    fn scripts_without_spaces_are_split_into_pairs() {
        assert_eq!(tokens("jean-luc n° 12"), "jean|luc|n|12");
        assert_eq!(tokens("山田太郎"), "山田|田太|太郎|郎");
        assert_eq!(tokens("iphone充電2台"), "iphone|充電|電|2|台");
        assert_eq!(tokens("👍 * @"), "");
        assert_eq!(query_tokens("太郎"), "太郎");
        assert_eq!(query_tokens("田太郎"), "田太|太郎");
        assert_eq!(query_tokens("郎 a"), "郎|a");
    }
}
