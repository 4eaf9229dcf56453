//! What the admin page reads: who may, what it is given, and that reading is all that there is.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::support::admin::{self, Browser, HERE, Hands, first_account, staffed};
use super::support::binary::{self, Served};
use super::support::http::{Client, post_lead};
use super::support::server::TestServer;
use super::support::{digest, lead};

const API: [&str; 8] = [
    "/admin/api/leads",
    "/admin/api/leads/0198a6f2-0000-7000-8000-000000000000",
    "/admin/api/figures",
    "/admin/api/audit",
    "/admin/api/state",
    "/admin/api/export",
    "/admin/api/export?format=csv",
    "/admin/api/live",
];

/// Sends leads, each a little other than the one before.
fn send(server: &TestServer, leads: u32) -> Vec<String> {
    let mut client = Client::connect(server.address);
    let send = |i: u32| {
        let mut lead = lead();
        let services = ["ponts", "cabines", "compresseurs", "diagnostic", "autre"];
        lead["service"] = json!(services[i as usize % 5]);
        lead["name"] = json!(format!("Zoë Lefèvre {i}"));
        if i.is_multiple_of(3) {
            lead["message"] =
                json!(format!("Le pont n° {i} ne lève plus\n\t depuis hier, Électricité"));
            lead["company"] = json!(null);
        }
        let answer = client.post_lead(&lead);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["leadId"].as_str().expect("an id").to_owned()
    };
    (0..leads).map(send).collect()
}

fn set_status(server: &TestServer, id: &str, status: &str) {
    binary::succeed(server.folder(), &["lead", "set-status", id, status]);
}

