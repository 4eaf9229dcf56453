//! Errors of single fields of a request, in the form that FastAPI's clients know.

/// More errors than a person would read: what a hostile request has beyond them is dropped.
const MAX_ERRORS: usize = 100;

/// One invalid field: its path, a message, and the rule that is broken (Pydantic's name for it
/// where there is one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path of the field, beginning with `body` or `query`: names, and `[]` for an item of a
    /// list.
    pub loc: Vec<String>,
    /// A sentence for people; it quotes nothing of the request.
    pub msg: String,
    /// The rule that is broken, for programs.
    pub kind: &'static str,
}

/// Collects the errors of a whole request, so that all of them are reported at once.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Adds an error for the field at `path`.
    pub fn add(&mut self, path: &[&str], kind: &'static str, msg: impl Into<String>) {
        if self.0.len() < MAX_ERRORS {
            let loc = path.iter().map(|&name| name.to_owned()).collect();
            self.0.push(FieldError { loc, msg: msg.into(), kind });
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The errors, in the order in which they were added.
    #[must_use]
    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }
}

/// The field names of a lead that may be written to the audit log. Any other name comes from the
/// client and could itself be personal data.
pub(crate) const FIELDS: [&str; 14] = [
    "body",
    "name",
    "email",
    "phone",
    "company",
    "service",
    "message",
    "consent",
    "meta",
    "meta.source",
    "meta.request_id",
    "meta.ip_hash",
    "meta.user_agent_hash",
    "meta.timestamp_utc",
];

/// The path of a field as people write it: without its root, unless that is all.
#[must_use]
pub fn field_path(loc: &[String]) -> String {
    match loc {
        [_, rest @ ..] if !rest.is_empty() => rest.join("."),
        _ => loc.concat(),
    }
}

/// The names of the invalid fields, each once, for the audit log.
#[must_use]
pub fn field_names(errors: &[FieldError]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for error in errors {
        let path = field_path(&error.loc);
        let name = FIELDS.iter().find(|f| **f == path).unwrap_or(&"unknown");
        if !names.contains(name) {
            names.push(name);
        }
    }
    names
}
