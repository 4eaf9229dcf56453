//! `fastcore canary`: that it comes through like a lead, is kept out of what people look at, goes after a day, and
//! is missed where it does not come.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::support::admin::{self, Browser};
use super::support::binary::{ServeProcess, command, run, succeed};
use super::support::database::Database;
use super::support::http::{once, post_lead};
use super::support::tls::{Authority, paths};
use super::support::{METRICS_TOKEN, TOKEN, lead, wait_until};
use super::tampering::rewrite_chain;

fn canary(folder: &Path, url: &str, token: &str) -> Output {
    let mut canary = command(folder, &["canary", url]);
    canary.env("FASTCORE_SITE_INGEST_TOKEN", token).output().expect("it runs")
}

/// Sends one that must come through; its id and receipt.
#[track_caller]
fn send(folder: &Path, address: SocketAddr) -> (String, String) {
    let output = canary(folder, &format!("http://{address}"), TOKEN);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stdout).expect("text");
    let words: Vec<&str> = said.trim_end().split(' ').collect();
    let ["ok;", "lead", id, "was", "stored", "in", _, "ms,", "receipt", receipt] = words[..] else {
        panic!("{said}")
    };
    assert_eq!(said.lines().count(), 1, "{said}");
    (id.to_owned(), receipt.to_owned())
}

#[track_caller]
fn assert_fails(output: &Output, status: i32, cause: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(said.contains(cause) && said.lines().count() == 1, "{cause} in {said}");
    assert!(output.stdout.is_empty() && !said.contains(TOKEN), "{output:?}");
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn a_canary_is_stored_and_audited_and_in_no_list_count_or_export() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut server = ServeProcess::start(folder);
    admin::add_account(folder, "jean");
    let real =
        post_lead(server.address, &lead()).json()["leadId"].as_str().expect("an id").to_owned();
    let (id, receipt) = send(folder, server.address);
    succeed(folder, &["audit", "verify", "--receipt", &receipt]);
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    let ids = |list: &Value| -> Vec<String> {
        let ids = list.as_array().expect("a list").iter().map(|lead| lead["id"].as_str());
        ids.map(|id| id.expect("an id").to_owned()).collect()
    };
    let database = rusqlite::Connection::open(folder.join("fastcore.db")).expect("the database");
    let assert_kept_out = |browser: &mut Browser, state: &str| {
        let page = browser.read("/admin/api/leads");
        assert_eq!(ids(&page["leads"]), std::slice::from_ref(&real), "{state}: {page}");
        assert_eq!(page["count"], json!({"rows": 1, "exact": true}), "{state}: {page}");
        let tally = &page["tally"]["by_status"][0];
        assert_eq!(tally["leads"]["rows"], 1, "{state}: {page}");
        let at = &page["leads"][0]["created_at_utc"];
        assert_eq!(&page["tally"]["oldest_received_utc"], at, "{state}: {page}");
        for query in ["q=canary", "q=autre", "service=autre"] {
            let found = browser.list(query).json();
            assert_eq!(found["leads"], json!([]), "{state}: {query}: {found}");
            assert_eq!(found["count"]["rows"], 0, "{state}: {query}: {found}");
        }
        let received = browser.list("status=received&opened=false").json();
        assert_eq!(ids(&received["leads"]), std::slice::from_ref(&real), "{state}: {received}");
        let stats = browser.read("/admin/api/stats");
        assert_eq!(stats["leads"], 1, "{state}: {stats}");
        assert_eq!(stats["by_service"].as_array().map(Vec::len), Some(1), "{state}: {stats}");
        assert_eq!(stats["by_status"][0]["leads"], 1, "{state}: {stats}");
        let status = browser.read("/admin/api/status");
        assert_eq!(status["database"]["leads"], 1, "{state}: {status}");
        assert_eq!(&status["last_lead_at_utc"], at, "{state}: {status}");
        let listed = json_of(&succeed(folder, &["lead", "list", "--json"]));
        assert_eq!(ids(&listed), std::slice::from_ref(&real), "{state}");
        let exported = succeed(folder, &["export", "leads", "--format", "jsonl"]);
        assert_eq!(exported.lines().count(), 1, "{state}: {exported}");
        assert!(!exported.contains(&id), "{state}: {exported}");
        let postgres = succeed(folder, &["export", "leads", "--format", "postgres"]);
        assert!(!postgres.contains(&id) && postgres.contains(&real), "{state}: {postgres}");
        // Where it is asked for.
        for arguments in [
            &["lead", "list", "--canary", "--json"][..],
            &["lead", "list", "--canary", "--json", "--query", "canary"],
        ] {
            let listed = json_of(&succeed(folder, arguments));
            assert_eq!(ids(&listed), std::slice::from_ref(&id), "{state}: {arguments:?}");
        }
        let other = succeed(folder, &["lead", "list", "--canary", "--json", "--query", "dupont"]);
        assert_eq!(json_of(&other), json!([]), "{state}");
        let exported = succeed(folder, &["export", "leads", "--canary", "--format", "jsonl"]);
        assert_eq!(json_of(&exported)["id"], id, "{state}");
    };
    assert_kept_out(&mut browser, "not indexed");
    let indexed =
        "SELECT indexed_through >= (SELECT max(audit_seq) FROM lead_inbox) FROM search_index_state";
    let is_indexed = || database.query_row(indexed, [], |row| row.get::<_, bool>(0)) == Ok(true);
    assert!(wait_until(is_indexed));
    assert_kept_out(&mut browser, "indexed");
    // It is a lead for whoever has its id.
    let opened = browser.open(&id, "").json();
    assert_eq!((&opened["lead"]["source"], &opened["digest"]), (&json!("canary"), &json!("valid")));
    assert_eq!(opened["others"]["count"]["rows"], 0, "{opened}");
    succeed(folder, &["lead", "set-status", &id, "archived"]);
    assert_kept_out(&mut browser, "opened");
    let filters = "SELECT group_concat(details_json ->> '$.filter.canary') FROM audit_log WHERE event = 'LEADS_EXPORTED'";
    let filters: String = database.query_row(filters, [], |row| row.get(0)).expect("rows");
    assert_eq!(filters, "true,true,true");
    succeed(
        folder,
        &["gdpr", "erase", "--email", "canary@example.com", "--reason", "mistake", "--yes"],
    );
    succeed(folder, &["audit", "verify"]);
    server.terminate();
}

