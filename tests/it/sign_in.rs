//! Signing in: passwords, one-time codes and rate limits.

use chrono::TimeDelta;
use serde_json::json;

use super::support::admin::{
    self, Browser, PASSWORD, SAME_ORIGIN, START_TIME, TestClock, audit_rows_of,
    create_first_account, run_with_input, server_with_account,
};
use super::support::http::{Response, post_lead};
use super::support::lead;
use super::support::server::TestServer;

/// The refusals, once there are so many: nobody waits for them to be written.
fn refusals(server: &TestServer, least: usize) -> Vec<[String; 2]> {
    let event = "STAFF_SIGN_IN_REFUSED";
    assert!(
        server.eventually(|| audit_rows_of(server, event).len() >= least),
        "{:?}",
        audit_rows_of(server, event)
    );
    audit_rows_of(server, event)
}

#[test]
fn a_wrong_password_and_an_unknown_account_get_the_same_answer() {
    let (server, _) = server_with_account();
    let mut browser = Browser::new(server.address);
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
    let rows = refusals(&server, 3);
    let row = |details: &str| ["admin_page".to_owned(), details.to_owned()];
    let nobody = row(r#"{"account":null,"reason":"password"}"#);
    assert_eq!(rows, [row(r#"{"account":"jean","reason":"password"}"#), nobody.clone(), nobody]);
}

#[test]
fn an_invalid_sign_in_body_is_refused_with_field_errors() {
    let (server, _) = server_with_account();
    let mut browser = Browser::new(server.address);
    let mut send = |kind: &str, body: &str| {
        let headers = [SAME_ORIGIN, ("Content-Type", kind)];
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
fn refused_sign_ins_are_rate_limited_in_the_audit_log_and_counted() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = create_first_account(&server);
    for i in 0..40 {
        browser.sign_in(&format!("n{i}"), "wrong horse battery").assert_error(401, "unauthorized");
    }
    // Those of accounts that there are have rows of their own to use up.
    browser.sign_in("jean", "wrong horse battery").assert_error(401, "unauthorized");
    assert_eq!(refusals(&server, 31).len(), 31, "no more than 30 of names that nobody has");
    test_clock.advance(TimeDelta::minutes(3));
    browser.sign_in("n", "wrong horse battery").assert_error(401, "unauthorized");
    let rows = refusals(&server, 32);
    assert_eq!(rows[31][1], r#"{"account":null,"reason":"password","suppressed":10}"#);
}

#[test]
fn a_totp_code_is_required_and_accepted_once() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let shown = admin::add_account_with_totp(server.folder(), "jean");
    let mut browser = Browser::new(server.address);
    browser.sign_in("jean", "wrong horse battery").assert_error(401, "unauthorized");
    browser.sign_in("jean", PASSWORD).assert_error(401, "code_required");
    browser.sign_in_with_code("jean", "").assert_error(401, "code_required");
    for wrong in ["000000x", "12345", "１２３４５６", "1234567"] {
        let answer = browser.sign_in_with_code("jean", wrong);
        answer.assert_error(401, "unauthorized");
        assert_eq!(answer.json()["detail"], "Wrong code");
    }
    let first = admin::totp_code(&shown, test_clock.now());
    let spaced = format!(" {} {} ", &first[..3], &first[3..]);
    assert_eq!(browser.sign_in_with_code("jean", &spaced).status, 200, "as apps show it");
    browser.sign_in_with_code("jean", &first).assert_error(401, "unauthorized");
    test_clock.advance(TimeDelta::seconds(30));
    browser.sign_in_with_code("jean", &first).assert_error(401, "unauthorized");
    let second = admin::totp_code(&shown, test_clock.now());
    assert_eq!(browser.sign_in_with_code("jean", &second).status, 200);
    test_clock.advance(TimeDelta::minutes(5));
    browser.sign_in_with_code("jean", &second).assert_error(401, "unauthorized");
    let codes = refusals(&server, 10);
    for reason in ["code", "code_missing"] {
        let row = format!(r#"{{"account":"jean","reason":"{reason}"}}"#);
        assert!(codes.iter().any(|of| of[1] == row), "{reason}: {codes:?}");
    }
}

#[test]
fn one_code_used_concurrently_opens_one_session() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let shown = admin::add_account_with_totp(server.folder(), "jean");
    let code = admin::totp_code(&shown, test_clock.now());
    let address = server.address;
    let answers = admin::concurrent_statuses(4, move |_| {
        Browser::new(address).sign_in_with_code("jean", &code).status
    });
    assert_eq!(answers, [200, 401, 401, 401]);
}

#[test]
fn passwords_are_compared_after_unicode_normalisation() {
    let server = TestServer::start();
    let composed = "mot de passé très long";
    let decomposed = "mot de passe\u{301} tre\u{300}s long";
    let output = run_with_input(
        server.folder(),
        &["staff", "add", "zoe", "--password-stdin", "--without-totp"],
        composed,
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(Browser::new(server.address).sign_in("zoe", decomposed).status, 200);
}

#[test]
fn a_flood_of_sign_ins_is_refused_while_leads_are_accepted() {
    let (server, browser) = server_with_account();
    let tries: Vec<_> = (0..60)
        .map(|i| {
            let mut browser = browser.clone();
            std::thread::spawn(move || {
                let answer = browser.sign_in(&format!("n{i}"), "wrong horse battery");
                (answer.status, answer.header("retry-after").map(str::to_owned))
            })
        })
        .collect();
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let answers: Vec<_> = tries.into_iter().map(|t| t.join().expect("an answer")).collect();
    assert!(answers.contains(&(401, None)), "{answers:?}");
    assert!(answers.contains(&(429, Some("2".to_owned()))), "{answers:?}");
}
