//! The audit log on an intact database: the stored chain equals a second implementation of the
//! documented hash, and `audit list`, `head` and `verify`.

use serde_json::{Value, json};

use super::support::binary;
use super::support::database::{Database, HISTORY};
use super::support::http::post_lead;
use super::support::server::TestServer;
use super::support::{lead, reference_hashes, sql};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn the_stored_chain_equals_the_documented_hash() {
    let database = Database::sample();
    let conn = database.sqlite();
    let stored = sql::rows(&conn, "SELECT seq, hash FROM audit_log ORDER BY seq");
    let stored: Vec<_> = stored
        .iter()
        .map(|r| (r[0].as_deref().expect("a place"), r[1].clone().expect("a hash")))
        .map(|(seq, hash)| (seq.parse::<i64>().expect("a number"), hash))
        .collect();
    let computed = reference_hashes::chain(&conn);
    assert_eq!(computed, stored);
    assert_eq!(
        computed.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7, 8, 9]
    );
    let receipts: Vec<_> =
        computed[..5].iter().map(|(seq, hash)| format!("{seq}:{hash}")).collect();
    assert_eq!(receipts, database.receipts, "the site was given the same");
    let (seq, hash) = computed.last().expect("a head");
    assert_eq!(database.succeed(&["audit", "head"]), format!("{seq}:{hash}\n"));
}

#[test]
fn the_recorded_digests_equal_the_documented_hash() {
    let database = Database::sample();
    let conn = database.sqlite();
    let recorded = "SELECT lead_id, details_json ->> 'lead_digest' FROM audit_log WHERE event = 'LEAD_RECEIVED' ORDER BY seq";
    let recorded: Vec<_> = sql::rows(&conn, recorded)
        .into_iter()
        .map(|r| (r[0].clone().expect("a lead"), r[1].clone().expect("a digest")))
        .collect();
    assert_eq!(reference_hashes::digests(&conn), recorded);
    let salts = sql::rows(&conn, "SELECT DISTINCT salt FROM lead_inbox");
    assert_eq!(salts.len(), 5, "each lead has a salt of its own");
}

#[test]
fn a_lead_received_row_has_no_personal_data() {
    let database = Database::sample();
    let details = database.one("SELECT details_json FROM audit_log WHERE seq = 3");
    let mut details = parsed(&details);
    let digest = details.as_object_mut().expect("an object").remove("lead_digest");
    assert_eq!(digest.expect("a digest").as_str().expect("text").len(), 64);
    assert_eq!(details, json!({"email": "jea***", "service": "ponts", "ip_hash": "abc123def456"}));
}

#[test]
fn verify_reports_an_intact_database_as_valid() {
    let database = Database::sample();
    let head = database.succeed(&["audit", "head"]);
    let said = database.succeed(&["audit", "verify"]);
    let expected = format!("valid; audit rows: 9, leads: 5, receipts: 0, head: {head}");
    assert_eq!(said, expected);
    let report = parsed(&database.succeed(&["audit", "verify", "--json"]));
    let expected = json!({
        "valid": true, "audit_rows": 9, "leads": 5, "head": head.trim(), "findings": [], "finding_count": 0
    });
    assert_eq!(report, expected);
}

#[test]
fn every_issued_receipt_verifies() {
    let database = Database::sample();
    let head = database.succeed(&["audit", "head"]);
    let mut arguments = vec!["audit", "verify"];
    for receipt in database.receipts.iter().map(String::as_str).chain([head.trim()]) {
        arguments.extend(["--receipt", receipt]);
    }
    assert!(database.succeed(&arguments).contains("receipts: 6"));
}

#[test]
fn a_malformed_receipt_is_a_usage_error() {
    let database = Database::sample();
    let hash = "0".repeat(64);
    for receipt in [
        "7",
        "7:",
        ":",
        &format!("x:{hash}"),
        &format!("0:{hash}"),
        &format!("-1:{hash}"),
        &format!("7:{hash}0"),
    ] {
        let output = database.run(&["audit", "verify", &format!("--receipt={receipt}")]);
        assert_eq!(output.status.code(), Some(2), "{receipt}");
    }
}

#[test]
fn a_receipt_of_another_database_is_rejected() {
    let database = Database::sample();
    for receipt in [format!("3:{}", "0".repeat(64)), format!("99:{}", "0".repeat(64))] {
        let output = database.run(&["audit", "verify", "--receipt", &receipt]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains(&format!("the receipt {receipt}")), "{text}");
    }
}

