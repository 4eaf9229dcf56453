//! Invitations: a person chooses their own password and second factor, and no operator knows them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::support::admin::{
    self, Browser, PASSWORD, START_TIME, TestClock, audit_rows_of, totp_code,
};
use super::support::binary;
use super::support::database::Database;
use super::support::http::Response;
use super::support::server::TestServer;

/// The token of the link that a command prints.
fn token(server: &TestServer, arguments: &[&str]) -> String {
    let printed = binary::succeed(server.folder(), arguments);
    let (_, token) = printed.trim().split_once("/admin/setup#").expect("a link");
    assert_eq!(token.len(), 64, "{printed}");
    token.to_owned()
}

fn link(browser: &mut Browser, token: &str) -> Response {
    browser.post("/admin/api/setup/link", &json!({ "token": token }))
}

/// Sets an account up with a second factor, as the page does.
fn accept(browser: &mut Browser, token: &str, password: &str, test_clock: &TestClock) -> Value {
    let mut form = json!({ "token": token, "password": password });
    let proposed = browser.post("/admin/api/setup/enrolment", &form);
    assert_eq!(proposed.status, 200, "{proposed:?}");
    let proposed = proposed.json();
    assert!(proposed["qr"].as_str().expect("a QR code").contains("<svg"));
    form["enrolment"] = proposed["enrolment"].clone();
    form["code"] = "000000".into();
    let code = totp_code(proposed["secret"].as_str().expect("a secret"), test_clock.now());
    if code != "000000" {
        let wrong = browser.post("/admin/api/setup", &form);
        wrong.assert_invalid("code", "value_error");
    }
    form["code"] = code.into();
    let answer = browser.post("/admin/api/setup", &form);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

#[test]
fn an_operator_knew_the_password_of_every_colleague() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let token = token_at(&server, &test_clock, "marie", true);
    let mut browser = Browser::new(server.address);
    let expected = json!({"kind": "invitation", "name": "marie", "totp": "required"});
    assert_eq!(link(&mut browser, &token).json(), expected);
    let account = accept(&mut browser, &token, PASSWORD, &test_clock);
    assert_eq!(
        (&account["name"], account["recovery_codes"].as_array().map(Vec::len)),
        (&json!("marie"), Some(10))
    );
    assert!(browser.is_signed_in());
    link(&mut browser, &token).assert_error(410, "link_expired");
    let added = audit_rows_of(&server, "STAFF_ADDED");
    assert_eq!(
        added,
        [["staff:marie".to_owned(), r#"{"account":"marie","totp":true}"#.to_owned()]]
    );
    assert_eq!(audit_rows_of(&server, "STAFF_INVITED").len(), 1);
    let mut other = Browser::new(server.address);
    other.sign_in("marie", PASSWORD).assert_error(401, "code_required");
    let code = account["recovery_codes"][0].as_str().expect("a code");
    assert_eq!(other.sign_in_with_code("marie", code).status, 200);
}

/// An invitation by the server's clock; commands have the system's.
fn token_at(server: &TestServer, test_clock: &TestClock, name: &str, totp: bool) -> String {
    let name = fastcore::domain::staff::AccountName::parse(name).expect("a name");
    let clock = test_clock.clock();
    let invited = fastcore::app::staff::invite(&server.database(), &clock, &name, totp, "cli:test");
    invited.expect("invited").expect("a new name")
}

#[test]
fn an_invitation_expires_after_24_hours_and_is_replaced_by_the_next() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = Browser::new(server.address);
    let first = token_at(&server, &test_clock, "marie", true);
    let second = token_at(&server, &test_clock, "marie", true);
    link(&mut browser, &first).assert_error(410, "link_expired");
    assert_eq!(link(&mut browser, &second).status, 200);
    test_clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(link(&mut browser, &second).status, 200);
    test_clock.advance(TimeDelta::seconds(1));
    link(&mut browser, &second).assert_error(410, "link_expired");
    let form = json!({"token": second, "password": PASSWORD});
    browser.post("/admin/api/setup", &form).assert_error(410, "link_expired");
}

#[test]
fn an_invited_person_cannot_leave_the_second_factor_out_nor_bring_another_account_s() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = Browser::new(server.address);
    let marie = token_at(&server, &test_clock, "marie", true);
    let paul = token_at(&server, &test_clock, "paul", true);
    let form = json!({"token": marie, "password": PASSWORD});
    let refused = browser.post("/admin/api/setup", &form);
    refused.assert_invalid("enrolment", "missing");
    let of_paul =
        browser.post("/admin/api/setup/enrolment", &json!({"token": paul, "password": PASSWORD}));
    let of_paul = of_paul.json();
    let code = totp_code(of_paul["secret"].as_str().expect("a secret"), test_clock.now());
    for enrolment in
        [of_paul["enrolment"].as_str().expect("text"), "", "00", "zz", &"0".repeat(184)]
    {
        let form =
            json!({"token": marie, "password": PASSWORD, "enrolment": enrolment, "code": code});
        browser.post("/admin/api/setup", &form).assert_invalid("enrolment", "value_error");
    }
    test_clock.advance(TimeDelta::minutes(30));
    let code = totp_code(of_paul["secret"].as_str().expect("a secret"), test_clock.now());
    let late = json!({"token": paul, "password": PASSWORD, "enrolment": of_paul["enrolment"], "code": code});
    let late = browser.post("/admin/api/setup", &late);
    late.assert_invalid("enrolment", "value_error");
    assert_eq!(server.number("SELECT count(*) FROM staff_account"), 0);
}

