//! The text fields of a JSON body; all errors at once.

use serde_json::{Map, Value};

use crate::domain::field_error::FieldErrors;
use crate::domain::password::Password;
use crate::domain::staff::AccountName;
use crate::http::error::ApiError;

/// The text fields of a JSON object. Reading one that is invalid records an error for
/// [`Fields::check`].
#[derive(Default)]
pub(crate) struct Fields {
    members: Map<String, Value>,
    errors: FieldErrors,
}

impl Fields {
    /// Anything but an object is read as an empty object.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let members = match parse_json(body)? {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Ok(Self { members, errors: FieldErrors::default() })
    }

    pub(crate) fn optional(&mut self, name: &str) -> Option<String> {
        match self.members.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.add_error(name, "string_type", "Input should be a valid string");
                None
            }
        }
    }

    /// An empty text, if the field is missing.
    pub(crate) fn required(&mut self, name: &str) -> String {
        let before = self.errors.len();
        self.optional(name).unwrap_or_else(|| {
            if self.errors.len() == before {
                self.add_error(name, "missing", "Field required");
            }
            String::new()
        })
    }

    /// A required field that `parse` accepts; `rule` says in a sentence what that is.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let before = self.errors.len();
        let parsed = parse(&self.required(name));
        if parsed.is_none() && self.errors.len() == before {
            self.add_error(name, "value_error", rule);
        }
        parsed
    }

    /// A password that the owner of an account chooses. Without a valid name it is not judged.
    pub(crate) fn chosen_password(
        &mut self,
        name: &str,
        account: Option<&AccountName>,
    ) -> Option<Password> {
        let before = self.errors.len();
        let text = self.required(name);
        if self.errors.len() > before {
            return None;
        }
        match Password::choose(&text, account?) {
            Ok(password) => Some(password),
            Err(fault) => {
                self.add_error(name, fault.kind(), &fault.to_string());
                None
            }
        }
    }

    fn add_error(&mut self, name: &str, kind: &'static str, msg: &str) {
        self.errors.add(&["body", name], kind, msg);
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// Fails with every invalid field that was read.
    pub(crate) fn check(self) -> Result<(), ApiError> {
        ApiError::check(self.errors)
    }
}

/// A body as JSON.
pub(crate) fn parse_json(body: &[u8]) -> Result<Value, ApiError> {
    // serde_json's own message could quote the body.
    serde_json::from_slice(body)
        .map_err(|e| ApiError::InvalidJson(format!("Not JSON at column {}", e.column())))
}
