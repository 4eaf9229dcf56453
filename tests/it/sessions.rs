//! Signing in and out: who is let in, how often one may try, and when a session ends.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use totp_rs::{Builder, Secret};

use super::support::admin::{
    self, Browser, HERE, Hands, PASSWORD, first_account, staffed, with_input,
};
use super::support::binary::{command, free_address};
use super::support::database::Database;
use super::support::http::{Client, Response};
use super::support::server::TestServer;
use super::support::{TOKEN, digest, within};

const MORNING: &str = "2026-03-02T08:00:00Z";

/// Rows of the audit log: event, actor, details.
fn told(server: &TestServer, event: &str) -> Vec<[String; 2]> {
    let sql =
        format!("SELECT actor, details_json FROM audit_log WHERE event = '{event}' ORDER BY seq");
    let rows = digest::rows(&server.sqlite(), &sql).into_iter();
    rows.map(|row| [row[0].clone().unwrap_or_default(), row[1].clone().unwrap_or_default()])
        .collect()
}

#[test]
fn who_signs_in_is_known_until_they_sign_out() {
    let (server, mut browser) = staffed();
    let who = browser.read("/admin/api/session");
    assert_eq!(who["name"], "jean");
    let stolen = browser.clone();
    let answer = browser.send("DELETE", "/admin/api/session", &[HERE], b"");
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
    let by_jean = ["staff:jean".to_owned(), r#"{"account":"jean"}"#.to_owned()];
    assert_eq!(told(&server, "STAFF_SIGNED_IN"), [by_jean.clone(), by_jean.clone()]);
    assert_eq!(told(&server, "STAFF_SIGNED_OUT"), [by_jean]);
}

#[test]
fn the_cookie_is_for_this_server_alone_and_on_https_for_https_alone() {
    let (_server, mut browser) = staffed();
    let answer = browser.sign_in("jean", PASSWORD);
    let cookie = answer.header("set-cookie").expect("a cookie");
    let (token, flags) = cookie.split_once(';').expect("flags");
    assert_eq!(flags, " Path=/; Max-Age=604800; HttpOnly; SameSite=Strict");
    assert_eq!(token.strip_prefix("fastcore_session=").expect("its name").len(), 64);
    assert_eq!(answer.header("strict-transport-security"), None);

    let server = Hands::at(MORNING).server(Some("https://leads.example.com/"));
    admin::add(server.folder(), "paul", &[]);
    let body = json!({"name": "paul", "password": PASSWORD}).to_string();
    let headers = [("Origin", "https://leads.example.com"), ("Content-Type", "application/json")];
    let mut browser = Browser::of(server.address);
    let answer = browser.send("POST", "/admin/api/session", &headers, body.as_bytes());
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-fastcore_session="), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert!(browser.is_signed_in());
    browser.cookie = browser.cookie.map(|c| c.replace("__Host-", ""));
    assert!(!browser.is_signed_in(), "another name is another cookie");
}

#[test]
fn only_a_hash_of_the_token_is_in_the_database() {
    let (server, browser) = staffed();
    let cookie = browser.cookie.expect("a cookie");
    let token = cookie.split_once('=').expect("a token").1;
    let stored = digest::rows(&server.sqlite(), "SELECT lower(hex(token_hash)) FROM staff_session");
    let expected = digest::hex(&<sha2::Sha256 as sha2::Digest>::digest(token));
    assert_eq!(stored, [[Some(expected)]]);
    let all = std::fs::read(server.database()).expect("the file");
    let wal = std::fs::read(server.folder().join("fastcore.db-wal")).unwrap_or_default();
    let holds = |bytes: &[u8]| bytes.windows(token.len()).any(|w| w == token.as_bytes());
    assert!(!holds(&all) && !holds(&wal));
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_answered_the_same() {
    let (server, _) = staffed();
    let mut browser = Browser::of(server.address);
    let wrong = browser.sign_in("jean", "wrong horse battery");
    let unknown = browser.sign_in("hunter2-typed-here", PASSWORD);
    let impossible = browser.sign_in("no name at all, é", "");
    wrong.assert_error(401, "unauthorized");
    let lasting = |answer: &Response| {
        let passing = |n: &str| matches!(n, "date" | "x-request-id");
        let headers: Vec<_> = answer.headers.iter().filter(|(n, _)| !passing(n)).cloned().collect();
        (answer.body.clone(), headers)
    };
    assert_eq!(lasting(&wrong), lasting(&unknown));
    assert_eq!(lasting(&wrong), lasting(&impossible));
    assert_eq!(wrong.json()["detail"], "Wrong name or password");
    let rows = told(&server, "STAFF_SIGN_IN_REFUSED");
    let row = |details: &str| ["admin_page".to_owned(), details.to_owned()];
    let nobody = row(r#"{"account":null,"reason":"password"}"#);
    assert_eq!(rows, [row(r#"{"account":"jean","reason":"password"}"#), nobody.clone(), nobody]);
}

#[test]
fn a_body_that_is_no_sign_in_is_refused_with_its_faults() {
    let (server, _) = staffed();
    let mut browser = Browser::of(server.address);
    let mut send = |kind: &str, body: &str| {
        let headers = [HERE, ("Content-Type", kind)];
        browser.send("POST", "/admin/api/session", &headers, body.as_bytes())
    };
    send("application/json", "{\"name\": ").assert_error(400, "invalid_json");
    send("text/plain", "{}").assert_error(415, "unsupported_media_type");
    send("application/json", &" ".repeat(70_000)).assert_error(413, "payload_too_large");
    for body in ["[]", "{}", "null", r#"{"name": 1, "password": ["secret-in-vain"]}"#] {
        let answer = send("application/json", body);
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (422, Some("validation_error"))
        );
        let faults = answer.json()["detail"].as_array().expect("a list").clone();
        let places: Vec<_> = faults.iter().map(|f| f["loc"].clone()).collect();
        assert_eq!(places, [json!(["body", "name"]), json!(["body", "password"])], "{answer:?}");
        assert!(!answer.body.contains("vain"), "{answer:?}");
    }
}

#[test]
fn an_account_s_failures_are_limited_and_forgotten_after_a_while() {
    let hands = Hands::at(MORNING);
    let server = hands.server(None);
    let mut browser = first_account(&server);
    for name in ["jean", "nobody"] {
        for _ in 0..10 {
            browser.sign_in(name, "wrong horse battery").assert_error(401, "unauthorized");
        }
        for password in ["wrong horse battery", PASSWORD] {
            let answer = browser.sign_in(name, password);
            answer.assert_error(429, "too_many_requests");
            assert_eq!(answer.header("retry-after"), Some("900"));
        }
    }
    // Who is signed in stays so, and others may sign in.
    assert!(browser.is_signed_in());
    admin::add(server.folder(), "paul", &[]);
    assert_eq!(browser.clone().sign_in("paul", PASSWORD).status, 200);
    hands.turn(TimeDelta::minutes(14));
    assert_eq!(browser.sign_in("jean", PASSWORD).header("retry-after"), Some("60"));
    hands.turn(TimeDelta::minutes(2));
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
}

#[test]
fn who_signs_in_has_all_tries_again() {
    let (_server, mut browser) = staffed();
    for _ in 0..3 {
        for _ in 0..6 {
            browser.sign_in("jean", "wrong horse battery").assert_error(401, "unauthorized");
        }
        assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    }
}

#[test]
fn tries_at_one_moment_count_as_well() {
    let (_server, browser) = staffed();
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let mut browser = browser.clone();
            std::thread::spawn(move || browser.sign_in("jean", "wrong horse battery").status)
        })
        .collect();
    let answers: Vec<u16> = tries.into_iter().map(|t| t.join().expect("an answer")).collect();
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 10, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 6, "{answers:?}");
}

#[test]
fn refusals_do_not_fill_the_audit_log_and_those_left_out_are_counted() {
    let hands = Hands::at(MORNING);
    let server = hands.server(None);
    let mut browser = first_account(&server);
    for i in 0..40 {
        browser.sign_in(&format!("n{i}"), "wrong horse battery").assert_error(401, "unauthorized");
    }
    assert_eq!(told(&server, "STAFF_SIGN_IN_REFUSED").len(), 30);
    // Those of accounts that there are have rows of their own to use up.
    browser.sign_in("jean", "wrong horse battery").assert_error(401, "unauthorized");
    assert_eq!(told(&server, "STAFF_SIGN_IN_REFUSED").len(), 31);
    hands.turn(TimeDelta::minutes(3));
    browser.sign_in("n", "wrong horse battery").assert_error(401, "unauthorized");
    let rows = told(&server, "STAFF_SIGN_IN_REFUSED");
    assert_eq!(rows[31][1], r#"{"account":null,"left_out":10,"reason":"password"}"#);
}

/// The code of an account at the clock's time, from what `staff add --totp` printed.
fn code(shown: &str, hands: &Hands) -> String {
    let secret = shown.split("secret=").nth(1).expect("a secret").split('&').next().expect("it");
    let secret = Secret::try_from_base32(secret).expect("base32");
    let totp = Builder::new().with_secret(secret).build().expect("a factor");
    totp.generate(hands.now().timestamp().try_into().expect("now")).to_string()
}

#[test]
fn a_second_factor_is_asked_for_and_each_code_is_taken_once() {
    let hands = Hands::at(MORNING);
    let server = hands.server(None);
    let shown = admin::add(server.folder(), "jean", &["--totp"]);
    let mut browser = Browser::of(server.address);
    browser.sign_in("jean", "wrong horse battery").assert_error(401, "unauthorized");
    browser.sign_in("jean", PASSWORD).assert_error(401, "code_required");
    browser.sign_in_with_code("jean", "").assert_error(401, "code_required");
    for wrong in ["000000x", "12345", "１２３４５６", "1234567"] {
        let answer = browser.sign_in_with_code("jean", wrong);
        answer.assert_error(401, "unauthorized");
        assert_eq!(answer.json()["detail"], "Wrong code");
    }
    let first = code(&shown, &hands);
    let spaced = format!(" {} {} ", &first[..3], &first[3..]);
    assert_eq!(browser.sign_in_with_code("jean", &spaced).status, 200, "as apps show it");
    browser.sign_in_with_code("jean", &first).assert_error(401, "unauthorized");
    hands.turn(TimeDelta::seconds(30));
    browser.sign_in_with_code("jean", &first).assert_error(401, "unauthorized");
    let second = code(&shown, &hands);
    assert_eq!(browser.sign_in_with_code("jean", &second).status, 200);
    hands.turn(TimeDelta::minutes(5));
    browser.sign_in_with_code("jean", &second).assert_error(401, "unauthorized");
    let codes = told(&server, "STAFF_SIGN_IN_REFUSED");
    assert!(codes.iter().any(|row| row[1] == r#"{"account":"jean","reason":"code"}"#), "{codes:?}");
}

#[test]
fn one_code_at_two_moments_at_once_opens_one_session() {
    let hands = Hands::at(MORNING);
    let server = hands.server(None);
    let shown = admin::add(server.folder(), "jean", &["--totp"]);
    let code = code(&shown, &hands);
    let address = server.address;
    let tries: Vec<_> = (0..4)
        .map(|_| {
            let code = code.clone();
            std::thread::spawn(move || Browser::of(address).sign_in_with_code("jean", &code).status)
        })
        .collect();
    let mut answers: Vec<u16> = tries.into_iter().map(|t| t.join().expect("an answer")).collect();
    answers.sort_unstable();
    assert_eq!(answers, [200, 401, 401, 401]);
}

#[test]
fn the_same_password_typed_on_another_keyboard_is_the_same() {
    let server = TestServer::start();
    let composed = "mot de passé très long";
    let decomposed = "mot de passe\u{301} tre\u{300}s long";
    let output =
        with_input(server.folder(), &["staff", "add", "zoe", "--password-stdin"], composed);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(Browser::of(server.address).sign_in("zoe", decomposed).status, 200);
}

#[test]
fn a_session_ends_when_it_is_not_used_for_twelve_hours() {
    let hands = Hands::at(MORNING);
    let server = hands.server(None);
    let mut browser = first_account(&server);
    for _ in 0..3 {
        hands.turn(TimeDelta::hours(11));
        assert!(browser.is_signed_in(), "each use is a new beginning");
        let seen = server.comes_true(|| {
            let seen: String = server
                .sqlite()
                .query_row("SELECT seen_at_utc FROM staff_session", [], |row| row.get(0))
                .expect("a session");
            seen == fastcore::domain::time::stamp(hands.now())
        });
        assert!(seen, "the use is written down");
    }
    hands.turn(TimeDelta::hours(12));
    assert!(!browser.is_signed_in());
    browser.get("/admin/api/leads").assert_error(401, "unauthorized");
}

#[test]
fn a_session_ends_after_seven_days_however_much_it_is_used() {
    let hands = Hands::at(MORNING);
    let server = hands.server(None);
    let mut browser = first_account(&server);
    let ends = fastcore::domain::time::stamp(hands.now() + TimeDelta::days(7));
    for _ in 0..16 {
        hands.turn(TimeDelta::hours(10));
        assert!(browser.is_signed_in());
        server.comes_true(|| {
            let fresh = "SELECT count(*) FROM staff_session WHERE seen_at_utc >= ?1";
            let moment = fastcore::domain::time::stamp(hands.now());
            server.sqlite().query_row(fresh, [moment], |row| row.get::<_, i64>(0)) == Ok(1)
        });
    }
    assert_eq!(browser.read("/admin/api/session")["expires_at_utc"], ends.as_str());
    hands.turn(TimeDelta::hours(8));
    assert!(!browser.is_signed_in());
}

#[test]
fn a_use_is_not_written_at_each_request() {
    let hands = Hands::at(MORNING);
    let server = hands.server(None);
    let mut browser = first_account(&server);
    let seen = || {
        let rows = digest::rows(&server.sqlite(), "SELECT seen_at_utc FROM staff_session");
        rows[0][0].clone().expect("a time")
    };
    let first = seen();
    hands.turn(TimeDelta::minutes(4));
    for _ in 0..5 {
        assert!(browser.is_signed_in());
    }
    // What is written comes in order: once this is there, so were the others.
    assert_eq!(browser.clone().sign_in("jean", "wrong horse battery").status, 401);
    assert_eq!(seen(), first);
    hands.turn(TimeDelta::minutes(2));
    assert!(browser.is_signed_in());
    assert!(server.comes_true(|| seen() > first));
}

#[test]
fn removing_an_account_or_resetting_its_password_ends_its_sessions_at_once() {
    let (server, mut browser) = staffed();
    let mut other = browser.clone();
    assert_eq!(other.sign_in("jean", PASSWORD).status, 200);
    admin::add(server.folder(), "paul", &[]);
    let mut paul = Browser::of(server.address);
    assert_eq!(paul.sign_in("paul", PASSWORD).status, 200);
    let reset = ["staff", "reset-password", "jean", "--password-stdin"];
    assert!(with_input(server.folder(), &reset, "another password").status.success());
    assert!(!browser.is_signed_in() && !other.is_signed_in());
    browser.sign_in("jean", PASSWORD).assert_error(401, "unauthorized");
    assert_eq!(browser.sign_in("jean", "another password").status, 200);
    assert!(with_input(server.folder(), &["staff", "remove", "jean"], "").status.success());
    assert!(!browser.is_signed_in());
    browser.sign_in("jean", "another password").assert_error(401, "unauthorized");
    assert!(paul.is_signed_in(), "and no other's");
    // A new account of the same name has none of the old one's sessions.
    admin::add(server.folder(), "jean", &[]);
    assert!(!browser.is_signed_in());
}

#[test]
fn an_account_has_no_more_than_sixteen_sessions() {
    let (server, mut first) = staffed();
    for _ in 0..16 {
        assert_eq!(Browser::of(server.address).sign_in("jean", PASSWORD).status, 200);
    }
    assert_eq!(server.number("SELECT count(*) FROM staff_session"), 16);
    assert!(!first.is_signed_in(), "the one that was used longest ago has ended");
}

#[test]
fn what_another_server_s_page_sends_is_refused() {
    let (server, mut browser) = staffed();
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
            ("POST", "/admin/api/first-account"),
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
    let server = Hands::at(MORNING).server(Some("https://leads.example.com"));
    let mut browser = Browser::of(server.address);
    browser.send("DELETE", "/admin/api/session", &[HERE], b"").assert_error(403, "forbidden");
    let own = [("Origin", "https://leads.example.com")];
    assert_eq!(browser.send("DELETE", "/admin/api/session", &own, b"").status, 204);
}

#[test]
fn the_first_link_makes_one_account_and_no_other() {
    let server = TestServer::start();
    let account =
        |token: &str, name: &str| json!({"token": token, "name": name, "password": PASSWORD});
    let mut browser = Browser::of(server.address);
    let wrong = "0".repeat(64);
    browser
        .post("/admin/api/first-account", &account(&wrong, "eve"))
        .assert_error(410, "link_expired");
    let answer = browser.post("/admin/api/first-account", &account(&server.first_link, "E v e"));
    assert_eq!(answer.status, 422, "what is no name does not use the link up: {answer:?}");
    let answer = browser.post("/admin/api/first-account", &account(&server.first_link, "jean"));
    assert_eq!((answer.status, &answer.json()["name"]), (201, &json!("jean")));
    assert!(browser.is_signed_in());
    Browser::of(server.address)
        .post("/admin/api/first-account", &account(&server.first_link, "eve"))
        .assert_error(410, "link_expired");
    assert_eq!(server.number("SELECT count(*) FROM staff_account"), 1);
    let by_jean = "staff:jean".to_owned();
    assert_eq!(
        told(&server, "STAFF_ADDED"),
        [[by_jean, r#"{"account":"jean","totp":false}"#.to_owned()]]
    );
}

#[test]
fn the_first_link_used_twice_at_once_makes_one_account() {
    let server = TestServer::start();
    let tries: Vec<_> = (0..4)
        .map(|i| {
            let (address, token) = (server.address, server.first_link.clone());
            let name = format!("a{i}");
            std::thread::spawn(move || {
                let account = json!({"token": token, "name": name, "password": PASSWORD});
                Browser::of(address).post("/admin/api/first-account", &account).status
            })
        })
        .collect();
    let mut answers: Vec<u16> = tries.into_iter().map(|t| t.join().expect("an answer")).collect();
    answers.sort_unstable();
    assert_eq!(answers, [201, 410, 410, 410]);
    assert_eq!(server.number("SELECT count(*) FROM staff_account"), 1);
}

#[test]
fn the_first_link_is_good_for_half_an_hour_and_only_while_there_is_no_account() {
    let hands = Hands::at(MORNING);
    let server = hands.server(None);
    let account = json!({"token": server.first_link, "name": "jean", "password": PASSWORD});
    hands.turn(TimeDelta::minutes(30));
    let mut browser = Browser::of(server.address);
    browser.post("/admin/api/first-account", &account).assert_error(410, "link_expired");
    let server = TestServer::start();
    admin::add(server.folder(), "paul", &[]);
    let account = json!({"token": server.first_link, "name": "jean", "password": PASSWORD});
    let mut browser = Browser::of(server.address);
    browser.post("/admin/api/first-account", &account).assert_error(410, "link_expired");
}

#[test]
fn hostile_cookies_are_no_session() {
    let (_server, browser) = staffed();
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
fn serve_prints_the_link_on_standard_output_while_there_is_no_account() {
    let database = Database::bare();
    let start = |listen: &str| {
        let mut command = command(database.folder(), &["serve"]);
        command
            .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
            .env("FASTCORE_LISTEN", listen)
            .env("FASTCORE_PUBLIC_URL", "https://leads.example.com")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command.spawn().expect("it runs")
    };
    let mut child = start("127.0.0.1:0");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let link = lines.map_while(Result::ok).find(|line| line.contains("/admin/welcome#"));
    let token = link.expect("a link");
    let token =
        token.trim().strip_prefix("https://leads.example.com/admin/welcome#").expect("a token");
    assert_eq!(token.len(), 64);
    child.kill().expect("it lives");
    child.wait().expect("it ends");
    admin::add(database.folder(), "jean", &[]);
    let address = free_address();
    let mut child = start(&address.to_string());
    // It answers only once it has printed what there was to print.
    let answers = || {
        Client::try_connect(address)
            .is_some_and(|mut client| client.request("GET", "/health", &[], b"").status == 200)
    };
    assert!(within(Duration::from_secs(30), &mut { answers }));
    child.kill().expect("it lives");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.stdout.is_empty(), "{output:?}");
}
