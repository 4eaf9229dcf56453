//! Text from outside: trimmed, limited in length, without characters that its field must not contain.

use std::fmt;

/// Personal data (a name, a phone number, a company, a message). `Debug` shows no character of
/// it, so it cannot reach a log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal(String);

impl Personal {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The rule of a text field. Lengths are Unicode code points after trimming white space.
#[derive(Debug, Clone, Copy)]
pub struct TextRule {
    pub min: usize,
    pub max: usize,
    /// Whether control characters such as line breaks and tabs are allowed; NUL never is.
    pub multi_line: bool,
}

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    TooShort(usize),
    TooLong(usize),
    Nul,
    /// A control character or a line separator in a one-line field.
    Control(char),
}

impl TextRule {
    /// Returns the trimmed text.
    ///
    /// # Errors
    /// [`TextError`]: the first fault of the text.
    pub fn check<'a>(&self, raw: &'a str) -> Result<&'a str, TextError> {
        let text = raw.trim();
        let is_forbidden = |c: &char| *c == '\0' || (!self.multi_line && breaks_line(*c));
        match text.chars().find(is_forbidden) {
            Some('\0') => return Err(TextError::Nul),
            Some(c) => return Err(TextError::Control(c)),
            None => {}
        }
        let length = text.chars().count();
        if length < self.min {
            Err(TextError::TooShort(self.min))
        } else if length > self.max {
            Err(TextError::TooLong(self.max))
        } else {
            Ok(text)
        }
    }
}

/// Control characters (Unicode category Cc) and the two separators that end a line.
#[must_use]
pub fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Invisible characters that reorder or hide the text around them: harmless in a message, but they can
/// disguise an address.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
