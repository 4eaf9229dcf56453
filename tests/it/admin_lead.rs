//! A lead opened on the admin page, and exports from it.

use serde_json::{Value, json};

use super::support::admin::{send_leads, server_with_account, set_status};
use super::support::binary;
use super::support::http::{Client, post_lead};
use super::support::{lead, sql};

#[test]
fn opening_a_lead_is_audited_and_returns_every_field() {
    let (server, mut browser) = server_with_account();
    let sent = lead();
    let receipt = post_lead(server.address, &sent).json();
    let id = receipt["leadId"].as_str().expect("an id");
    set_status(&server, id, "processing");
    let opened = browser.read(&format!("/admin/api/leads/{}", id.to_uppercase()));
    let shown = &opened["lead"];
    for field in ["name", "email", "phone", "company", "service", "message", "consent"] {
        assert_eq!(shown[field], sent[field], "{field}");
    }
    for field in ["source", "request_id", "ip_hash", "user_agent_hash"] {
        assert_eq!(shown[field], sent["meta"][field], "{field}");
    }
    assert_eq!((&shown["status"], &shown["id"]), (&json!("processing"), &json!(id)));
    assert_eq!(opened["receipt"], receipt["receipt"]);
    assert_eq!(opened["digest"], "valid");
    let timeline = opened["timeline"].as_array().expect("a list");
    let reported: Vec<_> = timeline
        .iter()
        .map(|row| (row["event"].as_str().expect("one"), row["actor"].as_str().expect("one")))
        .collect();
    assert_eq!(
        (reported[0], reported[2]),
        (("LEAD_RECEIVED", "site_ingest"), ("LEAD_VIEWED", "staff:jean"))
    );
    assert_eq!(timeline[1]["details"], json!({"from": "received", "to": "processing"}));
    browser.read(&format!("/admin/api/leads/{id}"));
    let viewed = "SELECT count(*) FROM audit_log WHERE event = 'LEAD_VIEWED' AND actor = 'staff:jean' AND lead_id IS NOT NULL AND request_id IS NOT NULL AND details_json IS NULL";
    assert_eq!(server.number(viewed), 2, "once each time");
    binary::succeed(server.folder(), &["audit", "verify"]);
}

#[test]
fn an_altered_lead_is_invalid_and_an_erased_lead_is_410() {
    let (server, mut browser) = server_with_account();
    let ids = send_leads(&server, 2);
    let conn = server.sqlite();
    conn.execute_batch(
        "DROP TRIGGER lead_inbox_refuses_update; UPDATE lead_inbox SET message = message || '!'",
    )
    .expect("a change");
    assert_eq!(browser.read(&format!("/admin/api/leads/{}", ids[0]))["digest"], "invalid");
    conn.execute(
        "INSERT INTO audit_log SELECT seq + 1, 'e' || substr(id, 2), created_at_utc, 'LEAD_ERASED', actor, ?1, NULL, NULL, NULL, hash
         FROM audit_log ORDER BY seq DESC LIMIT 1",
        [&ids[1]],
    ).expect("an erasure");
    conn.execute("DELETE FROM lead_inbox WHERE id = ?1", [&ids[1]]).expect("a deletion");
    browser.get(&format!("/admin/api/leads/{}", ids[1])).assert_error(410, "lead_erased");
    let left = browser.read("/admin/api/leads");
    assert_eq!((&left["count"]["rows"], &left["leads"][0]["id"]), (&json!(1), &json!(ids[0])));
}

