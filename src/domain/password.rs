//! Passwords: what may be chosen, and how they are compared.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

use crate::domain::staff::AccountName;

/// Words that an attacker of this company's accounts tries first.
const COMPANY_WORDS: [&str; 9] = [
    "fastcore",
    "fast",
    "techservices",
    "tech-services",
    "fast-techservices",
    "ponts",
    "cabines",
    "compresseurs",
    "diagnostic",
];

/// A password in Unicode's normal form NFKC, so that the same keys on a phone and on a desktop give the same
/// bytes. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    TooShort,
    TooLong,
    Guessable,
}

impl Password {
    pub const MIN_CHARS: usize = 12;
    pub const MAX_BYTES: usize = 256;
    /// What [`Self::choose`] accepts, for messages.
    pub const RULE: &str = "at least 12 characters and at most 256 bytes, and not easy to guess: no common \
                            password, no name, no repetition";

    /// Checks a password that the owner of an account chooses.
    ///
    /// # Errors
    /// It is too short, too long to hash, or among the first 10⁸ that a guesser would try.
    pub fn choose(text: &str, account: &AccountName) -> Result<Self, PasswordFault> {
        let password = Self::from_input(text);
        if password.0.chars().count() < Self::MIN_CHARS {
            return Err(PasswordFault::TooShort);
        }
        if password.0.len() > Self::MAX_BYTES {
            return Err(PasswordFault::TooLong);
        }
        let mut words = COMPANY_WORDS.to_vec();
        words.push(account.as_str());
        if zxcvbn(&password.0, &words).score() < Score::Three {
            return Err(PasswordFault::Guessable);
        }
        Ok(password)
    }

    /// A password that somebody enters to sign in.
    #[must_use]
    pub fn from_input(text: &str) -> Self {
        Self(text.nfkc().collect())
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PasswordFault {
    /// The rule that is broken, for programs.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::Guessable => "password_guessable",
        }
    }
}

impl fmt::Display for PasswordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "a password has at least 12 characters",
            Self::TooLong => "a password has at most 256 bytes",
            Self::Guessable => {
                "this password is easy to guess; take some words that do not belong together"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Option<PasswordFault> {
        Password::choose(text, &AccountName::parse("jean-dupont").expect("a name")).err()
    }

    #[test]
    fn what_a_guesser_tries_first_is_refused() {
        for text in [
            "aaaaaaaaaaaa",
            "            ",
            "éééééééééééé",
            "password1234",
            "motdepasse12",
            "azertyuiop123",
            "123456789012",
            "fastcore2026",
            "Fast-Techservices1",
            "jean-dupont1",
            "compresseurs1",
            &"a".repeat(256),
        ] {
            assert_eq!(judge(text), Some(PasswordFault::Guessable), "{text}");
        }
    }

    #[test]
    fn words_that_do_not_belong_together_are_accepted() {
        for text in
            ["correct horse battery", "une phrase de passe", "k8#Vq2!mZr7w", "мой пароль длинный"]
        {
            assert_eq!(judge(text), None, "{text}");
        }
    }

    #[test]
    fn length_counts_characters_and_is_limited_in_bytes() {
        assert_eq!(judge("k8#Vq2!mZr7"), Some(PasswordFault::TooShort));
        assert_eq!(judge(""), Some(PasswordFault::TooShort));
        assert_eq!(judge(&"éa7".repeat(86)), Some(PasswordFault::TooLong));
    }
}
