//! What the leads of one person are found by.

use crate::domain::lead::Lead;
use crate::domain::text::Personal;
use crate::domain::{email, phone};

/// What the leads of one person have in common with one of them: the e-mail address, or a telephone number that
/// is certain. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SamePerson {
    email: String,
    numbers: Vec<String>,
}

impl SamePerson {
    #[must_use]
    pub fn as_in(lead: &Lead) -> Self {
        let numbers = phone::find_all(lead.phone.as_ref().map_or("", Personal::as_str));
        let email = email::match_key(lead.email.as_str());
        Self { email, numbers: numbers.iter().map(|n| n.national().to_owned()).collect() }
    }

    /// The address in the form in which addresses are compared.
    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    /// The numbers in national form.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &str> {
        self.numbers.iter().map(String::as_str)
    }

    /// Whether another lead is this person's.
    #[must_use]
    pub fn has_sent(&self, lead: &Lead) -> bool {
        self.is_same(&Self::as_in(lead))
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.email == other.email || other.numbers.iter().any(|n| self.numbers.contains(n))
    }
}

impl std::fmt::Debug for SamePerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&email::mask(&self.email))
    }
}

/// An e-mail address or a telephone number, in any spelling. `Debug` shows neither.
#[derive(Clone)]
pub enum PersonKey {
    Email(String),
    Phone(String),
}

impl PersonKey {
    /// The field of a lead that has it.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
        }
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) => text,
        }
    }

    /// All that may be recorded of it.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Email(address) => email::mask(address),
            Self::Phone(_) => "***".to_owned(),
        }
    }

    /// A function that says whether the value of a lead's field is this one in some spelling.
    pub fn matcher(&self) -> impl Fn(&str) -> bool + use<> {
        let key = match self {
            Self::Email(_) => |text: &str| Some(email::match_key(text)),
            Self::Phone(_) => phone::match_key,
        };
        let wanted = key(self.as_str());
        move |text| wanted.is_some() && key(text) == wanted
    }
}

impl std::fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field(), self.masked())
    }
}
