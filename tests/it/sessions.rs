//! Sessions: the cookie, cross-origin requests, and expiry.

use chrono::TimeDelta;
use fastcore::domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::support::admin::{
    self, Browser, FORM, PASSWORD, SAME_ORIGIN, START_TIME, TestClock, audit_rows_of,
    create_first_account, run_with_input, server_with_account,
};
use super::support::binary::ServeProcess;
use super::support::http::once;
use super::support::sql;

#[test]
fn a_session_lasts_from_sign_in_to_sign_out() {
    let (server, mut browser) = server_with_account();
    let who = browser.read("/admin/api/session");
    assert_eq!(who["name"], "jean");
    let stolen = browser.clone();
    let answer = browser.send("DELETE", "/admin/api/session", &[SAME_ORIGIN], b"");
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert!(answer.header("set-cookie").expect("a cookie").contains("Max-Age=0"), "{answer:?}");
    // Ended on the server, not only forgotten by the browser.
    assert!(!stolen.clone().is_signed_in());
    let answer = browser.sign_in(" JEAN ", PASSWORD);
    assert_eq!(
        (answer.status, &answer.json()["name"]),
        (200, &json!("jean")),
        "a phone's capitals"
    );
    assert!(browser.is_signed_in());
    assert!(!stolen.clone().is_signed_in(), "each session has a token of its own");
    let by_jean = |details: &str| ["staff:jean".to_owned(), details.to_owned()];
    let (link, password) = (
        by_jean(r#"{"account":"jean","how":"link"}"#),
        by_jean(r#"{"account":"jean","how":"password"}"#),
    );
    assert_eq!(audit_rows_of(&server, "STAFF_SIGNED_IN"), [link, password]);
    let out = by_jean(r#"{"account":"jean","sessions":1}"#);
    assert_eq!(audit_rows_of(&server, "STAFF_SIGNED_OUT"), [out]);
}

#[test]
fn the_session_cookie_is_host_only_and_secure_on_https() {
    let (_server, mut browser) = server_with_account();
    let answer = browser.sign_in("jean", PASSWORD);
    let cookie = answer.header("set-cookie").expect("a cookie");
    let (token, attributes) = cookie.split_once("; ").expect("attributes");
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/; Max-Age=604800");
    assert_eq!(token.strip_prefix("fastcore_session=").expect("its name").len(), 64);
    assert_eq!(answer.header("strict-transport-security"), None);

    let server = TestClock::at(START_TIME).server(Some("https://leads.example.com/"));
    admin::add_account(server.folder(), "paul");
    let body = json!({"name": "paul", "password": PASSWORD}).to_string();
    let headers = [("Origin", "https://leads.example.com"), ("Content-Type", "application/json")];
    let mut browser = Browser::new(server.address);
    let answer = browser.send("POST", "/admin/api/session", &headers, body.as_bytes());
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-fastcore_session="), "{cookie}");
    let attributes = "; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=604800";
    assert!(cookie.ends_with(attributes), "{cookie}");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert!(browser.is_signed_in());
    browser.cookie = browser.cookie.map(|c| c.replace("__Host-", ""));
    assert!(!browser.is_signed_in(), "another name is another cookie");
}

#[test]
fn the_database_has_only_a_hash_of_the_session_token() {
    let (server, browser) = server_with_account();
    let cookie = browser.cookie.expect("a cookie");
    let token = cookie.split_once('=').expect("a token").1;
    let stored = sql::rows(&server.sqlite(), "SELECT lower(hex(token_hash)) FROM staff_session");
    let expected = sql::hex(&<sha2::Sha256 as sha2::Digest>::digest(token));
    assert_eq!(stored, [[Some(expected)]]);
    let all = std::fs::read(server.database()).expect("the file");
    let wal = std::fs::read(server.folder().join("fastcore.db-wal")).unwrap_or_default();
    let contains = |bytes: &[u8]| bytes.windows(token.len()).any(|w| w == token.as_bytes());
    assert!(!contains(&all) && !contains(&wal));
}

#[test]
fn a_session_expires_after_12_idle_hours() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = create_first_account(&server);
    for _ in 0..3 {
        test_clock.advance(TimeDelta::hours(11));
        assert!(browser.is_signed_in(), "each use is a new beginning");
        let seen = server.eventually(|| {
            let seen: String = server
                .sqlite()
                .query_row("SELECT seen_at_utc FROM staff_session", [], |row| row.get(0))
                .expect("a session");
            seen == Timestamp::from(test_clock.now()).to_string()
        });
        assert!(seen, "the use is written down");
    }
    test_clock.advance(TimeDelta::hours(12));
    assert!(!browser.is_signed_in());
    browser.get("/admin/api/leads").assert_error(401, "unauthorized");
}

#[test]
fn a_session_expires_after_7_days_of_use() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = create_first_account(&server);
    let ends = Timestamp::from(test_clock.now() + TimeDelta::days(7)).to_string();
    for _ in 0..16 {
        test_clock.advance(TimeDelta::hours(10));
        assert!(browser.is_signed_in());
        server.eventually(|| {
            let fresh = "SELECT count(*) FROM staff_session WHERE seen_at_utc >= ?1";
            let moment = Timestamp::from(test_clock.now()).to_string();
            server.sqlite().query_row(fresh, [moment], |row| row.get::<_, i64>(0)) == Ok(1)
        });
    }
    assert_eq!(browser.read("/admin/api/session")["expires_at_utc"], ends.as_str());
    test_clock.advance(TimeDelta::hours(8));
    assert!(!browser.is_signed_in());
}

#[test]
fn last_use_is_not_written_on_each_request() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = create_first_account(&server);
    let seen = || {
        let rows = sql::rows(&server.sqlite(), "SELECT seen_at_utc FROM staff_session");
        rows[0][0].clone().expect("a time")
    };
    let first = seen();
    test_clock.advance(TimeDelta::minutes(4));
    for _ in 0..5 {
        assert!(browser.is_signed_in());
    }
    // What is written comes in order: once this is there, so were the others.
    assert_eq!(browser.clone().sign_in("jean", "wrong horse battery").status, 401);
    assert_eq!(seen(), first);
    test_clock.advance(TimeDelta::minutes(2));
    assert!(browser.is_signed_in());
    assert!(server.eventually(|| seen() > first));
}

