//! One's own account in the page: password, second factor, recovery codes, sessions.

use serde_json::{Value, json};

use super::support::admin::{
    self, Browser, PASSWORD, SAME_ORIGIN, START_TIME, TestClock, audit_rows_of,
    create_first_account, recovery_codes, server_with_account, totp_code,
};
use super::support::server::TestServer;

const NEW: &str = "quite another phrase";

#[test]
fn a_person_changes_their_own_password_and_other_sessions_end() {
    let (server, mut browser) = server_with_account();
    let mut other = Browser::new(server.address);
    assert_eq!(other.sign_in("jean", PASSWORD).status, 200);
    let change = |browser: &mut Browser, old: &str, new: &str| {
        let form = json!({"password": old, "new_password": new});
        browser.post("/admin/api/account/password", &form)
    };
    change(&mut browser, "wrong horse battery", NEW).assert_error(403, "wrong_password");
    let weak = change(&mut browser, PASSWORD, "jean-jean-jean");
    weak.assert_invalid("new_password", "password_guessable");
    assert!(other.is_signed_in());
    assert_eq!(change(&mut browser, PASSWORD, NEW).status, 200);
    assert!(browser.is_signed_in() && !other.is_signed_in());
    other.sign_in("jean", PASSWORD).assert_error(401, "unauthorized");
    assert_eq!(other.sign_in("jean", NEW).status, 200);
    let row = ["staff:jean".to_owned(), r#"{"account":"jean","what":"password"}"#.to_owned()];
    assert_eq!(audit_rows_of(&server, "STAFF_ACCOUNT_CHANGED"), [row]);
}

#[test]
fn a_second_factor_is_set_and_replaced_by_its_owner() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = create_first_account(&server);
    let form = json!({ "password": PASSWORD });
    let none = browser.post("/admin/api/account/recovery-codes", &form);
    none.assert_error(409, "no_second_factor");
    let mut codes = Vec::new();
    for _ in 0..2 {
        let wrong = json!({ "password": "wrong horse battery" });
        let refused = browser.post("/admin/api/account/enrolment", &wrong);
        refused.assert_error(403, "wrong_password");
        let proposed = browser.post("/admin/api/account/enrolment", &form).json();
        let code = totp_code(proposed["secret"].as_str().expect("a secret"), test_clock.now());
        let mut set =
            json!({"password": PASSWORD, "enrolment": proposed["enrolment"], "code": "12345"});
        let wrong = browser.post("/admin/api/account/totp", &set);
        wrong.assert_invalid("code", "value_error");
        set["code"] = code.clone().into();
        let answer = browser.post("/admin/api/account/totp", &set);
        assert_eq!(answer.status, 200, "{answer:?}");
        codes = texts(&answer.json()["recovery_codes"]);
        assert_eq!(codes.len(), 10);
        // The code that confirmed it is used up.
        let mut other = Browser::new(server.address);
        other.sign_in_with_code("jean", &code).assert_error(401, "unauthorized");
    }
    assert!(browser.is_signed_in());
    let renewed = browser.post("/admin/api/account/recovery-codes", &form).json();
    let renewed = texts(&renewed["recovery_codes"]);
    let mut other = Browser::new(server.address);
    other.sign_in_with_code("jean", &codes[0]).assert_error(401, "unauthorized");
    assert_eq!(other.sign_in_with_code("jean", &renewed[0]).status, 200);
    let account = other.read("/admin/api/account");
    assert_eq!((&account["totp"], &account["recovery_codes_left"]), (&json!(true), &json!(9)));
}

fn texts(list: &Value) -> Vec<String> {
    serde_json::from_value(list.clone()).expect("texts")
}

