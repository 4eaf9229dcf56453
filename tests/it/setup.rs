//! The first account: a setup link that works once, for half an hour.

use std::net::SocketAddr;
use std::process::Stdio;

use chrono::TimeDelta;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::support::admin::{self, Browser, PASSWORD, START_TIME, TestClock, audit_rows_of};
use super::support::binary::{ServeProcess, command, free_address};
use super::support::database::Database;
use super::support::http::Client;
use super::support::server::TestServer;
use super::support::{TOKEN, wait_until};

#[test]
fn the_setup_link_creates_exactly_one_account() {
    let server = TestServer::start();
    let account =
        |token: &str, name: &str| json!({"token": token, "name": name, "password": PASSWORD});
    let mut browser = Browser::new(server.address);
    let wrong = "0".repeat(64);
    browser.post("/admin/api/setup", &account(&wrong, "eve")).assert_error(410, "link_expired");
    let answer = browser.post("/admin/api/setup", &account(&server.setup_token, "E v e"));
    assert_eq!(answer.status, 422, "what is no name does not use the link up: {answer:?}");
    let answer = browser.post("/admin/api/setup", &account(&server.setup_token, "jean"));
    assert_eq!((answer.status, &answer.json()["name"]), (201, &json!("jean")));
    assert!(browser.is_signed_in());
    Browser::new(server.address)
        .post("/admin/api/setup", &account(&server.setup_token, "eve"))
        .assert_error(410, "link_expired");
    assert_eq!(server.number("SELECT count(*) FROM staff_account"), 1);
    let by_jean = "staff:jean".to_owned();
    assert_eq!(
        audit_rows_of(&server, "STAFF_ADDED"),
        [[by_jean, r#"{"account":"jean","totp":false}"#.to_owned()]]
    );
}

#[test]
fn a_setup_link_used_concurrently_creates_one_account() {
    let server = TestServer::start();
    let (address, token) = (server.address, server.setup_token.clone());
    let answers = admin::concurrent_statuses(4, move |n| {
        let account = json!({"token": token, "name": format!("a{n}"), "password": PASSWORD});
        Browser::new(address).post("/admin/api/setup", &account).status
    });
    assert_eq!(answers, [201, 410, 410, 410]);
    assert_eq!(server.number("SELECT count(*) FROM staff_account"), 1);
}

#[test]
fn the_setup_link_expires_after_30_minutes_and_once_an_account_exists() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let account = json!({"token": server.setup_token, "name": "jean", "password": PASSWORD});
    test_clock.advance(TimeDelta::minutes(30));
    let mut browser = Browser::new(server.address);
    browser.post("/admin/api/setup", &account).assert_error(410, "link_expired");
    let server = TestServer::start();
    admin::add_account(server.folder(), "paul");
    let account = json!({"token": server.setup_token, "name": "jean", "password": PASSWORD});
    let mut browser = Browser::new(server.address);
    browser.post("/admin/api/setup", &account).assert_error(410, "link_expired");
}

#[test]
fn the_setup_link_was_written_to_the_journal() {
    let database = Database::without_file();
    let address = free_address();
    let mut command = command(database.folder(), &["serve"]);
    command
        .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
        .env("FASTCORE_LISTEN", address.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("it runs");
    assert!(answers_health(address));
    // Its log is complete only when it ends by itself.
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it lives");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.stdout.is_empty(), "{output:?}");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!log.contains("/admin/setup") && log.contains("fastcore staff invite"), "{log}");
}

#[test]
fn serve_prints_the_setup_link_to_a_terminal_while_there_is_no_account() {
    let database = Database::without_file();
    let serve = || {
        let mut command = command(database.folder(), &["serve"]);
        command
            .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
            .env("FASTCORE_PUBLIC_URL", "https://leads.example.com");
        let (mut served, printed) = ServeProcess::spawn_on_terminal(&mut command);
        assert!(answers_health(served.address));
        served.terminate();
        printed.iter().filter(|line| line.contains("/admin/setup")).collect::<Vec<_>>()
    };
    let links = serve();
    assert_eq!(links.len(), 1, "{links:?}");
    let token = links[0].trim().strip_prefix("https://leads.example.com/admin/setup#");
    assert_eq!(token.expect("a token").len(), 64);

    admin::add_account(database.folder(), "jean");
    assert_eq!(serve(), Vec::<String>::new());
}

/// Waits until a server answers: by then it has printed what there was to print.
fn answers_health(address: SocketAddr) -> bool {
    let answers = || {
        Client::try_connect(address)
            .is_some_and(|mut client| client.request("GET", "/health", &[], b"").status == 200)
    };
    wait_until(answers)
}
