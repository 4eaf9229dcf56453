//! The admin API: it requires a session, and it only reads.

use serde_json::json;

use super::support::admin::{self, Browser, SAME_ORIGIN, send_leads, server_with_account};
use super::support::binary::ServeProcess;
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::{TOKEN, sql};

const API: [&str; 8] = [
    "/admin/api/leads",
    "/admin/api/leads/0198a6f2-0000-7000-8000-000000000000",
    "/admin/api/stats",
    "/admin/api/audit",
    "/admin/api/status",
    "/admin/api/export",
    "/admin/api/export?format=csv",
    "/admin/api/events",
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
    assert_eq!(server.number("SELECT count(*) FROM audit_log WHERE event LIKE 'LEAD%'"), 0);
}

#[test]
fn the_admin_api_has_no_writes_except_session_and_setup() {
    let (server, mut browser) = server_with_account();
    let id = &send_leads(&server, 1)[0];
    let paths = API.map(str::to_owned).into_iter().chain([
        format!("/admin/api/leads/{id}"),
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
    for (path, allow) in
        [("/admin/api/session", "GET, HEAD, POST, DELETE"), ("/admin/api/setup", "POST")]
    {
        let answer = browser.send("PUT", path, &[SAME_ORIGIN], b"{}");
        answer.assert_error(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow));
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
        "stats?by=month",
        "stats?zone=Mars/Olympus",
        "stats?since=x",
        "export?format=exe",
        "export?format=csv&status=x",
    ] {
        assert_eq!(browser.get(&format!("/admin/api/{path}")).status, 422, "{path}");
    }
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
    browser.read("/admin/api/leads?q=quemeneur");
    browser.read(&format!("/admin/api/leads/{id}?q=confidentiel"));
    browser.get("/admin/api/export?format=csv&q=aurelie");
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
