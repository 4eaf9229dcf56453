//! The admin API's lists: pages and filters.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::admin::{Browser, send_leads, server_with_account, set_status};
use super::support::http::post_lead;
use super::support::{lead, sql};

/// The ids of all pages, walked from one to the next, and what the first page counted.
fn walk(browser: &mut Browser, filter: &str, limit: usize) -> (Vec<String>, Value) {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    let mut count = Value::Null;
    loop {
        let answer = browser.list(&format!("{filter}&limit={limit}{cursor}"));
        assert_eq!(answer.status, 200, "{filter}: {answer:?}");
        let page = answer.json();
        let leads = page["leads"].as_array().expect("a list");
        assert!(leads.len() <= limit, "{page}");
        ids.extend(leads.iter().map(|lead| lead["id"].as_str().expect("an id").to_owned()));
        if cursor.is_empty() {
            count = page["count"].clone();
        } else {
            assert_eq!(page["count"], Value::Null, "counted once");
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (ids, count),
        }
    }
}

#[test]
fn pages_of_any_size_add_up_to_the_whole_list_newest_first() {
    let (server, mut browser) = server_with_account();
    let mut ids = send_leads(&server, 23);
    for id in &ids[3..9] {
        set_status(&server, id, "processing");
    }
    set_status(&server, &ids[4], "received");
    for id in &ids[7..12] {
        browser.read(&format!("/admin/api/leads/{id}"));
    }
    ids.reverse();
    let of = |sql: &str| -> BTreeSet<String> {
        let rows = sql::rows(
            &server.sqlite(),
            &format!(
                "SELECT l.id FROM lead_inbox l LEFT JOIN lead_status s USING (audit_seq)
                 LEFT JOIN lead_view v USING (audit_seq) WHERE {sql}"
            ),
        );
        rows.into_iter().map(|row| row[0].clone().expect("an id")).collect()
    };
    let cases = [
        ("", "1"),
        ("status=&service=&q=&since=&until=", "1"),
        ("service=ponts", "service = 'ponts'"),
        ("status=processing", "s.status = 'processing'"),
        ("status=received", "coalesce(s.status, 'received') = 'received'"),
        (
            "status=received&service=cabines",
            "service = 'cabines' AND coalesce(s.status, 'received') = 'received'",
        ),
        ("opened=false", "v.first_by IS NULL"),
        ("opened=true", "v.first_by IS NOT NULL"),
        ("opened=false&status=processing", "v.first_by IS NULL AND s.status = 'processing'"),
        ("opened=true&q=electr", "v.first_by IS NOT NULL AND message LIKE 'Le pont%'"),
        ("q=electr", "message LIKE 'Le pont%'"),
        ("q=LEFEVRE+z", "1"),
        (
            "q=pont%20electricite&service=diagnostic",
            "message LIKE 'Le pont%' AND service = 'diagnostic'",
        ),
        ("q=fevre", "0"),
        ("since=2099-01-01", "0"),
        ("until=2099-01-01T00:00:00%2B01:00", "1"),
        // Times outside years 0000 to 9999 are before or after every lead.
        ("until=9999-12-31", "1"),
        ("since=9999-12-31T23:59:59-01:00", "0"),
        ("since=0000-01-01T00:00:00%2B01:00", "1"),
        ("until=0000-01-01T00:00:00%2B01:00", "0"),
    ];
    for (filter, sql) in cases {
        let expected: Vec<&String> = {
            let found = of(sql);
            ids.iter().filter(|id| found.contains(*id)).collect()
        };
        for limit in [1, 2, 7, 22, 23, 24, 200] {
            let (walked, count) = walk(&mut browser, filter, limit);
            assert_eq!(walked.iter().collect::<Vec<_>>(), expected, "{filter} by {limit}");
            assert_eq!(
                count,
                json!({"rows": expected.len(), "exact": true}),
                "{filter} by {limit}"
            );
            let (mut walked, _) = walk(&mut browser, &format!("{filter}&order=oldest"), limit);
            walked.reverse();
            assert_eq!(walked.iter().collect::<Vec<_>>(), expected, "{filter}, oldest first");
        }
    }
}