#[test]
fn removing_an_account_or_resetting_its_password_ends_its_sessions() {
    let (server, mut browser) = server_with_account();
    let mut other = browser.clone();
    assert_eq!(other.sign_in("jean", PASSWORD).status, 200);
    admin::add_account(server.folder(), "paul");
    let mut paul = Browser::new(server.address);
    assert_eq!(paul.sign_in("paul", PASSWORD).status, 200);
    let reset = ["staff", "reset-password", "jean", "--password-stdin"];
    assert!(run_with_input(server.folder(), &reset, "another password").status.success());
    assert!(!browser.is_signed_in() && !other.is_signed_in());
    browser.sign_in("jean", PASSWORD).assert_error(401, "unauthorized");
    assert_eq!(browser.sign_in("jean", "another password").status, 200);
    assert!(run_with_input(server.folder(), &["staff", "remove", "jean"], "").status.success());
    assert!(!browser.is_signed_in());
    browser.sign_in("jean", "another password").assert_error(401, "unauthorized");
    assert!(paul.is_signed_in(), "and no other's");
    // A new account of the same name has none of the old one's sessions.
    admin::add_account(server.folder(), "jean");
    assert!(!browser.is_signed_in());
}

#[test]
fn an_account_has_at_most_16_sessions() {
    let (server, mut first) = server_with_account();
    for _ in 0..16 {
        assert_eq!(Browser::new(server.address).sign_in("jean", PASSWORD).status, 200);
    }
    assert_eq!(server.number("SELECT count(*) FROM staff_session"), 16);
    assert!(!first.is_signed_in(), "the one that was used longest ago has ended");
}

