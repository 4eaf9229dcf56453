//! The admin API: it requires a session, and it only reads.

use serde_json::json;

use super::support::admin::{self, Browser, SAME_ORIGIN, body_of, send_leads, server_with_account};
use super::support::binary::ServeProcess;
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::{TOKEN, sql};

const API: [&str; 6] = [
    "/admin/api/leads",
    "/admin/api/leads/0198a6f2-0000-7000-8000-000000000000",
    "/admin/api/stats",
    "/admin/api/audit",
    "/admin/api/status",
    "/admin/api/events",
];
/// What is read with a body; nothing of it is changed.
const POSTS: [&str; 3] = [
    "/admin/api/leads/search",
    "/admin/api/leads/0198a6f2-0000-7000-8000-000000000000",
    "/admin/api/export",
];

#[test]
fn every_admin_read_requires_a_session() {
    let (server, _) = server_with_account();
    for path in API {
        let mut browser = Browser::new(server.address);
        browser.get(path).assert_error(401, "unauthorized");
        browser.cookie = Some(format!("fastcore_session={}", "0".repeat(64)));
        browser.get(path).assert_error(401, "unauthorized");
        let bearer = format!("Bearer {TOKEN}");
        let answer = browser.send("GET", path, &[("Authorization", &bearer)], b"");
        answer.assert_error(401, "unauthorized");
    }
    for path in POSTS {
        let mut browser = Browser::new(server.address);
        browser.post(path, &json!({})).assert_error(401, "unauthorized");
        browser.cookie = Some(format!("fastcore_session={}", "0".repeat(64)));
        browser.post(path, &json!({})).assert_error(401, "unauthorized");
        let answer = browser.send("POST", path, &[("Authorization", TOKEN)], b"{}");
        answer.assert_error(403, "forbidden");
    }
    assert_eq!(server.number("SELECT count(*) FROM audit_log WHERE event LIKE 'LEAD%'"), 0);
}