#[test]
fn the_first_page_counts_the_leads_of_each_status_and_those_that_nobody_opened() {
    let (server, mut browser) = server_with_account();
    let ids = send_leads(&server, 23);
    set_status(&server, &ids[0], "processing");
    set_status(&server, &ids[1], "archived");
    browser.read(&format!("/admin/api/leads/{}", ids[1]));
    browser.read(&format!("/admin/api/leads/{}", ids[2]));
    let oldest = |id: &str| {
        let sql = format!("SELECT created_at_utc FROM lead_inbox WHERE id = '{id}'");
        sql::rows(&server.sqlite(), &sql)[0][0].clone().expect("a time")
    };
    let exact = |rows: usize| json!({"rows": rows, "exact": true});
    let counts = |of: [(&str, usize, usize); 4], oldest: String| {
        let one = |(status, leads, unopened)| json!({"status": status, "leads": exact(leads), "unopened": exact(unopened)});
        json!({"by_status": of.map(one), "oldest_received_utc": oldest})
    };
    let all = [("received", 21, 20), ("processing", 1, 1), ("resolved", 0, 0), ("archived", 1, 0)];
    for filter in ["", "status=archived", "opened=false&limit=2", "order=oldest", "q=LEFEVRE"] {
        let page = browser.list(filter).json();
        assert_eq!(page["tally"], counts(all, oldest(&ids[2])), "{filter}");
    }
    // Of the service and the period, whatever status is shown.
    let of_service =
        [("received", 4, 4), ("processing", 1, 1), ("resolved", 0, 0), ("archived", 0, 0)];
    let page = browser.read("/admin/api/leads?service=ponts&status=processing");
    assert_eq!(page["tally"], counts(of_service, oldest(&ids[5])));
    let none = browser.read("/admin/api/leads?since=2099-01-01");
    assert_eq!(none["tally"]["by_status"][0]["leads"], exact(0));
    assert_eq!(none["tally"]["oldest_received_utc"], Value::Null);
    let first = browser.read("/admin/api/leads?limit=5");
    let next = first["next"].as_str().expect("more").to_owned();
    let second = browser.read(&format!("/admin/api/leads?limit=5&cursor={next}"));
    assert_eq!(second["tally"], Value::Null, "counted once");
}

#[test]
fn a_lead_stored_while_paging_shifts_no_page() {
    let (server, mut browser) = server_with_account();
    let ids = send_leads(&server, 6);
    let first = browser.read("/admin/api/leads?limit=3");
    send_leads(&server, 4);
    let cursor = first["next"].as_str().expect("more").to_owned();
    let second = browser.read(&format!("/admin/api/leads?limit=3&cursor={cursor}"));
    let of = |page: &Value| -> Vec<String> {
        let leads = page["leads"].as_array().expect("a list").iter();
        leads.map(|lead| lead["id"].as_str().expect("an id").to_owned()).collect()
    };
    let all: Vec<String> = ids.into_iter().rev().collect();
    assert_eq!([of(&first), of(&second)].concat(), all);
    assert_eq!(second["next"], Value::Null);
}

#[test]
fn a_listed_lead_has_exactly_the_summary_fields() {
    let (server, mut browser) = server_with_account();
    let mut sent = lead();
    let message = format!("Bonjour,\r\n\n\t {} é", "mot 😀 ".repeat(60));
    sent["message"] = json!(message);
    sent["company"] = json!(null);
    let id = post_lead(server.address, &sent).json()["leadId"].clone();
    let page = browser.read("/admin/api/leads");
    let shown = &page["leads"][0];
    let keys: Vec<&str> = shown.as_object().expect("one").keys().map(String::as_str).collect();
    let expected = [
        "company",
        "created_at_utc",
        "excerpt",
        "first_view",
        "hits",
        "id",
        "last_view",
        "name",
        "requests",
        "seq",
        "service",
        "status",
    ];
    assert_eq!(keys, expected);
    assert_eq!(
        (&shown["id"], &shown["company"], &shown["status"]),
        (&id, &Value::Null, &json!("received"))
    );
    let beginning = shown["excerpt"].as_str().expect("text");
    assert!(beginning.starts_with("Bonjour, mot 😀 mot"), "{beginning}");
    assert_eq!(beginning.chars().count(), 160);
}

#[test]
fn the_audit_log_is_paged_and_filtered() {
    let (server, mut browser) = server_with_account();
    let ids = send_leads(&server, 5);
    set_status(&server, &ids[1], "processing");
    browser.read(&format!("/admin/api/leads/{}", ids[1]));
    let all = sql::rows(&server.sqlite(), "SELECT seq FROM audit_log ORDER BY seq DESC");
    let all: Vec<i64> =
        all.iter().map(|row| row[0].as_deref().expect("one").parse().expect("a number")).collect();
    let mut walk = |filter: &str, limit: usize| -> Vec<i64> {
        let mut seqs = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = browser.read(&format!("/admin/api/audit?{filter}&limit={limit}{cursor}"));
            seqs.extend(
                page["rows"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|r| r["seq"].as_i64().expect("one")),
            );
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seqs,
            }
        }
    };
    for limit in [1, 3, 9, 200] {
        assert_eq!(walk("", limit), all);
        assert_eq!(walk("event=LEAD_RECEIVED", limit), [7, 6, 5, 4, 3]);
        assert_eq!(walk("event=LEAD_VIEWED", limit), [9]);
    }
    assert_eq!(walk("actor=staff:jean", 2), [9, 2, 1]);
    assert_eq!(walk(&format!("lead={}", ids[1].to_uppercase()), 2), [9, 8, 4]);
    assert_eq!(walk(&format!("lead={}&event=LEAD_PROCESSED", ids[1]), 2), [8]);
    assert_eq!(walk("event=NOTHING'--", 2), [0; 0]);
    assert_eq!(walk("since=2099-01-01", 2), [0; 0]);
    let page = browser.read("/admin/api/audit?event=LEAD_PROCESSED");
    assert_eq!(page["rows"][0]["details"], json!({"from": "received", "to": "processing"}));
    let events = page["events"].as_array().expect("a list");
    assert!(
        events.contains(&json!("STAFF_SIGN_IN_REFUSED"))
            && events.contains(&json!("LEAD_RECEIVED"))
    );
}
