//! What is wrong with what was sent, in the form that FastAPI's clients know.

use serde::Serialize;
use utoipa::ToSchema;

/// One fault: where it is, what it is, and its kind (Pydantic's names where there is one).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The way to it from `body` or `query`: names, and `[]` for a place in a list.
    pub loc: Vec<String>,
    /// A sentence for people; it quotes nothing of what was sent.
    pub msg: String,
    /// Which rule it breaks, for programs.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// The fields of a lead by the names that the audit log may hold. Any other name came from
/// outside and could itself be personal data.
const FIELDS: [&str; 14] = [
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

/// The names of the fields at fault, each once, fit for the audit log.
#[must_use]
pub fn field_names(faults: &[FieldError]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for fault in faults {
        let path = match fault.loc.as_slice() {
            [root] => root.clone(),
            [_, rest @ ..] => rest.join("."),
            [] => String::new(),
        };
        let name = FIELDS.iter().find(|f| **f == path).unwrap_or(&"unknown");
        if !names.contains(name) {
            names.push(name);
        }
    }
    names
}