#[test]
fn one_invitation_used_concurrently_opens_one_session() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let token = token_at(&server, &test_clock, "marie", false);
    let address = server.address;
    let form = json!({"token": token, "password": PASSWORD});
    let answers = admin::concurrent_statuses(4, move |_| {
        Browser::new(address).post("/admin/api/setup", &form).status
    });
    assert_eq!(answers, [201, 410, 410, 410]);
}

#[test]
fn a_reset_by_invitation_ends_the_old_password_at_once() {
    let server = TestServer::start();
    admin::add_account(server.folder(), "jean");
    let mut old = Browser::new(server.address);
    assert_eq!(old.sign_in("jean", PASSWORD).status, 200);
    let token = token(&server, &["staff", "reset-password", "jean", "--invite", "--without-totp"]);
    assert!(!old.is_signed_in());
    old.sign_in("jean", PASSWORD).assert_error(401, "unauthorized");
    let mut browser = Browser::new(server.address);
    let expected = json!({"kind": "invitation", "name": "jean", "totp": "none"});
    assert_eq!(link(&mut browser, &token).json(), expected);
    let weak =
        browser.post("/admin/api/setup", &json!({"token": token, "password": "jean-jean-jean"}));
    weak.assert_invalid("password", "password_guessable");
    let new = json!({"token": token, "password": "a phrase of my own", "name": "eve"});
    let answer = browser.post("/admin/api/setup", &new);
    assert_eq!((answer.status, &answer.json()["name"]), (201, &json!("jean")), "the name is fixed");
    assert_eq!(server.number("SELECT count(*) FROM staff_account"), 1);
}

#[test]
fn staff_list_shows_invitations_and_remove_withdraws_them() {
    let database = Database::empty();
    let printed = database.succeed(&["staff", "invite", "marie"]);
    assert!(printed.starts_with("http://127.0.0.1:8000/admin/setup#"), "{printed}");
    let listed: Value =
        serde_json::from_str(&database.succeed(&["staff", "list", "--json"])).expect("JSON");
    assert_eq!((&listed[0]["name"], &listed[0]["created_at_utc"]), (&json!("marie"), &Value::Null));
    assert!(listed[0]["invited_until_utc"].is_string(), "{listed}");
    assert!(database.succeed(&["staff", "list"]).contains("invited until"));
    database.succeed(&["staff", "remove", "marie"]);
    assert_eq!(database.succeed(&["staff", "list"]), "");
    admin::add_account(database.folder(), "jean");
    let output = database.run(&["staff", "invite", "jean"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("reset-password jean --invite"));
    let output = database.run(&["staff", "reset-password", "nobody", "--invite"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn the_database_has_only_a_hash_of_an_invitation_s_token() {
    let server = TestServer::start();
    let token = token(&server, &["staff", "invite", "marie"]);
    let all = std::fs::read(server.database()).expect("the file");
    let wal = std::fs::read(server.folder().join("fastcore.db-wal")).unwrap_or_default();
    let contains = |bytes: &[u8]| bytes.windows(token.len()).any(|w| w == token.as_bytes());
    assert!(!contains(&all) && !contains(&wal));
}

#[test]
fn an_invitation_names_the_address_of_the_server_s_last_start() {
    let database = Database::empty();
    let mut command = binary::command(database.folder(), &["serve"]);
    command
        .env("FASTCORE_SITE_INGEST_TOKEN", super::support::TOKEN)
        .env("FASTCORE_LISTEN", "127.0.0.1:0")
        .env("FASTCORE_PUBLIC_URL", "https://leads.example.com/");
    binary::ServeProcess::spawn(&mut command).terminate();
    let printed = database.succeed(&["staff", "invite", "marie"]);
    assert!(printed.starts_with("https://leads.example.com/admin/setup#"), "{printed}");
}
