//! Whose a refused submission is: what a retry settles, what belongs to a lead, what a backup brings back.

use serde_json::{Value, json};

use super::refused::{KEPT, broken, count, post_json};
use super::support::binary::{ServeProcess, command, run, succeed};
use super::support::http::{Client, post_lead};
use super::support::server::TestServer;
use super::support::{TOKEN, lead};

const OPEN: &str = "SELECT count(*) FROM refused_submission WHERE settled_at_utc IS NULL";

/// A broken lead of a person of their own.
fn broken_of(number: usize, request_id: &Value) -> Value {
    let mut lead = broken(&format!("jean{number}@example.com"));
    lead["name"] = json!(format!("Jean {number}"));
    lead["phone"] = json!(format!("+3361234560{number}"));
    lead["meta"]["request_id"] = request_id.clone();
    lead
}

#[test]
fn one_request_id_for_all_made_a_retry_settle_other_people() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let mut client = Client::connect(served.address);
    let request_id = lead()["meta"]["request_id"].take();
    for number in 0..4 {
        assert_eq!(client.post_lead(&broken_of(number, &request_id)).status, 422);
    }
    // Cut short before its address: it is the first one's, as far as can be said.
    let cut = format!("{{\"meta\": {{\"request_id\": {request_id}}}, \"name\": \"Je");
    assert_eq!(post_json(&mut client, cut.as_bytes()).status, 400);

    let set = ["refused", "retry", "--all", "--set", "meta.timestamp_utc=now"];
    let retried = run(folder, &set);
    let said = String::from_utf8(retried.stdout).expect("UTF-8");
    assert_eq!(retried.status.code(), Some(1), "{said}");
    assert_eq!(
        (said.matches("is the lead").count(), said.matches("other content").count()),
        (1, 3)
    );
    assert!(said.contains("--set meta.request_id=new"), "{said}");
    assert_eq!((count(folder, OPEN), count(folder, "SELECT count(*) FROM lead_inbox")), (4, 1));

    // The others are neither exported nor erased with the first.
    let exported = succeed(folder, &["gdpr", "export", "--email", "jean0@example.com"]);
    assert!(exported.contains("Jean 0") && !exported.contains("Jean 1"), "{exported}");
    let erase = ["gdpr", "erase", "--email", "jean0@example.com", "--reason", "request", "--yes"];
    succeed(folder, &erase);
    assert_eq!(count(folder, KEPT), 3);
    assert_eq!(count(folder, OPEN), 3);
    let new_id = [&set[..], &["--set", "meta.request_id=new"]].concat();
    assert_eq!(succeed(folder, &new_id).matches("is the lead").count(), 3);
    assert_eq!((count(folder, OPEN), count(folder, "SELECT count(*) FROM lead_inbox")), (0, 3));
    served.terminate();
    succeed(folder, &["audit", "verify"]);
}

#[test]
fn a_lead_settled_exported_or_erased_what_others_had_sent_with_its_request_id() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let mut client = Client::connect(served.address);
    let mut lead = lead();
    let request_id = lead["meta"]["request_id"].clone();
    assert_eq!(client.post_lead(&broken_of(1, &request_id)).status, 422);
    // The sender's own: with an address that was corrected later, and another number.
    let mut corrected = broken_of(2, &request_id);
    corrected["name"] = lead["name"].clone();
    assert_eq!(client.post_lead(&corrected).status, 422);
    // Of another, who has a name and nothing by which they can be called.
    let mut unreachable = broken_of(3, &request_id);
    unreachable["email"] = json!("paul@gmail");
    unreachable["phone"] = json!(null);
    assert_eq!(client.post_lead(&unreachable).status, 422);
    lead["company"] = json!(null);
    let answer = client.post_lead(&lead);
    assert_eq!((answer.status, count(folder, OPEN)), (201, 2));
    assert_eq!((client.post_lead(&lead).status, count(folder, OPEN)), (200, 2));
    let id = answer.json()["leadId"].as_str().expect("an id").to_owned();
    let exported = succeed(folder, &["gdpr", "export", "--email", "jean@example.com"]);
    assert!(exported.contains("jean2@example.com"), "{exported}");
    assert!(!exported.contains("jean1@") && !exported.contains("paul@gmail"), "{exported}");
    succeed(folder, &["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"]);
    let others = succeed(folder, &["refused", "list", "--json"]);
    let others: Value = serde_json::from_str(&others).expect("JSON");
    for (at, address) in ["paul@gmail", "jean1@example.com"].into_iter().enumerate() {
        let id = others[at]["id"].as_str().expect("an id");
        let shown = succeed(folder, &["refused", "show", id]);
        assert!(shown.contains(address), "{shown}");
    }
    assert_eq!(count(folder, KEPT), 2);
    served.terminate();
}

