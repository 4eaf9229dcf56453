//! Finding words regardless of accents and case.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Counts up with every change to how texts become words: what was split by other rules is split
/// anew.
pub const TOKENIZER_VERSION: i64 = 1;

/// The words of a query. A text matches when each is the beginning of some word of it.
#[derive(Debug, Clone, Default)]
pub struct SearchTerms(Vec<String>);

impl SearchTerms {
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(split(&fold(query)).map(str::to_owned).collect())
    }

    /// Whether every word begins a word of one of the texts.
    pub fn match_all<'a>(&self, texts: impl Iterator<Item = &'a str>) -> bool {
        let mut missing: Vec<&str> = self.0.iter().map(String::as_str).collect();
        for text in texts {
            if missing.is_empty() {
                break;
            }
            let folded = fold(text);
            missing.retain(|word| !split(&folded).any(|w| w.starts_with(word)));
        }
        missing.is_empty()
    }

    /// The words, each in the one form that texts are compared in.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Calls `take` with every word of a text, in the one form that texts are compared in.
pub fn each_word(text: &str, mut take: impl FnMut(&str)) {
    split(&fold(text)).for_each(&mut take);
}

/// Without accents, in lower case: `Électrique` is `electrique`, `œuvre` is `oeuvre`.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        // A scan reads millions of these.
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
            continue;
        }
        // Character by character, since the order of the marks, which the form of a whole text
        // settles, is no matter: they go.
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
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}
