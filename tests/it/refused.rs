//! Refused submissions: kept byte for byte, counted, bounded, erased with the person they name.

use std::fs;
use std::path::Path;

use rand::Rng as _;
use serde_json::{Value, json};

use super::backup::stderr_text;
use super::privacy::{assert_only_in, files_with};
use super::support::admin::{self, Browser, PASSWORD};
use super::support::binary::{ServeProcess, run, succeed, text};
use super::support::http::{Client, Response, once, post_lead};
use super::support::server::TestServer;
use super::support::{TOKEN, lead};

pub(crate) const KEPT: &str = "SELECT count(*) FROM refused_submission";

/// Posts these bytes as this media type.
pub(crate) fn post(client: &mut Client, media_type: &str, body: &[u8]) -> Response {
    let token = format!("Bearer {TOKEN}");
    let headers = [("Authorization", token.as_str()), ("Content-Type", media_type)];
    client.request("POST", "/inbound/leads", &headers, body)
}

pub(crate) fn post_json(client: &mut Client, body: &[u8]) -> Response {
    post(client, "application/json", body)
}

/// A lead whose time has another name, as after an update of the site that went wrong.
pub(crate) fn broken(email: &str) -> Value {
    let mut lead = lead();
    lead["email"] = json!(email);
    let time = lead["meta"].as_object_mut().expect("an object").remove("timestamp_utc");
    lead["meta"]["timestamp"] = time.expect("a time");
    lead
}

#[test]
fn what_is_refused_with_a_token_is_kept_byte_for_byte() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let mut random = vec![0; 64 * 1024];
    rand::rng().fill_bytes(&mut random);
    random[0] = 0xff;
    let nested = "[".repeat(20_000);
    let wrong = broken("jean@example.com").to_string();
    let cases: [(&str, &[u8], u16); 9] = [
        ("application/json", wrong.as_bytes(), 422),
        ("application/json", b"", 400),
        ("application/json", b"{\"name\": \"Je", 400),
        ("application/json", &random, 400),
        ("application/json", b"\xff\xfe\x00\x00<script>alert(1)</script>", 400),
        ("application/json", nested.as_bytes(), 400),
        ("application/x-www-form-urlencoded", b"email=jean%40example.com&message=bonjour", 415),
        ("text/plain", wrong.as_bytes(), 415),
        ("", b"\x1f\x8b\x08", 415),
    ];
    for (media_type, body, status) in cases {
        let answer = post(&mut client, media_type, body);
        assert_eq!((answer.status, &answer.json()["kept"]), (status, &json!(true)), "{answer:?}");
        let (stored, status_code): (Vec<u8>, i64) = server
            .sqlite()
            .query_row(
                "SELECT body, status_code FROM refused_submission JOIN refused_body USING (audit_seq)
                 ORDER BY audit_seq DESC LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .expect("a row");
        assert!(stored == body && status_code == i64::from(status), "{media_type} {status}");
    }
    assert_eq!(server.number(KEPT), 9);
    let rejected = "SELECT count(*) FROM audit_log WHERE event = 'LEAD_REJECTED'";
    assert_eq!(server.number(rejected), 9);
    let total =
        "SELECT kept_bytes - (SELECT sum(length(body)) FROM refused_body) FROM refused_total";
    assert_eq!(server.number(total), 0);
}

#[test]
fn without_a_token_or_too_large_nothing_is_kept() {
    let server = TestServer::start();
    let headers = [("Content-Type", "application/json")];
    let answer = once(server.address, "POST", "/inbound/leads", &headers, b"{}");
    answer.assert_error(401, "unauthorized");
    let large = vec![b'x'; 64 * 1024 + 1];
    let mut client = Client::connect(server.address);
    let answer = post_json(&mut client, &large);
    answer.assert_error(413, "payload_too_large");
    assert_eq!(answer.json()["kept"], Value::Null);
    assert_eq!(server.number(KEPT), 0);
    let counted = || server.number("SELECT too_large FROM refused_total") == 1;
    assert!(server.eventually(counted), "a 413 is counted");
}