#[test]
fn a_person_sees_and_ends_their_own_sessions_alone() {
    let (server, mut browser) = server_with_account();
    admin::add_account(server.folder(), "paul");
    let mut paul = Browser::new(server.address);
    assert_eq!(paul.sign_in("paul", PASSWORD).status, 200);
    let mut others: Vec<_> = (0..3).map(|_| Browser::new(server.address)).collect();
    for other in &mut others {
        let body = json!({"name": "jean", "password": PASSWORD}).to_string();
        let agent = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)");
        let headers = [SAME_ORIGIN, ("Content-Type", "application/json"), agent];
        let answer = other.send("POST", "/admin/api/session", &headers, body.as_bytes());
        assert_eq!(answer.status, 200);
    }
    let sessions = browser.read("/admin/api/account")["sessions"].clone();
    let sessions = sessions.as_array().expect("a list");
    assert_eq!(sessions.len(), 4);
    let current: Vec<_> = sessions.iter().filter(|s| s["is_current"] == true).collect();
    assert_eq!((current.len(), &current[0]["browser"]), (1, &Value::Null));
    let of_others = sessions.iter().filter(|s| s["browser"] == "Mozilla/5.0 (X11; Linux x86_64)");
    assert_eq!(of_others.count(), 3);
    let id_of = |browser: &mut Browser| {
        let sessions = browser.read("/admin/api/account")["sessions"].clone();
        let sessions = sessions.as_array().expect("a list").clone();
        let current = sessions.into_iter().find(|s| s["is_current"] == true).expect("it");
        current["id"].as_str().expect("an id").to_owned()
    };
    let mut end = |id: &str| {
        browser.send("DELETE", &format!("/admin/api/account/sessions/{id}"), &[SAME_ORIGIN], b"")
    };
    end(&id_of(&mut paul)).assert_error(404, "not_found");
    end("00").assert_error(404, "not_found");
    assert_eq!(end(&id_of(&mut others[0])).status, 204);
    assert!(!others[0].is_signed_in() && others[1].is_signed_in() && paul.is_signed_in());
    let answer = browser.send("DELETE", "/admin/api/account/sessions", &[SAME_ORIGIN], b"");
    assert_eq!(answer.status, 204);
    assert!(browser.is_signed_in() && !others[1].is_signed_in() && !others[2].is_signed_in());
    assert!(paul.is_signed_in());
    let ended: Vec<_> =
        audit_rows_of(&server, "STAFF_SIGNED_OUT").into_iter().map(|row| row[1].clone()).collect();
    let row = |sessions: u32| format!(r#"{{"account":"jean","sessions":{sessions}}}"#);
    assert_eq!(ended, [row(1), row(2)]);
    let own = id_of(&mut browser);
    let path = format!("/admin/api/account/sessions/{own}");
    assert_eq!(browser.send("DELETE", &path, &[SAME_ORIGIN], b"").status, 204);
    assert!(!browser.is_signed_in());
}

#[test]
fn signing_in_again_left_the_browsers_old_session_open() {
    let (server, mut browser) = server_with_account();
    let stolen = browser.clone();
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    assert!(browser.is_signed_in() && !stolen.clone().is_signed_in());
    assert_eq!(server.number("SELECT count(*) FROM staff_session"), 1);
}

#[test]
fn changes_of_an_account_need_a_session_and_the_servers_own_page() {
    let server = TestServer::start();
    let shown = admin::add_account_with_totp(server.folder(), "jean");
    let code = recovery_codes(&shown).remove(0);
    let before = || server.number("SELECT count(*) FROM staff_recovery_code");
    let mut signed_in = Browser::new(server.address);
    assert_eq!(signed_in.sign_in_with_code("jean", &code).status, 200);
    let paths = ["password", "enrolment", "totp", "recovery-codes"];
    for path in paths {
        let path = format!("/admin/api/account/{path}");
        let form = json!({"password": PASSWORD, "new_password": NEW, "enrolment": "", "code": ""});
        let mut stranger = Browser::new(server.address);
        stranger.post(&path, &form).assert_error(401, "unauthorized");
        let body = form.to_string();
        for origin in ["http://evil.example", "null"] {
            let headers = [("Origin", origin), ("Content-Type", "application/json")];
            let answer = signed_in.send("POST", &path, &headers, body.as_bytes());
            answer.assert_error(403, "forbidden");
        }
    }
    let sessions = "/admin/api/account/sessions";
    signed_in.send("DELETE", sessions, &[], b"").assert_error(403, "forbidden");
    Browser::new(server.address)
        .send("DELETE", sessions, &[SAME_ORIGIN], b"")
        .assert_error(401, "unauthorized");
    assert_eq!(before(), 9);
}
