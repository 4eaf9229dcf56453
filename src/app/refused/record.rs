//! A refused submission as JSON: for exports, for the shell, and for the person whose data it is.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::field_error::field_path;
use crate::store::refused::query::RefusedEntry;

/// Everything that is kept of it. A body that is not UTF-8 is in hexadecimal.
#[must_use]
pub fn as_json(row: &RefusedEntry, body: &[u8]) -> Value {
    let mut value = without_body(row);
    let text = std::str::from_utf8(body).ok();
    value["body"] = json!(text);
    value["body_hex"] = json!(text.is_none().then(|| hex::encode(body)));
    value
}

/// What is kept of it beside its body.
#[must_use]
pub fn without_body(row: &RefusedEntry) -> Value {
    json!({
        "id": row.id,
        "received_at_utc": row.received_at_utc,
        "times": row.times,
        "last_at_utc": row.last_at_utc,
        "status_code": row.status_code,
        "faults": serde_json::from_str::<Value>(&row.faults_json).unwrap_or_default(),
        "media_type": row.media_type,
        "content_encoding": row.content_encoding,
        "request_id": row.request_id,
        "settled_at_utc": row.settled_at_utc,
        "lead_id": row.lead_id,
        "audit_seq": row.audit_seq,
        "size": row.size,
    })
}

/// A fault, as it was answered.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StoredFault {
    /// The path of the field, beginning with `body`.
    pub loc: Vec<String>,
    pub msg: String,
    #[serde(rename = "type")]
    pub kind: String,
}

/// The faults of a submission.
#[must_use]
pub fn faults(row: &RefusedEntry) -> Vec<StoredFault> {
    serde_json::from_str(&row.faults_json).unwrap_or_default()
}

/// Each fault on a line: the field and what is wrong with it.
#[must_use]
pub fn fault_lines(row: &RefusedEntry) -> Vec<String> {
    let line = |fault: StoredFault| format!("{}: {}", field_path(&fault.loc), fault.msg);
    faults(row).into_iter().map(line).collect()
}