#[test]
fn the_same_again_is_one_row_with_a_count() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let body = broken("jean@example.com").to_string();
    for _ in 0..5 {
        assert_eq!(post_json(&mut client, body.as_bytes()).status, 422);
    }
    assert_eq!(post(&mut client, "text/plain", body.as_bytes()).status, 415);
    assert_eq!(server.number(KEPT), 2);
    assert_eq!(server.number("SELECT max(times) FROM refused_submission"), 5);
    assert_eq!(server.number("SELECT kept_bytes FROM refused_total"), 2 * body.len() as i64);
}

#[test]
fn a_later_success_with_the_request_id_settles_it() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let mut lead = lead();
    let request_id = lead["meta"]["request_id"].as_str().expect("an id").to_owned();
    lead["name"] = json!("J");
    assert_eq!(client.post_lead(&lead).status, 422);
    // Cut short: the id is read all the same.
    let cut = lead.to_string();
    let cut = &cut[..cut.len() - 2];
    assert_eq!(post_json(&mut client, cut.as_bytes()).status, 400);
    let settled = "SELECT count(*) FROM refused_submission WHERE settled_at_utc IS NOT NULL";
    let ids = format!("SELECT count(*) FROM refused_submission WHERE request_id = '{request_id}'");
    assert_eq!((server.number(&ids), server.number(settled)), (2, 0));
    lead["name"] = json!("Jean Dupont");
    assert_eq!(client.post_lead(&lead).status, 201);
    assert_eq!(server.number(settled), 2);
    let led = "SELECT count(*) FROM refused_submission JOIN lead_inbox ON lead_id = lead_inbox.id";
    assert_eq!(server.number(led), 2);
}

#[test]
fn what_was_kept_does_not_change_whoever_writes() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    assert_eq!(post_json(&mut client, b"{}").status, 422);
    let sqlite = server.sqlite();
    for sql in [
        "UPDATE refused_body SET body = x'00'",
        "UPDATE refused_submission SET request_id = printf('%036d', 1)",
        "UPDATE refused_submission SET times = 0",
        "UPDATE refused_submission SET received_at_utc = last_at_utc, status_code = 400",
        "REPLACE INTO refused_body SELECT * FROM refused_body",
        "REPLACE INTO refused_submission SELECT * FROM refused_submission",
    ] {
        assert!(sqlite.execute_batch(sql).is_err(), "{sql}");
    }
    sqlite
        .execute_batch(
            "UPDATE refused_submission SET settled_at_utc = received_at_utc, lead_id = printf('%036d', 1)",
        )
        .expect("settled once");
    assert!(sqlite.execute_batch("UPDATE refused_submission SET settled_at_utc = NULL").is_err());
}

pub(crate) fn count(folder: &Path, sql: &str) -> i64 {
    let conn = rusqlite::Connection::open(folder.join("fastcore.db")).expect("the database");
    conn.query_row(sql, [], |row| row.get(0)).expect(sql)
}

/// What is searched for in the files: nobody else has it.
const MARK: &str = "Trace-Sans-Pareille";

