//! The rules of the text fields of a submission.

use crate::domain::text::TextRule;

pub(crate) const NAME: TextRule = TextRule { min: 2, max: 80, multi_line: false };
pub(crate) const EMAIL: TextRule = TextRule { min: 0, max: 120, multi_line: false };
pub(crate) const PHONE: TextRule = TextRule { min: 0, max: 30, multi_line: false };
pub(crate) const COMPANY: TextRule = TextRule { min: 0, max: 120, multi_line: false };
pub(crate) const SERVICE: TextRule = TextRule { min: 0, max: 30, multi_line: false };
pub(crate) const MESSAGE: TextRule = TextRule { min: 20, max: 2000, multi_line: true };
pub(crate) const SOURCE: TextRule = TextRule { min: 1, max: 50, multi_line: false };
pub(crate) const IP_HASH: TextRule = TextRule { min: 1, max: 128, multi_line: false };
pub(crate) const USER_AGENT_HASH: TextRule = TextRule { min: 0, max: 128, multi_line: false };
/// Text that has a parser of its own.
pub(crate) const ANY: TextRule = TextRule { min: 0, max: usize::MAX, multi_line: false };
