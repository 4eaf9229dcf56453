//! Refused submissions: what can be read of a body that is not a valid lead.

pub mod contacts;
pub mod decode;
pub mod edit;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::domain::field_error::FieldError;
use crate::domain::id::RequestId;
use crate::domain::lead::NewLead;
use crate::domain::lead::parse::LeadParseError;

/// Faults that are kept of one submission, at most: a person reads no more.
const MAX_FAULTS: usize = 30;
/// Characters that are kept of a fault's message, and of each name of its path, which the client may have chosen.
const MAX_TEXT: usize = 200;
/// Characters of each of these where a fault would take all the room.
const FEW_TEXT: usize = 50;
/// Names that are kept of a fault's path.
const MAX_PATH: usize = 8;
/// Bytes of the faults that are kept of one submission, at most.
const MAX_FAULTS_BYTES: usize = 4096;
/// Bytes after the name `request_id` in which its value is looked for.
const REQUEST_ID_REACH: usize = 60;

/// A submission that is refused, as it arrived.
#[derive(Clone)]
pub struct RefusedSubmission {
    pub status_code: i64,
    pub faults: Vec<FieldError>,
    pub media_type: Option<String>,
    pub content_encoding: Option<String>,
    pub request_id: Option<RequestId>,
    pub body: Bytes,
}

/// Shows nothing of the body.
impl std::fmt::Debug for RefusedSubmission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with {}, {} bytes", self.status_code, self.body.len())
    }
}

impl RefusedSubmission {
    /// See [`fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let media_type = self.media_type.as_deref().unwrap_or_default();
        let content_encoding = self.content_encoding.as_deref().unwrap_or_default();
        fingerprint(self.status_code, media_type, content_encoding, &self.body)
    }

    /// The faults as they are stored: JSON of a limited size, whatever the body was. At least one is there.
    #[must_use]
    pub fn faults_json(&self) -> String {
        let mut json = String::new();
        for fault in self.faults.iter().take(MAX_FAULTS) {
            let mut text = fault_json(fault, MAX_TEXT);
            if json.is_empty() && text.len() + 2 > MAX_FAULTS_BYTES {
                text = fault_json(fault, FEW_TEXT);
            }
            if json.len() + text.len() + 2 > MAX_FAULTS_BYTES {
                break;
            }
            json.push(if json.is_empty() { '[' } else { ',' });
            json.push_str(&text);
        }
        json.push_str(if json.is_empty() { "[]" } else { "]" });
        json
    }
}

fn fault_json(fault: &FieldError, max_text: usize) -> String {
    let short = |text: &str| text.chars().take(max_text).collect::<String>();
    let loc: Vec<String> = fault.loc.iter().take(MAX_PATH).map(|name| short(name)).collect();
    serde_json::json!({ "loc": loc, "msg": short(&fault.msg), "type": fault.kind }).to_string()
}

/// About how many bytes the faults take where they are kept.
#[must_use]
pub fn faults_size(faults: &[FieldError]) -> usize {
    let texts = faults.iter().flat_map(|fault| fault.loc.iter().chain([&fault.msg]));
    texts.map(String::len).sum::<usize>().min(MAX_FAULTS_BYTES)
}

/// What a submission is known again by: SHA-256 of the body and of how it was sent.
#[must_use]
pub fn fingerprint(
    status_code: i64,
    media_type: &str,
    content_encoding: &str,
    body: &[u8],
) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(status_code.to_be_bytes());
    for text in [media_type, content_encoding] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hash.update(body);
    hash.finalize().into()
}

/// The `request_id` of a body, as far as it can be read: of JSON, the field; else as [`request_id_in_text`].
#[must_use]
pub fn request_id(body: &[u8]) -> Option<RequestId> {
    match NewLead::parse(body) {
        Ok(lead) => Some(lead.request_id()),
        Err(LeadParseError::Invalid { request_id, .. }) => request_id,
        Err(LeadParseError::NotJson(_)) => request_id_in_text(body),
    }
}

/// The `request_id` of a body that is not JSON: the one UUID that follows its name.
#[must_use]
pub fn request_id_in_text(body: &[u8]) -> Option<RequestId> {
    let text = String::from_utf8_lossy(body);
    let mut found = None;
    for (at, name) in text.match_indices("request_id") {
        let rest: String = text[at + name.len()..].chars().take(REQUEST_ID_REACH).collect();
        let Some(id) = first_uuid(&rest) else { continue };
        if found.is_some_and(|other| other != id) {
            return None;
        }
        found = Some(id);
    }
    found
}

fn first_uuid(text: &str) -> Option<RequestId> {
    (0..text.len()).find_map(|at| RequestId::parse(text.get(at..at + 36)?))
}

/// A header's value as it may be kept: its tokens (RFC 9110, section 5.6.2) in lower case, without parameters.
/// Anything else is not what such a header has, and could be personal.
#[must_use]
pub fn header_tokens(value: &str) -> Option<String> {
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-/*, ".contains(c);
    if essence.is_empty() {
        return None;
    }
    let known = essence.len() <= 100 && essence.chars().all(is_token);
    Some(if known { essence } else { "(unreadable)".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faults_of_a_body_were_larger_than_the_body() {
        let fault = |name: &str| FieldError {
            loc: vec![name.repeat(300); 20],
            msg: name.repeat(300),
            kind: "extra_forbidden",
        };
        for name in ["n", "é", "\u{1}", "\"", "\u{10ffff}"] {
            let refused = RefusedSubmission {
                status_code: 422,
                faults: vec![fault(name); 40],
                media_type: None,
                content_encoding: None,
                request_id: None,
                body: Bytes::new(),
            };
            let json = refused.faults_json();
            let faults: Vec<serde_json::Value> = serde_json::from_str(&json).expect("JSON");
            assert!(
                json.len() <= MAX_FAULTS_BYTES && !faults.is_empty(),
                "{name:?} {}",
                json.len()
            );
            assert_eq!(faults_size(&refused.faults), MAX_FAULTS_BYTES);
        }
    }
}