#[test]
fn canaries_go_after_a_day_and_it_is_known_when_the_last_one_came() {
    let mut of_yesterday = lead();
    of_yesterday["meta"]["source"] = json!("canary");
    let mut of_today = of_yesterday.clone();
    of_today["meta"]["request_id"] = json!("4d6f9f6e-2b7f-4df5-9a53-0d2a1f0f6a11");
    let database = Database::with(&[of_yesterday, lead(), of_today]);
    let at = |hours: i64| {
        (Utc::now() - TimeDelta::hours(hours)).format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    };
    database.tamper(|conn| {
        for (seq, at) in [(1, at(25)), (2, at(25)), (3, at(23))] {
            for table in [
                "audit_log SET created_at_utc = ?1 WHERE seq",
                "lead_inbox SET created_at_utc = ?1 WHERE audit_seq",
            ] {
                conn.execute(&format!("UPDATE {table} = ?2"), (&at, seq)).expect("changed");
            }
        }
        rewrite_chain(conn);
    });
    let mut serve = command(database.folder(), &["serve", "--canary-every", "2h"]);
    let mut server = ServeProcess::spawn(serve.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN));
    let left = || database.one("SELECT group_concat(audit_seq) FROM lead_inbox");
    assert!(wait_until(|| left() == "2,3"), "{}", left());
    let erased = "SELECT actor || details_json FROM audit_log WHERE event = 'LEAD_ERASED'";
    assert_eq!(database.one(erased), r#"schedule{"reason":"canary"}"#);
    let certificate = database.succeed(&[
        "gdpr",
        "certificate",
        &database.one("SELECT lead_id FROM audit_log WHERE event = 'LEAD_ERASED'"),
    ]);
    assert!(certificate.contains("canary"), "{certificate}");
    let findings = database.run(&["check", "--json"]);
    let findings = json_of(&String::from_utf8(findings.stdout).expect("text"));
    let of_canary = findings.as_array().expect("a list").iter().find(|of| of["check"] == "canary");
    let finding = of_canary.expect("the setting is that of the server");
    assert_eq!(finding["level"], "warning", "{finding}");
    server.terminate();
    // Its arrival is known after it was erased.
    let id = database.lead_id(3);
    database.succeed(&["gdpr", "erase", "--lead", &id, "--reason", "mistake", "--yes"]);
    let mut check = command(database.folder(), &["check", "--json"]);
    let output = check.env("FASTCORE_CANARY_EVERY", "30h").output().expect("it runs");
    let findings = String::from_utf8(output.stdout).expect("text");
    assert!(findings.contains("the last one came through at"), "{findings}");
}

