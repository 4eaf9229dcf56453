//! What the leads of one person are found by.

use crate::domain::{email, phone};

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
