//! Search terms: words compared without regard to accents and case.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Incremented with every change to how texts are split into words: an index of another version is
/// rebuilt.
pub const TOKENIZER_VERSION: i64 = 2;

/// The words of a query. A text matches if each is a prefix of one of its words.
#[derive(Debug, Clone, Default)]
pub struct SearchTerms(Vec<String>);

impl SearchTerms {
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(split(&fold(query)).map(str::to_owned).collect())
    }

    /// Whether each term is a prefix of a word of one of the texts.
    pub fn match_all(&self, texts: impl Iterator<Item = impl AsRef<str>>) -> bool {
        let mut missing: Vec<&str> = self.iter().collect();
        for text in texts {
            if missing.is_empty() {
                break;
            }
            let folded = fold(text.as_ref());
            missing.retain(|term| !split(&folded).any(|word| word.starts_with(term)));
        }
        missing.is_empty()
    }

    /// The terms, folded.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Calls `take` with every word of a text, folded.
pub fn for_each_word(text: &str, take: impl FnMut(&str)) {
    split(&fold(text)).for_each(take);
}

/// Folds a text to lower case without accents: `Électrique` becomes `electrique`, `œuvre` `oeuvre`.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        // A scan folds millions of characters, most of them ASCII.
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
            continue;
        }
        // Character by character is enough: the normal form of a text differs in the order of the
        // combining marks alone, and those are dropped.
        decompose_compatible(c, |c| {
            let c = Some(c).filter(|c| !is_combining_mark(*c));
            for c in c.into_iter().flat_map(char::to_lowercase) {
                match c {
                    'œ' => folded.push_str("oe"),
                    'æ' => folded.push_str("ae"),
                    'ß' => folded.push_str("ss"),
                    c => folded.push(c),
                }
            }
        });
    }
    folded
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}