#[test]
fn a_canary_that_does_not_come_is_a_warning_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut serve = command(folder, &["serve", "--canary-every", "1m"]);
    serve.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_METRICS_TOKEN", METRICS_TOKEN);
    let mut server = ServeProcess::spawn(&mut serve);
    admin::add_account(folder, "jean");
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    let metrics = |address| {
        let token = format!("Bearer {METRICS_TOKEN}");
        once(address, "GET", "/metrics", &[("Authorization", &token)], b"").body
    };
    let finding = || {
        let findings = String::from_utf8(run(folder, &["check", "--json"]).stdout).expect("text");
        let findings = json_of(&findings);
        findings.as_array().expect("a list").iter().find(|of| of["check"] == "canary").cloned()
    };
    let mut assert_state = |level: &str, is_late: bool, has_come: bool| {
        assert_eq!(finding().expect("a finding")["level"], level, "{:?}", finding());
        let status = browser.read("/admin/api/status");
        assert_eq!(status["canary"]["every_seconds"], 60, "{status}");
        assert_eq!(!status["canary"]["last_at_utc"].is_null(), has_come, "{status}");
        let warned = status["warnings"].as_array().expect("a list");
        assert_eq!(warned.iter().any(|of| of["code"] == "canary_late"), is_late, "{status}");
        let metrics = metrics(server.address);
        let sample = format!("fastcore_warning{{code=\"canary_late\"}} {}", i32::from(is_late));
        assert!(metrics.contains(&sample), "{sample} in {metrics}");
        assert_eq!(
            metrics.contains("\nfastcore_last_canary_timestamp_seconds "),
            has_come,
            "{metrics}"
        );
    };
    assert_state("warning", true, false);
    // A lead is none.
    post_lead(server.address, &lead());
    assert_state("warning", true, false);
    send(folder, server.address);
    assert_state("ok", false, true);
    server.terminate();
    // It is not expected where nothing says so.
    let mut server = ServeProcess::start(folder);
    assert_eq!(finding(), None);
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    assert_eq!(browser.read("/admin/api/status")["canary"], Value::Null);
    server.terminate();
}

/// Answers one connection with this.
fn answering(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer.as_bytes());
        let _ = stream.read(&mut [0; 4096]);
    });
    address
}

#[test]
fn a_canary_that_does_not_come_through_says_why_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let moved = "301 Moved\r\nLocation: https://www.example.com/inbound/leads";
    let full = r#"{"ok":false,"error":"unavailable","detail":"The disk is full"}"#;
    let invalid = r#"{"ok":false,"error":"validation_error","detail":[{"msg":"\u001b[31m"}]}"#;
    for (head, body, cause) in [
        ("201 Created", "{}", "it answers 201 Created, and not as FASTCore does"),
        (
            "201 Created",
            r#"{"leadId": "7", "receipt": "ok"}"#,
            "it answers 201 Created, and not as FASTCore does",
        ),
        ("200 OK", "<html>", "it answers 200 OK, and not as FASTCore does"),
        ("404 Not Found", "", "it answers 404 Not Found, and not as FASTCore does"),
        (moved, "", "it redirects to https://www.example.com/inbound/leads"),
        ("503 X", full, "it answers 503 Service Unavailable (unavailable): The disk is full"),
        ("422 X", invalid, "it answers 422 Unprocessable Entity (validation_error): [{"),
    ] {
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let output = canary(folder, &format!("http://{}", answering(answer)), TOKEN);
        assert_fails(&output, 1, cause);
    }
    let other = answering("SSH-2.0-OpenSSH_9.2\r\n".to_owned());
    assert_fails(&canary(folder, &format!("http://{other}"), TOKEN), 1, "no answer");
    for (url, cause) in [
        ("leads.example.com", "is not accepted"),
        ("https://leads.example.com/admin", "is not accepted"),
        ("http://leads.example.com", "only an https URL"),
        ("", "is not accepted"),
    ] {
        assert_fails(&canary(folder, url, TOKEN), 2, cause);
    }
    assert_fails(
        &run(folder, &["canary", "http://127.0.0.1:9"]),
        1,
        "FASTCORE_SITE_INGEST_TOKEN: not set",
    );
    assert_fails(&canary(folder, "http://127.0.0.1:9", TOKEN), 1, "cannot connect");
    let mut server = ServeProcess::start(folder);
    let url = format!("http://{}/inbound/leads", server.address);
    assert_fails(
        &canary(folder, &url, "another-token-of-more-than-32-characters"),
        1,
        "it does not accept the token",
    );
    assert!(canary(folder, &url, TOKEN).status.success());
    server.terminate();
}

