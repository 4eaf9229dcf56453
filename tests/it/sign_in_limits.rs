//! Limits on signing in: guessing is slow, and nobody can lock staff out.

use chrono::TimeDelta;
use serde_json::Value;

use super::support::admin::{
    self, Browser, PASSWORD, START_TIME, TestClock, audit_rows_of, create_first_account,
    run_with_input,
};
use super::support::binary;
use super::support::server::TestServer;
use super::support::sql;

const WRONG: &str = "wrong horse battery";
const STRANGER: &str = "203.0.113.7";
const STAFF: &str = "198.51.100.20";

/// A server whose clock stands still, with the account `jean` and the browser that created it.
fn server() -> (TestServer, TestClock, Browser) {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let browser = create_first_account(&server);
    (server, test_clock, browser)
}

/// Tries wrong passwords for an account as often as that is let; the number of tries.
fn guess(browser: &mut Browser, name: &str, most: usize) -> usize {
    (0..most).filter(|_| browser.sign_in(name, WRONG).status == 401).count()
}

#[test]
fn a_hundred_wrong_passwords_from_elsewhere_kept_staff_from_signing_in() {
    let (server, _, _) = server();
    assert_eq!(guess(&mut Browser::at(server.address, STRANGER), "jean", 100), 5);
    // Through the same proxy, with a browser that never signed in.
    let mut person = Browser::at(server.address, STAFF);
    assert_eq!(person.sign_in("jean", PASSWORD).status, 200);
    // Nor does it concern other accounts of the one who guesses.
    admin::add_account(server.folder(), "paul");
    assert_eq!(Browser::at(server.address, STRANGER).sign_in("paul", PASSWORD).status, 200);
}

#[test]
fn a_known_device_was_locked_out_while_its_account_was_attacked() {
    let (server, _, mut device) = server();
    // Clients that are not told apart: what they may do together is used up.
    assert_eq!(guess(&mut Browser::new(server.address), "jean", 100), 50);
    let answer = Browser::new(server.address).sign_in("jean", PASSWORD);
    answer.assert_error(429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), Some("72"));
    device.cookie = None;
    for _ in 0..10 {
        assert_eq!(device.sign_in("jean", PASSWORD).status, 200);
    }
    // Also at the address of the one who guesses.
    assert_eq!(guess(&mut Browser::at(server.address, STRANGER), "jean", 9), 0);
    device.client = Some(STRANGER);
    assert_eq!(device.sign_in("jean", PASSWORD).status, 200);
    // Its budget is its own: for this account alone, and not without bound.
    assert_eq!(guess(&mut device, "jean", 100), 5);
    // A browser of two accounts is known to both.
    admin::add_account(server.folder(), "paul");
    assert_eq!(device.sign_in("paul", PASSWORD).status, 200);
    assert_eq!(guess(&mut Browser::new(server.address), "paul", 100), 50);
    assert_eq!(device.sign_in("paul", PASSWORD).status, 200);
    device.device = None;
    device.sign_in("paul", PASSWORD).assert_error(429, "too_many_requests");
}

#[test]
fn each_wrong_password_waits_longer_than_the_one_before() {
    let (server, test_clock, _) = server();
    for name in ["jean", "nobody"] {
        let mut browser = Browser::at(server.address, STRANGER);
        assert_eq!(guess(&mut browser, name, 10), 5);
        for seconds in [1, 2, 4, 8] {
            for password in [WRONG, PASSWORD] {
                let answer = browser.sign_in(name, password);
                answer.assert_error(429, "too_many_requests");
                let wait = seconds.to_string();
                assert_eq!(answer.header("retry-after"), Some(wait.as_str()));
            }
            test_clock.advance(TimeDelta::seconds(seconds));
            browser.sign_in(name, WRONG).assert_error(401, "unauthorized");
        }
    }
    test_clock.advance(TimeDelta::seconds(16));
    let mut browser = Browser::at(server.address, STRANGER);
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    browser.device = None;
    assert_eq!(guess(&mut browser, "jean", 10), 5, "a success is a new beginning");
}

