//! Shared by the tests: a server in this process, the built binary, a byte-level HTTP client.

pub(crate) mod admin;
pub(crate) mod binary;
pub(crate) mod database;
pub(crate) mod export;
pub(crate) mod http;
pub(crate) mod pebble;
pub(crate) mod postgres;
#[path = "../../support/process_output.rs"]
pub(crate) mod process_output;
pub(crate) mod receivers;
pub(crate) mod redact;
pub(crate) mod reference_hashes;
pub(crate) mod server;
pub(crate) mod sql;
pub(crate) mod tls;
pub(crate) mod tools;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

/// The token of every test server.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

/// The token for the metrics of every test server.
pub(crate) const METRICS_TOKEN: &str = "fedcba9876543210fedcba9876543210fedcba9876543210";

/// A valid lead with a `request_id` of its own.
pub(crate) fn lead() -> Value {
    json!({
        "name": "Jean Dupont",
        "email": "jean@example.com",
        "phone": "+33612345678",
        "company": "ACME SAS",
        "service": "diagnostic",
        "message": "Mon compresseur ne démarre plus depuis hier",
        "consent": true,
        "meta": {
            "source": "fast-techservices.com",
            "request_id": Uuid::new_v4().to_string(),
            "ip_hash": "abc123def456",
            "user_agent_hash": "xyz789",
            "timestamp_utc": "2024-01-03T10:30:45.123456Z"
        }
    })
}

/// Asks whether the search index has processed every audit row.
pub(crate) const IS_INDEXED: &str =
    "SELECT indexed_through = (SELECT max(seq) FROM audit_log) FROM search_index_state";

/// Whether something comes true, looked at again and again; longer than anything takes on the busiest machine.
pub(crate) fn wait_until(mut it: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if it() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    it()
}
