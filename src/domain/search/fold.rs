//! Folding: texts are compared without regard to accents and case.

use std::ops::Range;

use unicode_normalization::char::{compose, decompose_compatible, is_combining_mark};

use crate::domain::text::is_invisible;

/// Folds a text to lower case without accents: `Électrique` becomes `electrique`, `œuvre` `oeuvre`. Joiners and
/// other characters without a shape of their own are dropped.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_each(text, |_, c| folded.extend(c));
    folded
}

/// A folded text that knows where its characters come from.
pub(crate) struct FoldedText {
    pub(crate) text: String,
    /// The bytes in the original, for each byte of the folded text.
    sources: Vec<Range<usize>>,
}

impl FoldedText {
    pub(crate) fn new(original: &str) -> Self {
        let mut folded = Self { text: String::new(), sources: Vec::new() };
        fold_each(original, |source, c| match c {
            Some(c) => {
                folded.text.push(c);
                folded.sources.resize(folded.text.len(), source);
            }
            // An accent belongs to the letter before it.
            None => {
                if let Some(last) = folded.sources.last_mut() {
                    last.end = source.end;
                }
            }
        });
        folded
    }

    /// The bytes in the original of some bytes of the folded text, which are not empty.
    pub(crate) fn source(&self, folded: Range<usize>) -> Range<usize> {
        self.sources[folded.start].start..self.sources[folded.end - 1].end
    }
}

/// Calls `take` with each folded character and the bytes that it comes from; `None` for what is dropped.
fn fold_each(text: &str, mut take: impl FnMut(Range<usize>, Option<char>)) {
    let mut chars = text.char_indices().peekable();
    while let Some((start, mut c)) = chars.next() {
        // A scan folds millions of characters, most of them ASCII.
        if c.is_ascii() {
            take(start..start + 1, Some(c.to_ascii_lowercase()));
            continue;
        }
        let mut end = start + c.len_utf8();
        // A Korean syllable is one letter, also where its parts are written one by one.
        while let Some((at, part)) = chars.peek().filter(|(_, c)| is_jamo(*c)).copied()
            && let Some(whole) = compose(c, part)
        {
            chars.next();
            (c, end) = (whole, at + part.len_utf8());
        }
        if is_invisible(c) {
            take(start..end, None);
        } else if is_hangul_syllable(c) {
            take(start..end, Some(c));
        } else {
            // Character by character is enough: the normal form of a text differs in the order of the
            // combining marks alone, and those are dropped.
            decompose_compatible(c, |c| fold_char(c, start..end, &mut take));
        }
    }
}

fn fold_char(c: char, source: Range<usize>, take: &mut impl FnMut(Range<usize>, Option<char>)) {
    if is_combining_mark(c) {
        return take(source, None);
    }
    for c in c.to_lowercase() {
        let letters = match c {
            'œ' => "oe",
            'æ' => "ae",
            'ß' => "ss",
            'þ' => "th",
            'ø' => "o",
            'ł' => "l",
            'đ' | 'ð' => "d",
            // The dotless i of Turkish: its capital is that of the dotted one elsewhere.
            'ı' => "i",
            'ς' => "σ",
            c => return take(source, Some(c).filter(|c| !is_combining_mark(*c))),
        };
        letters.chars().for_each(|c| take(source.clone(), Some(c)));
    }
}

/// A vowel or a final consonant that composes with what is before it.
fn is_jamo(c: char) -> bool {
    matches!(c, '\u{1161}'..='\u{11ff}')
}

pub(crate) fn is_hangul_syllable(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fold_to_letters_without_accents_and_joiners() {
        let cases = [
            ("Électrique ŒUVRE Straße", "electrique oeuvre strasse"),
            ("IŞIK ışık İzmir", "isik isik izmir"),
            ("Łódź Ærø Đorđe", "lodz aero dorde"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("com\u{ad}presseur", "compresseur"),
            ("e\u{301}te\u{301}", "ete"),
            ("한국 \u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}", "한국 한국"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("Ａ１ ﬁn", "a1 fin"),
        ];
        for (text, folded) in cases {
            assert_eq!(fold(text), folded, "{text}");
            assert_eq!(FoldedText::new(text).text, folded, "{text}");
        }
    }

    #[test]
    fn a_folded_text_knows_where_its_characters_come_from() {
        let folded = FoldedText::new("L’e\u{301}te\u{301} œuvre");
        assert_eq!(folded.text, "l’ete oeuvre");
        let at = folded.text.find("ete").expect("a word");
        assert_eq!(&"L’e\u{301}te\u{301} œuvre"[folded.source(at..at + 3)], "e\u{301}te\u{301}");
        let at = folded.text.find('o').expect("a word");
        assert_eq!(&"L’e\u{301}te\u{301} œuvre"[folded.source(at..at + 1)], "œ");
    }
}