#[test]
fn a_server_without_a_token_of_the_environment_is_sent_the_one_beside_its_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::spawn(&mut command(folder.path(), &["serve"]));
    let url = format!("http://{}", server.address);
    let output = run(folder.path(), &["canary", &url]);
    assert!(output.status.success(), "{output:?}");
    server.terminate();
}

#[test]
fn a_certificate_that_the_system_does_not_trust_stops_a_canary_before_the_token_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let authority = Authority::new();
    authority.issue(-1, 60).write(folder);
    let (certificate, key) = paths(folder);
    let root = folder.join("root.pem");
    std::fs::write(&root, authority.root_pem()).expect("written");
    let mut serve = command(folder, &["serve"]);
    serve.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN);
    serve.env("FASTCORE_TLS_CERT", certificate).env("FASTCORE_TLS_KEY", key);
    let mut server = ServeProcess::spawn(&mut serve);
    let url = format!("https://localhost:{}", server.address.port());
    assert_fails(
        &canary(folder, &url, TOKEN),
        1,
        "no TLS: invalid peer certificate: UnknownIssuer",
    );
    let mut trusting = command(folder, &["canary", &url]);
    trusting.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("SSL_CERT_FILE", &root);
    let output = trusting.output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    server.terminate();
}

#[test]
fn a_canary_is_not_imported() {
    let database = Database::empty();
    let mut server = ServeProcess::start(database.folder());
    send(database.folder(), server.address);
    server.terminate();
    let exported = database.succeed(&["export", "leads", "--canary", "--format", "jsonl"]);
    let elsewhere = Database::empty();
    let file = elsewhere.folder().join("canaries.jsonl");
    std::fs::write(&file, exported).expect("written");
    let output = elsewhere.run(&["import", "leads", file.to_str().expect("UTF-8")]);
    assert!(String::from_utf8_lossy(&output.stderr).contains('1'), "{output:?}");
    assert_eq!(elsewhere.one("SELECT count(*) FROM lead_inbox"), "0");
}

#[test]
fn a_canary_that_an_older_version_has_indexed_is_not_found_after_the_upgrade() {
    let mut old = lead();
    old["meta"]["source"] = json!("canary");
    let database = Database::with(&[lead(), old]);
    // As V13 left it: canaries are in the index like all leads.
    let notices = include_str!("../../migrations/V13__notices.sql");
    // `tamper` would put the triggers of these tables back.
    let drop_newer = format!(
        "DROP TABLE refused_body; DROP TABLE refused_submission; DROP TABLE refused_total;
         DROP TABLE alert; DROP TABLE digest; DROP TABLE notice; DROP TABLE notice_channel; {notices}
         DROP TABLE lead_search_person; DROP INDEX lead_inbox_canary;
         DELETE FROM refinery_schema_history WHERE version > 13; PRAGMA user_version = 13"
    );
    database.sqlite().execute_batch(&drop_newer).expect("the tables of V13");
    database.tamper_sql(
        "INSERT INTO lead_search (rowid, words) VALUES (1, 'canari');
         INSERT INTO lead_search_filter (status, opened, key, audit_seq, service) VALUES ('received', 0, 1, 2, 'autre');
         UPDATE search_index_state SET indexed_through = 2",
    );
    database.succeed(&["migrate"]);
    assert_eq!(database.one("SELECT tokenizer_version FROM search_index_state"), "0");
    let listed = json_of(&database.succeed(&["lead", "list", "--json", "--status", "received"]));
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
}