#[test]
fn cross_origin_requests_are_refused() {
    let (server, mut browser) = server_with_account();
    let body = json!({"name": "jean", "password": PASSWORD}).to_string();
    let foreign: [&[(&str, &str)]; 6] = [
        &[],
        &[("Origin", "null")],
        &[("Origin", "http://localhost:81")],
        &[("Origin", "https://localhost")],
        &[("Origin", "http://localhost.example.com")],
        // The site's own pages are not the admin page.
        &[("Origin", "https://fast-techservices.com")],
    ];
    for headers in foreign {
        for (method, path) in [
            ("POST", "/admin/api/session"),
            ("POST", "/admin/api/setup"),
            ("DELETE", "/admin/api/session"),
        ] {
            let all = [headers, &[("Content-Type", "application/json")]].concat();
            browser.send(method, path, &all, body.as_bytes()).assert_error(403, "forbidden");
        }
    }
    assert!(browser.is_signed_in(), "nothing of it was done");
    let port_named = [("Origin", "http://LOCALHOST:80"), ("Content-Type", "application/json")];
    let answer = browser.send("POST", "/admin/api/session", &port_named, body.as_bytes());
    assert_eq!(answer.status, 200, "the same origin, written another way");
    drop(server);
    // With a URL configured, that one alone is the server's own.
    let server = TestClock::at(START_TIME).server(Some("https://leads.example.com"));
    let mut browser = Browser::new(server.address);
    browser
        .send("DELETE", "/admin/api/session", &[SAME_ORIGIN], b"")
        .assert_error(403, "forbidden");
    let own = [("Origin", "https://leads.example.com")];
    assert_eq!(browser.send("DELETE", "/admin/api/session", &own, b"").status, 204);
}

#[test]
fn a_sign_in_through_a_proxy_was_refused_without_its_cause() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let headers = [("Origin", "https://leads.example.com"), ("Content-Type", "application/json")];
    for _ in 0..3 {
        once(server.address, "POST", "/admin/api/session", &headers, b"{}")
            .assert_error(403, "forbidden");
    }
    server.terminate();
    let lines = server.log.iter().filter(|line| line.contains("FASTCORE_PUBLIC_URL"));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 1, "a page of another site cannot fill the log: {lines:?}");
    assert_eq!(
        (&lines[0]["level"], &lines[0]["origin"], &lines[0]["expected"]),
        (&json!("WARN"), &json!("https://leads.example.com"), &json!("http://localhost"))
    );
}

#[test]
fn malformed_cookies_are_not_a_session() {
    let (_server, browser) = server_with_account();
    let good = browser.cookie.clone().expect("a cookie");
    let try_ = |cookie: &str| {
        let mut browser = browser.clone();
        browser.cookie = Some(cookie.to_owned());
        browser.is_signed_in()
    };
    let long = format!("fastcore_session={}", "a".repeat(8000));
    for cookie in ["", "=", ";;;", "fastcore_session", "fastcore_session=", "x=1; y", &long] {
        assert!(!try_(cookie), "{cookie:?}");
    }
    assert!(!try_(&good.to_uppercase()) && !try_(&good[..good.len() - 1]));
    assert!(try_(&format!("theme=dark; {good}; x=1")));
}

#[test]
fn a_page_of_another_site_had_a_lead_opened_or_exported_in_the_name_of_staff() {
    let (server, mut browser) = admin::server_with_account();
    let id = admin::send_leads(&server, 1).remove(0);
    let rows = || server.number("SELECT count(*) FROM audit_log");
    let before = rows();
    let lead = format!("/admin/api/leads/{id}");
    let paths = [&lead, "/admin/api/events", "/admin/api/leads"];
    let json = ("Content-Type", "application/json");
    let posts = [
        (lead.as_str(), json, "{}"),
        ("/admin/api/leads/search", json, "{}"),
        ("/admin/api/export", FORM, "format=csv"),
    ];
    for site in ["cross-site", "same-site", "none", ""] {
        for path in paths {
            let answer = browser.send("GET", path, &[("Sec-Fetch-Site", site)], b"");
            answer.assert_error(403, "forbidden");
        }
        for (path, media_type, body) in posts {
            let headers = [SAME_ORIGIN, media_type, ("Sec-Fetch-Site", site)];
            let answer = browser.send("POST", path, &headers, body.as_bytes());
            answer.assert_error(403, "forbidden");
        }
    }
    for (path, media_type, body) in posts {
        for origin in [None, Some(("Origin", "null")), Some(("Origin", "https://example.com"))] {
            let headers: Vec<_> = [media_type].into_iter().chain(origin).collect();
            let answer = browser.send("POST", path, &headers, body.as_bytes());
            answer.assert_error(403, "forbidden");
        }
    }
    assert_eq!(rows(), before);
    for (path, media_type, body) in posts {
        let headers = [SAME_ORIGIN, media_type, ("Sec-Fetch-Site", "same-origin")];
        assert_eq!(browser.send("POST", path, &headers, body.as_bytes()).status, 200, "{path}");
    }
    for headers in [&[][..], &[("Sec-Fetch-Site", "same-origin")]] {
        assert_eq!(browser.send("GET", &lead, headers, b"").status, 200);
    }
}
