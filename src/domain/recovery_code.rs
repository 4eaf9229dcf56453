//! Recovery codes: they stand in for the second factor of an account, each once.

use std::fmt;

/// Digits without those that are taken for one another (Crockford's base 32).
const DIGITS: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of a code: 50 random bits.
const LEN: usize = 10;

/// A code of ten digits of base 32, shown in two halves: `7k3md-q9x2t`. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    /// How many codes an account gets.
    pub const COUNT: usize = 10;

    /// A code of the lowest 50 bits of a random number.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        let digit =
            |index: usize| char::from(DIGITS[(bits >> (5 * index)) as usize % DIGITS.len()]);
        Self((0..LEN).map(digit).collect())
    }

    /// Parses a code as a person types it: in any case, with or without spaces and hyphens, `o` for
    /// zero, `i` and `l` for one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_separator = |c: &char| c.is_whitespace() || matches!(c, '-' | '‐' | '‑' | '–');
        let digits =
            text.chars().filter(|c| !is_separator(c)).map(|c| match c.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                digit => digit,
            });
        let code: String = digits.take(LEN + 1).collect();
        let is_digit = |b: u8| DIGITS.contains(&b);
        (code.len() == LEN && code.bytes().all(is_digit)).then_some(Self(code))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// As it is shown to its owner.
    #[must_use]
    pub fn reveal(&self) -> String {
        let (first, second) = self.0.split_at(LEN / 2);
        format!("{first}-{second}")
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_parsed_as_people_type_it() {
        let code = RecoveryCode::from_random(0x0003_1ab3_77f0_9c21);
        let shown = code.reveal();
        assert_eq!(shown.len(), 11);
        let spaced = format!(" {} {} ", &shown[..5], &shown[6..]);
        let confused = shown.replace('0', "O").replace('1', "l");
        for typed in [shown.clone(), shown.to_uppercase(), shown.replace('-', ""), spaced, confused]
        {
            assert_eq!(RecoveryCode::parse(&typed), Some(code.clone()), "{typed}");
        }
    }

    #[test]
    fn what_is_not_a_code_is_not_parsed() {
        for text in
            ["", "123456", "abcdefghj", "abcde-fghjkm", "abcde-fghju", "abcde_fghjk", "éabcdefghj"]
        {
            assert_eq!(RecoveryCode::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_bit_counts() {
        let codes: std::collections::BTreeSet<String> =
            (0..50).map(|bit| RecoveryCode::from_random(1 << bit).reveal()).collect();
        assert_eq!(codes.len(), 50);
    }
}
