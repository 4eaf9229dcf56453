//! The search: how texts become tokens, and queries what is looked for among them. The index and the look
//! at a single lead go by the same rules, so they find the same leads.

pub mod fold;
pub mod lead_text;
pub mod marks;
pub(crate) mod matching;
pub mod terms;
pub(crate) mod tokens;

/// Incremented with every change to the tokens of a lead: an index of another version is rebuilt.
pub const TOKENIZER_VERSION: i64 = 4;
