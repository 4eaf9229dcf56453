//! A lead opened on the admin page.

use serde_json::{Value, json};

use super::support::admin::{
    Browser, PASSWORD, add_account, send_leads, server_with_account, set_status,
};
use super::support::binary;
use super::support::http::post_lead;
use super::support::lead;

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
fn a_listed_lead_says_who_opened_it_first_and_last() {
    let (server, mut jean) = server_with_account();
    add_account(server.folder(), "claire");
    let mut claire = Browser::new(server.address);
    assert_eq!(claire.sign_in("claire", PASSWORD).status, 200);
    let ids = send_leads(&server, 2);
    let path = format!("/admin/api/leads/{}", ids[0]);
    for _ in 0..2 {
        claire.read(&path);
        jean.read(&path);
    }
    // The shell is not counted: it records no view.
    binary::succeed(server.folder(), &["lead", "show", &ids[1]]);
    let page = jean.read("/admin/api/leads");
    let (opened, other) = (&page["leads"][1], &page["leads"][0]);
    assert_eq!(opened["first_view"]["by"], "staff:claire");
    assert_eq!(opened["last_view"]["by"], "staff:jean");
    let log = jean.read("/admin/api/audit?event=LEAD_VIEWED");
    assert_eq!(opened["first_view"]["at_utc"], log["rows"][3]["created_at_utc"]);
    assert_eq!(opened["last_view"]["at_utc"], log["rows"][0]["created_at_utc"]);
    assert_eq!((&other["first_view"], &other["last_view"]), (&Value::Null, &Value::Null));
    let list = |arguments: &[&str]| {
        let lines = binary::succeed(server.folder(), &[&["lead", "list"], arguments].concat());
        let id = |line: &str| line.split("  ").nth(1).expect("an id").to_owned();
        lines.lines().map(id).collect::<Vec<_>>()
    };
    assert_eq!(list(&["--unopened"]), [ids[1].clone()]);
    assert_eq!(list(&["--oldest-first"]), ids);
    let export = jean.export("opened=false&format=jsonl");
    assert!(export.body.contains(&ids[1]) && !export.body.contains(&ids[0]), "{export:?}");
    let filter = "SELECT details_json ->> '$.filter' FROM audit_log WHERE event = 'LEADS_EXPORTED'";
    assert_eq!(
        super::support::sql::rows(&server.sqlite(), filter)[0][0].as_deref(),
        Some(r#"{"opened":"false"}"#)
    );
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
            let opened = browser.open(&ids[*place], filter);
            assert_eq!(opened.status, 200, "{filter}: {opened:?}");
            let opened = opened.json();
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
