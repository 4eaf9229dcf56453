//! `POST /inbound/leads` from the outside: what is answered, and what is then in the database.

use serde_json::json;

use super::support::http::{Client, post_lead};
use super::support::lead;
use super::support::server::TestServer;

#[test]
fn a_lead_is_stored_with_its_audit_row_and_answered_with_a_receipt() {
    let server = TestServer::start();
    let lead = lead();
    let answer = post_lead(server.address, &lead);
    assert_eq!(answer.status, 201, "{answer:?}");
    let body = answer.json();
    let (seq, hash): (i64, String) = server
        .sqlite()
        .query_row("SELECT seq, hash FROM audit_log WHERE event = 'LEAD_RECEIVED'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("the audit row");
    assert_eq!(body["receipt"], format!("{seq}:{hash}"));
    assert_eq!(body["status"], "received");
    let stored: (String, String) = server
        .sqlite()
        .query_row("SELECT id, created_at_utc FROM lead_inbox", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("the lead");
    assert_eq!(json!([body["leadId"], body["timestamp"]]), json!([stored.0, stored.1]));
}

#[test]
fn the_same_submission_again_is_answered_as_the_first_time() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let mut lead = lead();
    let first = client.post_lead(&lead);
    lead["meta"]["ip_hash"] = json!("another");
    lead["meta"]["user_agent_hash"] = json!(null);
    lead["meta"]["timestamp_utc"] = json!("2025-01-01T00:00:00Z");
    let again = client.post_lead(&lead);
    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(
        again.headers.iter().find(|(n, _)| n == "idempotent-replayed").expect("marked").1,
        "true"
    );
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 1);
}