#[test]
fn a_purge_left_the_ledger_of_the_backups_incomplete() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut serve = command(folder, &["serve", "--backup-dir", "backups"]);
    let mut served = ServeProcess::spawn(serve.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN));
    assert_eq!(post_lead(served.address, &broken("jean@example.com")).status, 422);
    succeed(folder, &["refused", "purge", "--older-than", "0s", "--yes"]);
    assert_eq!(count(folder, KEPT), 0);
    let check = String::from_utf8(run(folder, &["check"]).stdout).expect("UTF-8");
    assert!(check.contains("ledger") && !check.contains("missing from"), "{check}");
    served.terminate();
}

#[test]
fn a_repetition_of_a_lead_left_what_was_refused_of_it_open() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let lead = lead();
    assert_eq!(client.post_lead(&lead).status, 201);
    let mut broken = lead.clone();
    broken["name"] = json!("J");
    assert_eq!(client.post_lead(&broken).status, 422);
    assert_eq!(server.number(OPEN), 1);
    // Other content under the id settles nothing.
    broken["name"] = json!("Jeanne");
    assert_eq!(client.post_lead(&broken).status, 409);
    assert_eq!(server.number(OPEN), 1);
    assert_eq!(client.post_lead(&lead).status, 200);
    assert_eq!(server.number(OPEN), 0);
}

#[test]
fn a_backup_brought_back_the_refused_submission_of_an_erased_lead() {
    for purge in [&["--settled"][..], &[]] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let mut served = ServeProcess::start(folder);
        let mut client = Client::connect(served.address);
        assert_eq!(client.post_lead(&broken("jean.trace@example.com")).status, 422);
        assert_eq!(post_json(&mut client, b"{\"email\": \"paul@example.com\"").status, 400);
        succeed(folder, &["backup", "create", "older.db"]);
        let listed = succeed(folder, &["refused", "list", "--json"]);
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        let id = |at: usize| listed[at]["id"].as_str().expect("an id");
        succeed(folder, &["refused", "retry", id(1), "--set", "meta.timestamp_utc=now"]);
        // By the operator's hand it is in the ledger; as if it had gone for its age, it is not.
        if purge.is_empty() {
            let conn = rusqlite::Connection::open(folder.join("fastcore.db")).expect("a database");
            let sql = "DELETE FROM refused_submission WHERE settled_at_utc IS NOT NULL";
            conn.execute_batch(sql).expect("deleted");
        } else {
            succeed(folder, &[&["refused", "purge", "--yes"], purge].concat());
        }
        let erase = ["gdpr", "erase", "--email", "jean.trace@example.com", "--reason", "request"];
        succeed(folder, &[&erase[..], &["--yes"]].concat());
        succeed(folder, &["refused", "purge", id(0), "--yes"]);
        assert_eq!(count(folder, KEPT), 0);
        served.terminate();
        succeed(folder, &["check"]);
        // A ledger that is lost is completed from the audit log.
        if purge.is_empty() {
            let ledger = folder.join("fastcore.db.erased");
            let before = std::fs::read_to_string(&ledger).expect("a ledger");
            std::fs::remove_file(&ledger).expect("removed");
            succeed(folder, &["backup", "create", "newer.db"]);
            let after = std::fs::read_to_string(&ledger).expect("a ledger");
            assert!(before.contains(id(1)) && after.contains(id(1)), "{before} {after}");
        }
        succeed(folder, &["restore", "older.db"]);
        // Somebody who was purged by hand alone is in the ledger that was lost.
        assert_eq!(count(folder, KEPT), i64::from(purge.is_empty()));
        let left = "SELECT count(*) FROM refused_body WHERE instr(body, 'jean.trace') > 0";
        assert_eq!(count(folder, left), 0);
    }
}

#[test]
fn a_change_that_could_not_be_made_was_dropped_without_a_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let mut client = Client::connect(served.address);
    let mut lead = lead();
    let meta = lead["meta"].take();
    assert_eq!(client.post_lead(&lead).status, 422);
    assert_eq!(post_json(&mut client, b"[1]").status, 422);
    let fields = ["source", "request_id", "ip_hash", "user_agent_hash", "timestamp_utc"];
    let set = fields.map(|name| format!("meta.{name}={}", meta[name].as_str().expect("text")));
    let set = set.iter().flat_map(|change| ["--set", change]);
    let retried =
        run(folder, &["refused", "retry", "--all"].into_iter().chain(set).collect::<Vec<_>>());
    let said = String::from_utf8(retried.stdout).expect("UTF-8");
    assert!(said.contains("is the lead") && said.contains("no field can be set"), "{said}");
    served.terminate();
}