/// The ids of all pages, walked from one to the next, and what the first page counted.
fn walk(browser: &mut Browser, filter: &str, limit: usize) -> (Vec<String>, Value) {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    let mut count = Value::Null;
    loop {
        let page = browser.read(&format!("/admin/api/leads?{filter}&limit={limit}{cursor}"));
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
fn nothing_is_read_without_a_session() {
    let (server, _) = staffed();
    for path in API {
        let mut browser = Browser::of(server.address);
        browser.get(path).assert_error(401, "unauthorized");
        browser.cookie = Some(format!("fastcore_session={}", "0".repeat(64)));
        browser.get(path).assert_error(401, "unauthorized");
        let bearer = format!("Bearer {}", super::support::TOKEN);
        let answer = browser.send("GET", path, &[("Authorization", &bearer)], b"");
        answer.assert_error(401, "unauthorized");
    }
    assert_eq!(server.number("SELECT count(*) FROM audit_log WHERE event LIKE 'LEAD%'"), 0);
}

#[test]
fn nothing_but_the_session_can_be_changed() {
    let (server, mut browser) = staffed();
    let id = &send(&server, 1)[0];
    let paths = API.map(str::to_owned).into_iter().chain([
        format!("/admin/api/leads/{id}"),
        "/admin".to_owned(),
        format!("/admin/leads/{id}"),
        "/admin/figures".to_owned(),
        "/admin/audit".to_owned(),
        "/admin/state".to_owned(),
        "/admin/welcome".to_owned(),
        "/admin/sign-in".to_owned(),
        "/admin/assets/x.js".to_owned(),
    ]);
    let before = server.number("SELECT max(seq) FROM audit_log");
    for path in paths {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
            let answer = browser.send(method, &path, &[HERE], b"{}");
            answer.assert_error(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
    for (path, allow) in
        [("/admin/api/session", "GET, HEAD, POST, DELETE"), ("/admin/api/first-account", "POST")]
    {
        let answer = browser.send("PUT", path, &[HERE], b"{}");
        answer.assert_error(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow));
    }
    assert_eq!(server.number("SELECT max(seq) FROM audit_log"), before);
}

#[test]
fn what_is_not_there_is_not_found() {
    let (_server, mut browser) = staffed();
    for path in [
        "/admin/api",
        "/admin/api/",
        "/admin/api/leads/",
        "/admin/api/leads/1/2",
        "/admin/api/leads/not-an-id",
        "/admin/api/leads/..%2f..",
        "/admin/api/sessions",
        "/admin/nothing",
        "/admin/leads",
        "/admin/leads/",
        "/admin//",
        "/administrator",
        "/admin/api/leads/0198a6f2-0000-7000-8000-000000000000",
    ] {
        browser.get(path).assert_error(404, "not_found");
    }
}

#[test]
fn the_pages_of_any_size_are_the_whole_list_newest_first() {
    let (server, mut browser) = staffed();
    let mut ids = send(&server, 23);
    for id in &ids[3..9] {
        set_status(&server, id, "processing");
    }
    set_status(&server, &ids[4], "received");
    ids.reverse();
    let of = |sql: &str| -> BTreeSet<String> {
        let rows = digest::rows(
            &server.sqlite(),
            &format!(
                "SELECT l.id FROM lead_inbox l LEFT JOIN lead_status s USING (audit_seq) WHERE {sql}"
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
        ("q=electr", "message LIKE 'Le pont%'"),
        ("q=LEFEVRE+z", "1"),
        (
            "q=pont%20electricite&service=diagnostic",
            "message LIKE 'Le pont%' AND service = 'diagnostic'",
        ),
        ("q=fevre", "0"),
        ("since=2099-01-01", "0"),
        ("until=2099-01-01T00:00:00%2B01:00", "1"),
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
        }
    }
}

#[test]
fn a_lead_that_comes_while_pages_are_read_moves_nothing() {
    let (server, mut browser) = staffed();
    let ids = send(&server, 6);
    let first = browser.read("/admin/api/leads?limit=3");
    send(&server, 4);
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
fn a_lead_in_the_list_has_what_the_list_shows_and_no_more() {
    let (server, mut browser) = staffed();
    let mut sent = lead();
    let message = format!("Bonjour,\r\n\n\t {} é", "mot 😀 ".repeat(60));
    sent["message"] = json!(message);
    sent["company"] = json!(null);
    let id = post_lead(server.address, &sent).json()["leadId"].clone();
    let page = browser.read("/admin/api/leads");
    let shown = &page["leads"][0];
    let keys: Vec<&str> = shown.as_object().expect("one").keys().map(String::as_str).collect();
    let expected =
        ["beginning", "company", "created_at_utc", "id", "name", "seq", "service", "status"];
    assert_eq!(keys, expected);
    assert_eq!(
        (&shown["id"], &shown["company"], &shown["status"]),
        (&id, &Value::Null, &json!("received"))
    );
    let beginning = shown["beginning"].as_str().expect("text");
    assert!(beginning.starts_with("Bonjour, mot 😀 mot"), "{beginning}");
    assert_eq!(beginning.chars().count(), 160);
}

#[test]
fn what_cannot_be_a_filter_is_a_fault_and_never_a_failure() {
    let (server, mut browser) = staffed();
    send(&server, 3);
    let max = i64::MAX;
    let cases = [
        ("cursor=0", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=x", "cursor"),
        ("cursor=1%20OR%201", "cursor"),
        ("cursor=99999999999999999999-1", "cursor"),
        ("cursor=1-1-1", "cursor"),
        ("cursor=-1-1", "cursor"),
        ("cursor=%00", "cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-5", "limit"),
        ("limit=1e2", "limit"),
        ("status=done", "status"),
        ("status=received'--", "status"),
        ("service=Ponts", "service"),
        ("since=yesterday", "since"),
        ("until=2026-02-30", "until"),
        ("until=2026-02-30T00:00:00", "until"),
    ];
    for (query, field) in cases {
        let answer = browser.get(&format!("/admin/api/leads?{query}"));
        assert_eq!(answer.status, 422, "{query}: {answer:?}");
        let body = answer.json();
        assert_eq!(body["error"], "validation_error");
        assert_eq!(body["detail"][0]["loc"], json!(["query", field]), "{query}");
    }
    let answer = browser.get("/admin/api/leads?limit=0&status=x&service=y&since=z");
    assert_eq!(answer.json()["detail"].as_array().expect("a list").len(), 4, "every fault at once");
    for query in [
        format!("cursor=0-{max}"),
        format!("cursor=0-{max}&q=x"),
        format!("cursor=253402300799999999-{max}"),
        format!("cursor=253402300799999999-{max}&q=x"),
        "q=%".to_owned(),
        "q=%ff%fe".to_owned(),
        "q=%00%22%27*".to_owned(),
        format!("q={}", "a+".repeat(3000)),
        "&&&=&x".to_owned(),
        "limit=1&limit=x".to_owned(),
        "unknown=1".to_owned(),
    ] {
        let answer = browser.get(&format!("/admin/api/leads?{query}"));
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
    }
    for path in [
        "audit?cursor=x",
        "audit?limit=1000",
        "figures?by=month",
        "figures?zone=Mars/Olympus",
        "figures?since=x",
        "export?format=exe",
        "export?format=csv&status=x",
    ] {
        assert_eq!(browser.get(&format!("/admin/api/{path}")).status, 422, "{path}");
    }
}

#[test]
fn opening_a_lead_is_written_down_and_shows_everything_of_it() {
    let (server, mut browser) = staffed();
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
    assert_eq!(opened["digest"], "holds");
    let timeline = opened["timeline"].as_array().expect("a list");
    let told: Vec<_> = timeline
        .iter()
        .map(|row| (row["event"].as_str().expect("one"), row["actor"].as_str().expect("one")))
        .collect();
    assert_eq!(
        (told[0], told[2]),
        (("LEAD_RECEIVED", "site_ingest"), ("LEAD_VIEWED", "staff:jean"))
    );
    assert_eq!(timeline[1]["details"], json!({"from": "received", "to": "processing"}));
    browser.read(&format!("/admin/api/leads/{id}"));
    let viewed = "SELECT count(*) FROM audit_log WHERE event = 'LEAD_VIEWED' AND actor = 'staff:jean' AND lead_id IS NOT NULL AND request_id IS NOT NULL AND details_json IS NULL";
    assert_eq!(server.number(viewed), 2, "once each time");
    binary::succeed(server.folder(), &["audit", "verify"]);
}

#[test]
fn a_lead_that_was_altered_or_erased_says_so() {
    let (server, mut browser) = staffed();
    let ids = send(&server, 2);
    let conn = server.sqlite();
    conn.execute_batch(
        "DROP TRIGGER lead_inbox_refuses_update; UPDATE lead_inbox SET message = message || '!'",
    )
    .expect("a change");
    assert_eq!(browser.read(&format!("/admin/api/leads/{}", ids[0]))["digest"], "broken");
    conn.execute(
        "INSERT INTO audit_log SELECT seq + 1, 'e' || substr(id, 2), created_at_utc, 'LEAD_ERASED', actor, ?1, NULL, NULL, NULL, hash
         FROM audit_log ORDER BY seq DESC LIMIT 1",
        [&ids[1]],
    ).expect("an erasure");
    conn.execute("DELETE FROM lead_inbox WHERE id = ?1", [&ids[1]]).expect("a deletion");
    browser.get(&format!("/admin/api/leads/{}", ids[1])).assert_error(410, "lead_erased");
    assert_eq!(walk(&mut browser, "", 10).0, ids[..1]);
}

#[test]
fn a_lead_knows_its_neighbours_in_the_list_it_was_opened_from() {
    let (server, mut browser) = staffed();
    let ids = send(&server, 11);
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
fn an_export_has_the_bytes_of_the_shell_s_and_is_written_down() {
    let (server, mut browser) = staffed();
    let ids = send(&server, 12);
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
        let told = digest::rows(
            &server.sqlite(),
            "SELECT actor, details_json ->> 'sha256', details_json ->> 'rows' FROM audit_log WHERE event = 'LEADS_EXPORTED' ORDER BY seq DESC LIMIT 2",
        );
        // The shell's row is the newest; both tell of the same file.
        assert_eq!(told[1][0].as_deref(), Some("staff:jean"));
        assert_eq!(told[0][1..], told[1][1..], "{query}");
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
fn a_large_export_comes_whole_and_others_are_served_meanwhile() {
    let (server, mut browser) = staffed();
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

#[test]
fn the_days_of_the_figures_are_those_of_the_zone() {
    // The clocks of Paris go forward in the night to the 29th of March 2026.
    let hands = Hands::at("2026-03-27T12:00:00Z");
    let server = hands.server(None);
    let mut browser = first_account(&server);
    let at = |moment: &str| {
        let moment = chrono::DateTime::parse_from_rfc3339(moment).expect("a moment").to_utc();
        hands.turn(moment - hands.now());
        send(&server, 1).remove(0)
    };
    let ids = [
        at("2026-03-27T22:59:59Z"), // still the 27th, a Friday
        at("2026-03-27T23:00:00Z"), // the 28th in Paris
        at("2026-03-28T22:59:59Z"),
        at("2026-03-28T23:00:00Z"), // the 29th, a Sunday, of 23 hours
        at("2026-03-29T21:59:59Z"),
        at("2026-03-29T22:00:00Z"), // the 30th, a Monday
        at("2026-04-01T10:00:00Z"), // the 1st, after a day without any
    ];
    let steps = |figures: &Value| -> Vec<(String, i64)> {
        let steps = figures["per"].as_array().expect("a list").iter();
        steps
            .map(|s| {
                (
                    s["start"].as_str().expect("a day").to_owned(),
                    s["leads"].as_i64().expect("a number"),
                )
            })
            .collect()
    };
    let day = |day: &str, leads: i64| (day.to_owned(), leads);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    let figures = browser.read("/admin/api/figures");
    assert_eq!(
        steps(&figures),
        [
            day("2026-03-27", 1),
            day("2026-03-28", 2),
            day("2026-03-29", 2),
            day("2026-03-30", 1),
            day("2026-03-31", 0),
            day("2026-04-01", 1),
        ]
    );
    assert_eq!(figures["leads"], 7);
    assert_eq!(figures["by_service"], json!([{"service": "ponts", "leads": 7}]));
    assert_eq!(figures["by_status"], json!([{"status": "received", "leads": 7}]));
    assert_eq!(figures["median_seconds_to_processing"], Value::Null);
    let weeks = browser.read("/admin/api/figures?by=week");
    assert_eq!(steps(&weeks), [day("2026-03-23", 5), day("2026-03-30", 2)]);
    let utc = browser.read("/admin/api/figures?zone=UTC&until=2026-03-28");
    assert_eq!(steps(&utc), [day("2026-03-27", 2), day("2026-03-28", 2)]);
    let part =
        browser.read("/admin/api/figures?since=2026-03-26T12:00:00Z&until=2026-03-27T23:00:00Z");
    assert_eq!(
        steps(&part),
        [day("2026-03-26", 0), day("2026-03-27", 1)],
        "from the period's beginning"
    );
    let none = browser.read("/admin/api/figures?since=2027-01-01");
    assert_eq!((&none["per"], &none["leads"]), (&json!([]), &json!(0)));
    let far = browser.read("/admin/api/figures?since=0001-01-01");
    assert!(steps(&far).len() < 400 && far["leads"] == 7, "not two thousand years of nothing");
    assert_eq!(ids.len(), 7);
}

#[test]
fn the_median_is_of_the_time_until_a_lead_was_first_taken_up() {
    let (server, mut browser) = staffed();
    let ids = send(&server, 4);
    let median = |browser: &mut Browser| {
        browser.read("/admin/api/figures")["median_seconds_to_processing"].clone()
    };
    assert_eq!(median(&mut browser), Value::Null);
    for (id, status) in
        [(0, "processing"), (0, "resolved"), (1, "archived"), (2, "processing"), (2, "received")]
    {
        set_status(&server, &ids[id], status);
    }
    // The shell goes by the system's clock: the times are put where the test wants them.
    let shift = |lead: usize, event_no: usize, seconds: i64| {
        let conn = server.sqlite();
        conn.execute_batch("DROP TRIGGER IF EXISTS audit_log_refuses_update").expect("a drop");
        conn.execute(
            "UPDATE audit_log SET created_at_utc = strftime('%Y-%m-%dT%H:%M:%f000Z',
                 (SELECT created_at_utc FROM lead_inbox WHERE id = ?1), ?3 || ' seconds')
             WHERE seq = (SELECT seq FROM audit_log WHERE lead_id = ?1 AND event = 'LEAD_PROCESSED' ORDER BY seq LIMIT 1 OFFSET ?2)",
            (&ids[lead], event_no as i64, seconds),
        ).expect("a shift");
    };
    shift(0, 0, 100);
    shift(0, 1, 9000);
    shift(1, 0, 5000);
    assert_near(&median(&mut browser), 100, "of 100, 5000 and one just now");
    shift(2, 0, 300);
    assert_near(&median(&mut browser), 300, "of 100, 300 and 5000");
    set_status(&server, &ids[3], "processing");
    shift(3, 0, 500);
    assert_near(&median(&mut browser), 400, "between the two in the middle");
}

/// The database's own functions know milliseconds, where a lead has microseconds.
fn assert_near(seconds: &Value, expected: i64, what: &str) {
    let seconds = seconds.as_i64().expect("a number");
    assert!((expected - 1..=expected).contains(&seconds), "{what}: {seconds}");
}

#[test]
fn the_audit_log_is_read_in_pages_and_by_filters() {
    let (server, mut browser) = staffed();
    let ids = send(&server, 5);
    set_status(&server, &ids[1], "processing");
    browser.read(&format!("/admin/api/leads/{}", ids[1]));
    let all = digest::rows(&server.sqlite(), "SELECT seq FROM audit_log ORDER BY seq DESC");
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

#[test]
fn the_state_tells_how_the_server_is() {
    let hands = Hands::at("2026-03-02T08:00:00Z");
    let server = hands.server(None);
    let mut browser = first_account(&server);
    send(&server, 3);
    let state = browser.read("/admin/api/state");
    assert_eq!(state["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&state["database"]["leads"], &state["database"]["audit_rows"]),
        (&json!(3), &json!(5))
    );
    assert!(
        state["database"]["bytes"].as_u64() > Some(4096)
            && state["database"]["free_bytes"].as_u64() > Some(0)
    );
    assert_eq!(state["last_lead_at_utc"], "2026-03-02T08:00:00.000000Z");
    assert_eq!(
        (&state["last_backup"], &state["health"]),
        (&Value::Null, &json!({"ok": true, "detail": null}))
    );
    assert_eq!(
        (&state["chain"]["head"], &state["chain"]["ok"], &state["chain"]["finding"]),
        (&json!(5), &json!(true), &Value::Null)
    );
    assert!(!codes(&state).contains(&"backup_old".to_owned()), "nothing is that old yet: {state}");
    hands.turn(TimeDelta::days(3));
    browser.sign_in("jean", admin::PASSWORD);
    assert!(codes(&browser.read("/admin/api/state")).contains(&"backup_old".to_owned()));
    // A backup that the log tells of.
    server.sqlite().execute_batch(
        r#"INSERT INTO audit_log SELECT seq + 1, 'b' || substr(id, 2), '2026-03-05T07:00:00.000000Z', 'BACKUP_TAKEN', 'schedule', NULL, NULL, NULL, '{"file":"x.db"}', hash
           FROM audit_log ORDER BY seq DESC LIMIT 1"#,
    ).expect("a row");
    let state = browser.read("/admin/api/state");
    assert_eq!(
        state["last_backup"],
        json!({"at_utc": "2026-03-05T07:00:00.000000Z", "file": "x.db"})
    );
    assert!(!codes(&state).contains(&"backup_old".to_owned()), "{state}");
}

fn codes(state: &Value) -> Vec<String> {
    let warnings = state["warnings"].as_array().expect("a list").iter();
    warnings.map(|w| w["code"].as_str().expect("a code").to_owned()).collect()
}

#[test]
fn a_broken_chain_is_found_at_the_start_and_shown() {
    let database = super::support::database::Database::sample();
    database.tamper_sql("UPDATE audit_log SET actor = 'nobody' WHERE seq = 3");
    admin::add(database.folder(), "jean", &[]);
    let mut server = Served::start(database.folder());
    server.read_until("the audit log is broken");
    let mut browser = Browser::of(server.address);
    let origin = format!("http://{}", server.address);
    let body = json!({"name": "jean", "password": admin::PASSWORD}).to_string();
    let host = server.address.to_string();
    // This one names the address it connects to.
    let mut client = Client::connect(server.address);
    client.send(format!(
        "POST /admin/api/session HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = client.receive().expect("an answer");
    browser.cookie =
        answer.header("set-cookie").and_then(|c| Some(c.split(';').next()?.to_owned()));
    let state = browser.read("/admin/api/state");
    assert_eq!(state["chain"]["ok"], false, "{state}");
    assert!(state["chain"]["finding"].as_str().expect("text").contains("audit row 3"), "{state}");
    assert!(codes(&state).contains(&"chain_broken".to_owned()), "{state}");
    server.terminate();
}

#[test]
fn neither_the_log_nor_the_audit_log_holds_what_was_read_or_typed() {
    let folder = super::support::database::Database::bare();
    let mut server = Served::start(folder.folder());
    admin::add(folder.folder(), "jean", &[]);
    let mut browser = Browser::of(server.address);
    let sent = json!({
        "name": "Aurélie Quéméneur", "email": "aurelie@quemeneur.example", "phone": "+33698765432",
        "company": "Quéméneur Levage", "message": "Confidentiel: notre pont de levage est tombé.",
        "consent": true,
        "meta": {"source": "s", "request_id": uuid::Uuid::new_v4().to_string(), "ip_hash": "h", "timestamp_utc": "2026-01-01T00:00:00Z"}
    });
    let id = post_lead(server.address, &sent).json()["leadId"].as_str().expect("an id").to_owned();
    browser.sign_in("Secret-Typed-As-Name", "Secret-Password-1");
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    browser.read("/admin/api/leads?q=quemeneur");
    browser.read(&format!("/admin/api/leads/{id}?q=confidentiel"));
    browser.get("/admin/api/export?format=csv&q=aurelie");
    browser.get("/admin/api/audit?actor=Secret-Typed-As-Name");
    server.terminate();
    let rows = digest::rows(&folder.sqlite(), "SELECT * FROM audit_log");
    let all = format!("{}{rows:?}", server.log.join("\n")).to_lowercase();
    let token = browser.cookie.expect("a cookie");
    let token = token.split('=').nth(1).expect("a token").to_owned();
    for secret in [
        "quemeneur",
        "quéméneur",
        "aurelie@",
        "aurélie",
        "98765432",
        "confidentiel",
        "secret-",
        "battery",
        &token,
    ] {
        assert!(!all.contains(secret), "{secret} is in the log");
    }
    assert!(all.contains(&id), "which lead it was about is");
}