#[test]
fn a_spoofed_x_forwarded_for_was_believed() {
    // The tests' server trusts 127.0.0.1; a binary that trusts nobody does not.
    let folder = tempfile::tempdir().expect("a folder");
    let server = binary::ServeProcess::start(folder.path());
    admin::add_account(folder.path(), "jean");
    let spoofing = |i: u32| {
        let address: &'static str = Box::leak(format!("192.0.2.{i}").into_boxed_str());
        Browser::at(server.address, address)
    };
    let mut statuses = (0..60).map(|i| spoofing(i).sign_in("jean", WRONG).status);
    assert_eq!(statuses.by_ref().take(50).filter(|status| *status == 401).count(), 50);
    assert!(statuses.all(|status| status == 429), "one budget for all of them");
    // Where the proxy is trusted, what a client has put in front of its own address counts for nothing.
    let (server, _, _) = self::server();
    for i in 0..20 {
        let spoofed: &'static str =
            Box::leak(format!("192.0.2.{i}, unknown, {STRANGER}").into_boxed_str());
        let status = Browser::at(server.address, spoofed).sign_in("jean", WRONG).status;
        assert_eq!(status, if i < 5 { 401 } else { 429 }, "{i}");
    }
}

#[test]
fn a_locked_account_could_not_be_unlocked_while_the_server_ran() {
    let (server, _, mut device) = server();
    let locked = |browser: &mut Browser| browser.sign_in("jean", PASSWORD).status == 429;
    let mut person = Browser::at(server.address, STAFF);
    for browser in [&mut device, &mut person, &mut Browser::new(server.address)] {
        guess(browser, "jean", 60);
        assert!(locked(browser));
    }
    admin::add_account(server.folder(), "paul");
    let mut paul = Browser::at(server.address, STAFF);
    guess(&mut paul, "paul", 10);
    for _ in 0..2 {
        let said = binary::run(server.folder(), &["staff", "unlock", "jean"]);
        assert!(said.status.success(), "{said:?}");
        for browser in [&mut device, &mut person, &mut Browser::new(server.address)] {
            assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
        }
        assert_eq!(paul.sign_in("paul", PASSWORD).status, 429, "and no other account");
        guess(&mut device, "jean", 10);
        guess(&mut person, "jean", 10);
    }
    let rows = audit_rows_of(&server, "STAFF_UNLOCKED");
    assert_eq!(rows.len(), 2);
    assert!(rows[0][0].starts_with("cli:") && rows[0][1] == r#"{"account":"jean"}"#, "{rows:?}");
    let unknown = binary::run(server.folder(), &["staff", "unlock", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no account nobody"), "{unknown:?}");
    binary::succeed(server.folder(), &["audit", "verify"]);
}

#[test]
fn a_try_that_was_refused_for_lack_of_room_counted() {
    let (server, _, _) = server();
    let address = server.address;
    let flood = |of: usize| -> Vec<(u16, Option<String>)> {
        let tries: Vec<_> = (0..of)
            .map(|_| {
                std::thread::spawn(move || {
                    let answer = Browser::new(address).sign_in("jean", WRONG);
                    (answer.status, answer.header("retry-after").map(str::to_owned))
                })
            })
            .collect();
        tries.into_iter().map(|t| t.join().expect("an answer")).collect()
    };
    let (mut counted, mut no_room) = (0, 0);
    for _ in 0..20 {
        for (status, retry_after) in flood(40) {
            counted += usize::from(status == 401);
            no_room += usize::from(retry_after.as_deref() == Some("2"));
        }
    }
    assert_eq!(counted, 50, "all that there are, besides {no_room} without room");
    assert!(no_room > 0, "some found no room");
}

#[test]
fn concurrent_tries_count_before_their_outcome_is_known() {
    let (server, _, _) = server();
    let address = server.address;
    let tries: Vec<_> = (0..12)
        .map(|_| {
            std::thread::spawn(move || Browser::at(address, STRANGER).sign_in("jean", WRONG).status)
        })
        .collect();
    let mut answers: Vec<u16> = tries.into_iter().map(|t| t.join().expect("an answer")).collect();
    answers.sort_unstable();
    assert_eq!(answers, [[401; 5].as_slice(), &[429; 7]].concat());
}

#[test]
fn a_flood_of_strangers_left_no_room_for_a_known_device() {
    let (server, _, mut device) = server();
    let address = server.address;
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for i in 0..32 {
            let stop = &stop;
            scope.spawn(move || {
                let mut n = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    Browser::new(address).sign_in(&format!("n{i}.{n}"), WRONG);
                    n += 1;
                }
            });
        }
        let answers: Vec<u16> = (0..5).map(|_| device.sign_in("jean", PASSWORD).status).collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(answers, [200; 5]);
    });
}