#[test]
fn an_opened_lead_has_previous_and_next_of_the_filtered_list() {
    let (server, mut browser) = server_with_account();
    let ids = send_leads(&server, 11);
    set_status(&server, &ids[5], "archived");
    for (filter, of) in [
        ("", (0..11).collect::<Vec<usize>>()),
        ("service=ponts", vec![0, 5, 10]),
        ("service=ponts&status=received", vec![0, 10]),
        ("q=electr", vec![0, 3, 6, 9]),
    ] {
        for (i, place) in of.iter().enumerate() {
            let opened = browser.read(&format!("/admin/api/leads/{}?{filter}", ids[*place]));
            let neighbour = |i: Option<usize>| {
                i.and_then(|i| of.get(i)).map_or(Value::Null, |i| json!(ids[*i]))
            };
            assert_eq!(opened["newer"], neighbour(Some(i + 1)), "{filter} {place}");
            assert_eq!(opened["older"], neighbour(i.checked_sub(1)), "{filter} {place}");
        }
    }
    // One that the filter does not find still has its place between those that it finds.
    let opened = browser.read(&format!("/admin/api/leads/{}?service=ponts", ids[7]));
    assert_eq!((&opened["newer"], &opened["older"]), (&json!(ids[10]), &json!(ids[5])));
}

#[test]
fn an_admin_export_equals_the_command_s_output_and_is_audited() {
    let (server, mut browser) = server_with_account();
    let ids = send_leads(&server, 12);
    set_status(&server, &ids[2], "resolved");
    let cases: [(&str, &str, &[&str]); 5] = [
        ("format=csv", "csv", &["--format", "csv"]),
        ("format=csv-excel-fr", "csv", &["--format", "csv", "--dialect", "excel-fr"]),
        ("format=jsonl&q=electr", "jsonl", &["--format", "jsonl", "--query", "electr"]),
        ("format=csv&status=resolved", "csv", &["--status", "resolved"]),
        (
            "format=jsonl&service=ponts&since=2020-01-01",
            "jsonl",
            &["--format", "jsonl", "--service", "ponts", "--since", "2020-01-01"],
        ),
    ];
    for (query, ending, arguments) in cases {
        let answer = browser.get(&format!("/admin/api/export?{query}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let shell = binary::succeed(server.folder(), &[&["export", "leads"], arguments].concat());
        assert_eq!(answer.body, shell, "{query}");
        let name = answer.header("content-disposition").expect("a name");
        assert!(
            name.starts_with("attachment; filename=\"fastcore-leads-2")
                && name.ends_with(&format!(".{ending}\"")),
            "{name}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let reported = sql::rows(
            &server.sqlite(),
            "SELECT actor, details_json ->> 'sha256', details_json ->> 'rows' FROM audit_log WHERE event = 'LEADS_EXPORTED' ORDER BY seq DESC LIMIT 2",
        );
        // The command's row is the newest; both record the same file.
        assert_eq!(reported[1][0].as_deref(), Some("staff:jean"));
        assert_eq!(reported[0][1..], reported[1][1..], "{query}");
    }
    let head = browser.send("HEAD", "/admin/api/export?format=csv", &[], b"");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let left: Vec<_> = std::fs::read_dir(server.folder())
        .expect("a folder")
        .map(|e| e.expect("one").file_name().into_string().expect("UTF-8"))
        .collect();
    assert!(left.iter().all(|name| name.starts_with("fastcore.db")), "nothing is left: {left:?}");
}

#[test]
fn a_large_export_is_complete_and_does_not_block_other_requests() {
    let (server, mut browser) = server_with_account();
    server.sqlite().execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO lead_inbox (audit_seq, salt, id, created_at_utc, name, email, message, consent, source, request_id, ip_hash)
         SELECT 1000 + i, zeroblob(16), printf('00000000-0000-7000-8000-%012d', i), '2026-01-01T00:00:00.000000Z', 'n', 'e',
                printf('%.500c', 'm'), 1, 's', printf('00000000-0000-4000-8000-%012d', i), 'h' FROM n",
    ).expect("rows");
    let mut slow = Client::connect(server.address);
    let cookie = browser.cookie.clone().expect("a cookie");
    slow.send(format!(
        "GET /admin/api/export?format=jsonl HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n"
    ));
    // It is not read yet: more than fits into the sockets waits on the server's side.
    assert!(browser.is_signed_in());
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let answer = slow.receive().expect("an answer");
    assert_eq!(answer.body.lines().count(), 20_000);
    // And the connection goes on.
    slow.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(slow.receive().expect("an answer").status, 200);
}