#[test]
fn the_admin_api_has_no_writes_except_session_and_setup() {
    let (server, mut browser) = server_with_account();
    let id = &send_leads(&server, 1)[0];
    let one_lead = |path: &str| path.starts_with("/admin/api/leads/");
    let paths = API.into_iter().filter(|path| !one_lead(path)).map(str::to_owned).chain([
        "/admin".to_owned(),
        format!("/admin/leads/{id}"),
        "/admin/stats".to_owned(),
        "/admin/audit".to_owned(),
        "/admin/status".to_owned(),
        "/admin/setup".to_owned(),
        "/admin/sign-in".to_owned(),
        "/admin/assets/x.js".to_owned(),
    ]);
    let before = server.number("SELECT max(seq) FROM audit_log");
    for path in paths {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
            let answer = browser.send(method, &path, &[SAME_ORIGIN], b"{}");
            answer.assert_error(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
    for (path, allow) in [
        ("/admin/api/session", "GET, HEAD, POST, DELETE"),
        ("/admin/api/setup", "POST"),
        ("/admin/api/leads/search", "POST"),
        ("/admin/api/export", "POST"),
        (&format!("/admin/api/leads/{id}"), "GET, HEAD, POST"),
    ] {
        for method in ["PUT", "PATCH"] {
            let answer = browser.send(method, path, &[SAME_ORIGIN], b"{}");
            answer.assert_error(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some(allow));
        }
    }
    assert_eq!(server.number("SELECT max(seq) FROM audit_log"), before);
}

#[test]
fn unknown_admin_paths_and_leads_return_404() {
    let (_server, mut browser) = server_with_account();
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
fn an_invalid_filter_is_a_field_error_never_a_500() {
    let (server, mut browser) = server_with_account();
    send_leads(&server, 3);
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
        let in_address = browser.get(&format!("/admin/api/leads?{query}"));
        let in_body = browser.post("/admin/api/leads/search", &body_of(query));
        for (place, answer) in [("query", in_address), ("body", in_body)] {
            assert_eq!(answer.status, 422, "{query}: {answer:?}");
            let body = answer.json();
            assert_eq!(body["error"], "validation_error");
            assert_eq!(body["detail"][0]["loc"], json!([place, field]), "{query}");
        }
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
        let answer = browser.list(&query);
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
    }
    for path in [
        "audit?cursor=x",
        "audit?limit=1000",
        "stats?by=month",
        "stats?zone=Mars/Olympus",
        "stats?since=x",
    ] {
        assert_eq!(browser.get(&format!("/admin/api/{path}")).status, 422, "{path}");
    }
    for (form, field) in [("format=exe", "format"), ("format=csv&status=x", "status")] {
        let answer = browser.export(form);
        assert_eq!(answer.status, 422, "{form}");
        assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", field]), "{form}");
    }
}

#[test]
fn a_search_with_a_value_of_another_type_is_a_field_error() {
    let (server, mut browser) = server_with_account();
    send_leads(&server, 3);
    for (body, field) in [
        (json!({"q": 5}), "q"),
        (json!({"status": ["received"]}), "status"),
        (json!({"limit": "5"}), "limit"),
        (json!({"limit": 5.5}), "limit"),
        (json!({"limit": [5]}), "limit"),
        (json!({"cursor": {}}), "cursor"),
        (json!({"since": true}), "since"),
    ] {
        let answer = browser.post("/admin/api/leads/search", &body);
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        let detail = &answer.json()["detail"];
        assert_eq!(detail.as_array().map(Vec::len), Some(1), "{body}: {detail}");
        assert_eq!(detail[0]["loc"], json!(["body", field]), "{body}");
    }
    let answer = browser.post("/admin/api/leads/search", &json!([]));
    assert_eq!((answer.status, &answer.json()["detail"][0]["loc"]), (422, &json!(["body"])));
    let whole = browser.send(
        "POST",
        "/admin/api/leads/search",
        &[SAME_ORIGIN, ("Content-Type", "application/json")],
        br#"{"limit": 2.0}"#,
    );
    assert_eq!((whole.status, whole.json()["leads"].as_array().map(Vec::len)), (200, Some(2)));
    let none = json!({"q": null, "status": "", "limit": null, "cursor": " ", "other": [1]});
    let answer = browser.post("/admin/api/leads/search", &none);
    assert_eq!((answer.status, answer.json()["leads"].as_array().map(Vec::len)), (200, Some(3)));
}

#[test]
fn a_search_in_an_address_ended_up_in_the_log_of_the_proxy() {
    let (server, mut browser) = server_with_account();
    let id = &send_leads(&server, 1)[0];
    for path in ["/admin/api/leads".to_owned(), format!("/admin/api/leads/{id}")] {
        let answer = browser.get(&format!("{path}?q=lefevre"));
        assert_eq!(answer.status, 422, "{answer:?}");
        let fault = &answer.json()["detail"][0];
        assert_eq!(fault["loc"], json!(["query", "q"]));
        let msg = fault["msg"].as_str().expect("a sentence");
        assert!(msg.contains("POST /admin/api/leads/search"), "{msg}");
        assert!(!answer.body.contains("lefevre"), "{answer:?}");
        assert_eq!(browser.get(&format!("{path}?q=+")).status, 200, "a blank one is none");
    }
    browser.get("/admin/api/export?q=lefevre").assert_error(405, "method_not_allowed");
}

#[test]
fn searches_and_lead_contents_reach_neither_the_log_nor_the_audit_log() {
    let folder = Database::without_file();
    let mut server = ServeProcess::start(folder.folder());
    admin::add_account(folder.folder(), "jean");
    let mut browser = Browser::new(server.address);
    let sent = json!({
        "name": "Aurélie Quéméneur", "email": "aurelie@quemeneur.example", "phone": "+33698765432",
        "company": "Quéméneur Levage", "message": "Confidentiel: notre pont de levage est tombé.",
        "consent": true,
        "meta": {"source": "s", "request_id": uuid::Uuid::new_v4().to_string(), "ip_hash": "h", "timestamp_utc": "2026-01-01T00:00:00Z"}
    });
    let id = post_lead(server.address, &sent).json()["leadId"].as_str().expect("an id").to_owned();
    browser.sign_in("Secret-Typed-As-Name", "Secret-Password-1");
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    assert_eq!(browser.list("q=quemeneur").status, 200);
    assert_eq!(browser.open(&id, "q=confidentiel").status, 200);
    assert_eq!(browser.export("format=csv&q=aurelie").status, 200);
    assert_eq!(browser.get("/admin/api/leads?q=quemeneur").status, 422);
    browser.get("/admin/api/audit?actor=Secret-Typed-As-Name");
    server.terminate();
    let rows = sql::rows(&folder.sqlite(), "SELECT * FROM audit_log");
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