#[test]
fn a_person_in_refused_submissions_is_exported_and_erased_without_a_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let mut client = Client::connect(served.address);
    let mut named = broken("Jean.Trace@Example.com");
    named["message"] = json!(format!("{MARK} {}", "encore ".repeat(300)));
    assert_eq!(client.post_lead(&named).status, 422);
    let form = format!("mail=jean.trace%40example.com&message={MARK}");
    assert_eq!(post(&mut client, "text/plain", form.as_bytes()).status, 415);
    let escaped = format!("{{\"m\": \"JEAN.TRACE\\u0040example.com {MARK}\"");
    assert_eq!(post_json(&mut client, escaped.as_bytes()).status, 400);
    // Somebody else, and somebody whose address is longer.
    for other in ["paul@example.com", "anne-jean.trace@example.com"] {
        assert_eq!(client.post_lead(&broken(other)).status, 422);
    }
    let backup = folder.join("older.db");
    succeed(folder, &["backup", "create", text(&backup)]);
    assert!(!files_with(folder, MARK).is_empty());
    assert_eq!(count(folder, KEPT), 5);

    let exported = succeed(folder, &["gdpr", "export", "--email", "jean.trace@example.com"]);
    let exported: Value = serde_json::from_str(&exported).expect("JSON");
    let refused = exported["refused"].as_array().expect("a list");
    assert_eq!((exported["leads"].as_array().map(Vec::len), refused.len()), (Some(0), 3));
    assert!(refused.iter().all(|one| one["body"].to_string().contains(MARK)), "{exported}");

    let erase = ["gdpr", "erase", "--email", "JEAN.trace@EXAMPLE.com", "--reason", "request"];
    let more = ["--yes", "--json", "--certificate", "certificate.txt"];
    let erased = succeed(folder, &[&erase[..], &more].concat());
    let erased: Value = serde_json::from_str(&erased).expect("JSON");
    assert_eq!(erased["refused"].as_array().map(Vec::len), Some(3), "{erased}");
    assert_eq!(count(folder, KEPT), 2);
    assert_eq!(count(folder, "SELECT kept_rows FROM refused_total"), 2);
    for needle in [MARK, "jean.trace%40", "JEAN.TRACE", "Jean.Trace"] {
        assert_only_in(folder, needle, &["older.db"]);
    }
    let id = erased["refused"][0]["refused_id"].as_str().expect("an id").to_owned();
    let certificate = fs::read_to_string(folder.join("certificate.txt")).expect("a certificate");
    assert!(certificate.contains(&id) && certificate.contains("3 submission(s)"), "{certificate}");
    assert!(succeed(folder, &["gdpr", "certificate", &id]).contains(&id));
    let ledger = fs::read_to_string(folder.join("fastcore.db.erased")).expect("a ledger");
    assert!(ledger.contains(&id), "{ledger}");
    let again = run(folder, &[&erase[..], &["--yes"]].concat());
    assert_eq!(again.status.code(), Some(1), "{}", stderr_text(&again));
    served.terminate();

    // The older backup does not bring them back.
    succeed(folder, &["restore", "older.db"]);
    assert_eq!(count(folder, KEPT), 2);
    fs::remove_file(&backup).expect("removed");
    for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
        if path.to_string_lossy().contains("before-restore") {
            fs::remove_file(path).expect("removed");
        }
    }
    assert_eq!(files_with(folder, MARK), [""; 0]);
    succeed(folder, &["audit", "verify"]);
    succeed(folder, &["check"]);
}

#[test]
fn an_erased_lead_takes_what_was_refused_of_it_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let mut client = Client::connect(served.address);
    let mut lead = lead();
    lead["message"] = json!("trop court");
    lead["company"] = json!(MARK);
    assert_eq!(client.post_lead(&lead).status, 422);
    lead["message"] = json!("Mon compresseur ne démarre plus depuis hier");
    let answer = post_lead(served.address, &lead);
    assert_eq!(answer.status, 201);
    let id = answer.json()["leadId"].as_str().expect("an id").to_owned();
    let erase = ["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"];
    succeed(folder, &erase);
    assert_eq!(count(folder, KEPT), 0);
    assert_only_in(folder, MARK, &[]);
    served.terminate();
}