#[test]
fn an_empty_audit_log_is_valid_and_has_no_head() {
    let database = Database::empty();
    let said = database.succeed(&["audit", "verify"]);
    assert_eq!(said, "valid; audit rows: 0, leads: 0, receipts: 0, head: empty\n");
    assert_eq!(parsed(&database.succeed(&["audit", "verify", "--json"]))["head"], Value::Null);
    assert_eq!(database.succeed(&["audit", "list"]), "");
    assert_eq!(parsed(&database.succeed(&["audit", "list", "--json"])), json!([]));
    let head = database.run(&["audit", "head"]);
    assert_eq!((head.status.code(), head.stdout.as_slice()), (Some(1), b"".as_slice()));
    assert_eq!(String::from_utf8_lossy(&head.stderr).lines().count(), 1);
}

#[test]
fn verify_works_while_a_server_writes() {
    let server = TestServer::start();
    let receipt = post_lead(server.address, &lead()).json()["receipt"].clone();
    let receipt = receipt.as_str().expect("a receipt");
    let said = binary::succeed(server.folder(), &["audit", "verify", "--receipt", receipt]);
    assert!(said.starts_with("valid; audit rows: 1, leads: 1, receipts: 1"), "{said}");
    assert_eq!(binary::succeed(server.folder(), &["audit", "head"]).trim(), receipt);
    assert_eq!(post_lead(server.address, &lead()).status, 201, "and the server goes on");
}

#[test]
fn verify_does_not_change_the_file() {
    let database = Database::sample();
    let before = std::fs::read(database.path()).expect("the file");
    database.succeed(&["audit", "verify"]);
    assert!(std::fs::read(database.path()).expect("the file") == before);
}

#[test]
fn audit_list_shows_the_newest_rows_first() {
    let database = Database::sample();
    let text = database.succeed(&["audit", "list"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 9);
    for (line, (i, event)) in lines.iter().zip(HISTORY.iter().enumerate().rev()) {
        assert!(line.trim_start().starts_with(&format!("{}  2", i + 1)), "{line}");
        assert!(line.contains(event), "{line}");
    }
    let two = database.succeed(&["audit", "list", "--limit", "2"]);
    assert_eq!(two.lines().collect::<Vec<_>>(), lines[..2]);
    assert_eq!(database.succeed(&["audit", "list", "--limit", "0"]), "");
}

#[test]
fn audit_list_filters_by_event_and_lead() {
    let database = Database::sample();
    let list = |arguments: &[&str]| {
        let all = [&["audit", "list", "--json"], arguments].concat();
        let rows = parsed(&database.succeed(&all));
        let rows = rows.as_array().expect("a list").clone();
        rows.iter().map(|r| r["seq"].as_i64().expect("a place")).collect::<Vec<_>>()
    };
    let (first, second) = (database.lead_id(1), database.lead_id(2));
    assert_eq!(list(&["--event", "LEAD_RECEIVED"]), [5, 4, 3, 2, 1]);
    assert_eq!(list(&["--event", "LEAD_REJECTED"]), [8]);
    assert_eq!(list(&["--event", "NOTHING"]), [0; 0]);
    assert_eq!(list(&["--lead", &first]), [7, 6, 1]);
    assert_eq!(list(&["--lead", &second]), [9, 2]);
    assert_eq!(list(&["--lead", &first, "--event", "LEAD_CONFLICT"]), [7]);
    assert_eq!(list(&["--lead", &first, "--limit", "1"]), [7]);
}

#[test]
fn audit_list_json_is_the_stored_rows() {
    let database = Database::sample();
    let listed = parsed(&database.succeed(&["audit", "list", "--json", "--limit", "1000"]));
    let listed = listed.as_array().expect("a list");
    let sql =
        format!("SELECT {}, hash FROM audit_log ORDER BY seq DESC", reference_hashes::CHAINED);
    let stored = sql::rows(&database.sqlite(), &sql);
    assert_eq!(listed.len(), stored.len());
    let names: Vec<&str> = reference_hashes::CHAINED.split(", ").chain(["hash"]).collect();
    for (row, stored) in listed.iter().zip(stored) {
        for (name, stored) in names.iter().zip(stored) {
            let value = match &row[name] {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            assert_eq!(value, stored, "{name}");
        }
    }
}