#[test]
fn a_right_password_without_its_code_was_not_a_try() {
    let (server, test_clock, _) = server();
    let shown = admin::add_account_with_totp(server.folder(), "paul");
    let mut thief = Browser::at(server.address, STRANGER);
    for _ in 0..5 {
        thief.sign_in("paul", PASSWORD).assert_error(401, "code_required");
    }
    thief.sign_in("paul", PASSWORD).assert_error(429, "too_many_requests");
    let event = "STAFF_SIGN_IN_REFUSED";
    assert!(server.eventually(|| audit_rows_of(&server, event).len() == 5));
    assert!(audit_rows_of(&server, event).iter().all(|row| row[1].contains("code_missing")));
    // The two steps of a person never wait, whoever tries what elsewhere.
    let mut person = Browser::at(server.address, STAFF);
    for _ in 0..8 {
        person.sign_in("paul", PASSWORD).assert_error(401, "code_required");
        let code = admin::totp_code(&shown, test_clock.now());
        assert_eq!(person.sign_in_with_code("paul", &code).status, 200);
        test_clock.advance(TimeDelta::seconds(30));
        person.device = None;
    }
}

#[test]
fn audit_rows_of_sign_ins_did_not_tell_clients_apart() {
    let (server, _, _) = server();
    let details = |event: &str, at: usize| -> Value {
        assert!(server.eventually(|| audit_rows_of(&server, event).len() > at));
        serde_json::from_str(&audit_rows_of(&server, event)[at][1]).expect("JSON")
    };
    Browser::at(server.address, STRANGER).sign_in("jean", WRONG);
    Browser::at(server.address, STAFF).sign_in("jean", WRONG);
    Browser::at(server.address, STAFF).sign_in("jean", PASSWORD);
    let [stranger, staff] = [0, 1].map(|at| details("STAFF_SIGN_IN_REFUSED", at)["client"].clone());
    assert!(stranger.as_str().is_some_and(|hash| hash.len() == 16), "{stranger}");
    assert_ne!(stranger, staff);
    assert_eq!(details("STAFF_SIGNED_IN", 1)["client"], staff);
    let all = sql::rows(&server.sqlite(), "SELECT details_json FROM audit_log");
    assert!(!format!("{all:?}").contains("198.51.100"), "a hash, not the address");
}

#[test]
fn a_device_cookie_opens_nothing_and_is_stored_as_a_hash() {
    let (server, _, mut browser) = server();
    let answer = browser.sign_in("jean", PASSWORD);
    let cookies: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert_eq!(cookies.len(), 2);
    let (value, attributes) = cookies[1].1.split_once("; ").expect("attributes");
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000");
    let token = value.strip_prefix("fastcore_device=").expect("its name");
    assert_eq!(token.len(), 64);
    let stored = sql::rows(&server.sqlite(), "SELECT lower(hex(token_hash)) FROM staff_device");
    let expected = sql::hex(&<sha2::Sha256 as sha2::Digest>::digest(token));
    assert_eq!(stored, [[Some(expected)]], "one browser, one device");
    browser.cookie = None;
    assert!(!browser.is_signed_in());
    browser.send("DELETE", "/admin/api/session", &[admin::SAME_ORIGIN], b"");
    assert!(browser.device.is_some(), "signing out forgets no device");
}

#[test]
fn a_device_was_known_after_a_reset_or_for_another_account_of_the_name() {
    let (server, _, mut device) = server();
    let count = || server.number("SELECT count(*) FROM staff_device");
    let reset = ["staff", "reset-password", "jean", "--password-stdin"];
    assert!(run_with_input(server.folder(), &reset, PASSWORD).status.success());
    assert_eq!(count(), 0);
    assert_eq!(device.sign_in("jean", PASSWORD).status, 200);
    assert_eq!(count(), 1);
    binary::succeed(server.folder(), &["staff", "remove", "jean"]);
    assert_eq!(count(), 0);
    admin::add_account(server.folder(), "jean");
    for _ in 0..20 {
        assert_eq!(Browser::new(server.address).sign_in("jean", PASSWORD).status, 200);
    }
    assert_eq!(count(), 16);
}

#[test]
fn a_device_that_was_not_used_for_a_year_is_forgotten() {
    let (server, test_clock, mut device) = server();
    let mut locked = |days: i64| {
        test_clock.advance(TimeDelta::days(days));
        guess(&mut Browser::new(server.address), "jean", 50);
        device.sign_in("jean", PASSWORD).status == 429
    };
    assert!(!locked(364) && !locked(364));
    assert!(locked(365));
}
