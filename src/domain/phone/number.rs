//! One telephone number of a text.

use std::fmt;
use std::ops::Range;

/// A number that is certain. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    pub(crate) international: String,
    pub(crate) national: String,
    pub(crate) extension: Option<String>,
    /// Its bytes in the text, with the extension.
    pub range: Range<usize>,
    /// The bytes of each digit of the national form.
    pub(crate) places: Vec<Range<usize>>,
}

impl PhoneNumber {
    /// Its digits as they are dialled within France (`0612345678`); those of a foreign number begin with
    /// its country code.
    #[must_use]
    pub fn national(&self) -> &str {
        &self.national
    }

    /// The address of a link that dials it (RFC 3966).
    #[must_use]
    pub fn uri(&self) -> String {
        let extension = self.extension.as_ref().map(|digits| format!(";ext={digits}"));
        format!("tel:+{}{}", self.international, extension.unwrap_or_default())
    }

    /// The bytes of some digits of the national form.
    #[must_use]
    pub fn place_of(&self, digits: Range<usize>) -> Range<usize> {
        let first = self.places.get(digits.start).map_or(self.range.start, |place| place.start);
        let last = self.places.get(digits.end.saturating_sub(1));
        first..last.map_or(self.range.end, |place| place.end)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