#[test]
fn a_site_that_renamed_a_field_loses_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let mut client = Client::connect(served.address);
    for n in 0..3 {
        assert_eq!(client.post_lead(&broken(&format!("jean{n}@example.com"))).status, 422);
    }
    assert_eq!(post_json(&mut client, b"{\"name\": \"cut").status, 400);
    let listed = succeed(folder, &["refused", "list"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(listed.contains("422    1×           meta.timestamp_utc: Field required"), "{listed}");
    let listed: Value =
        serde_json::from_str(&succeed(folder, &["refused", "list", "--json"])).expect("JSON");
    let id = listed[3]["id"].as_str().expect("an id");
    let shown = succeed(folder, &["refused", "show", id]);
    for part in ["jean0@example.com", "meta.timestamp_utc: Field required", "\"timestamp\""] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    // Without a change it is still refused; with it, it is a lead, once.
    let refused = run(folder, &["refused", "retry", id]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr_text(&refused));
    let retried = run(folder, &["refused", "retry", "--all", "--set", "meta.timestamp_utc=now"]);
    let said = String::from_utf8(retried.stdout).expect("UTF-8");
    assert_eq!(said.matches("is the lead").count(), 3, "{said}");
    assert_eq!((retried.status.code(), said.matches("still refused").count()), (Some(1), 1));
    assert!(succeed(folder, &["refused", "retry", id]).contains("before"));
    assert_eq!(count(folder, "SELECT count(*) FROM lead_inbox"), 3);
    let named = "SELECT count(*) FROM audit_log AS a JOIN refused_submission AS r
                 ON r.id = a.details_json ->> 'refused_id' AND r.lead_id = a.lead_id
                 WHERE a.event IN ('LEAD_RECEIVED', 'REFUSED_RETRIED')";
    assert_eq!(count(folder, named), 6);
    assert_eq!(succeed(folder, &["refused", "list"]).lines().count(), 1);

    succeed(folder, &["refused", "export", "--format", "xlsx", "-o", "refused.xlsx"]);
    succeed(folder, &["refused", "export", "-o", "refused.jsonl"]);
    let exported = fs::read_to_string(folder.join("refused.jsonl")).expect("a file");
    assert_eq!(exported.lines().count(), 4);
    let first: Value =
        serde_json::from_str(exported.lines().next().expect("a line")).expect("JSON");
    let sent: Value = serde_json::from_str(first["body"].as_str().expect("text")).expect("JSON");
    assert_eq!(sent["email"], "jean0@example.com");

    succeed(folder, &["refused", "purge", "--settled", "--yes"]);
    assert_eq!(count(folder, KEPT), 1);
    succeed(folder, &["refused", "purge", "--all", "--yes"]);
    assert_eq!(count(folder, KEPT), 0);
    let unknown = run(folder, &["refused", "purge", id, "--yes"]);
    assert_eq!(unknown.status.code(), Some(1));
    served.terminate();
    succeed(folder, &["audit", "verify"]);
}

#[test]
fn staff_see_what_was_refused_and_the_audit_log_says_who_opened_it() {
    let server = TestServer::start();
    admin::add_account(server.folder(), "jean");
    let mut client = Client::connect(server.address);
    let mut body = broken("jean@example.com");
    body["message"] = json!("<script>alert(1)</script> appelez le 06 12 34 56 78, merci beaucoup");
    assert_eq!(client.post_lead(&body).status, 422);
    let anonymous = once(server.address, "GET", "/admin/api/refused", &[], b"");
    anonymous.assert_error(401, "unauthorized");
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    let list = browser.read("/admin/api/refused");
    assert_eq!((&list["open"], &list["next"]), (&json!(1), &Value::Null), "{list}");
    let row = &list["rows"][0];
    let fault = json!({"field": "meta.timestamp_utc", "type": "missing", "msg": "Field required"});
    assert_eq!((&row["faults"], &row["times"]), (&json!([fault]), &json!(1)));
    assert!(!list.to_string().contains("example.com"), "the list shows no content: {list}");
    let path = format!("/admin/api/refused/{}", row["id"].as_str().expect("an id"));
    let opened = browser.read(&path);
    assert_eq!(opened["emails"], json!(["jean@example.com"]));
    assert_eq!(opened["phones"][0]["uri"], "tel:+33612345678");
    assert_eq!(opened["body"], body.to_string());
    let fields = opened["fields"].as_array().expect("a list");
    assert!(fields.contains(&json!({"name": "email", "value": "jean@example.com"})), "{opened}");
    let viewed = "SELECT count(*) FROM audit_log
                  WHERE event = 'REFUSED_VIEWED' AND actor = 'staff:jean' AND details_json ->> 'refused_id' IS NOT NULL";
    assert_eq!(server.number(viewed), 1);
    let unknown = "/admin/api/refused/019b8a20-0000-7000-8000-000000000009";
    browser.get(unknown).assert_error(404, "not_found");
    body["meta"]["timestamp_utc"] = body["meta"]["timestamp"].take();
    assert_eq!(client.post_lead(&body).status, 201);
    assert_eq!(browser.read("/admin/api/refused")["open"], 0);
    let settled = browser.read("/admin/api/refused?settled=true");
    assert!(settled["rows"][0]["lead_id"].is_string(), "{settled}");
}
