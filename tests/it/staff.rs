//! The `staff` commands: what they store, print and refuse.

use serde_json::{Value, json};

use super::support::admin::{self, PASSWORD, run_with_input};
use super::support::database::Database;
use super::support::sql;

fn events(database: &Database) -> Vec<(String, String, Value)> {
    let sql =
        "SELECT event, actor, details_json FROM audit_log WHERE event LIKE 'STAFF%' ORDER BY seq";
    let rows = sql::rows(&database.sqlite(), sql).into_iter().map(|row| {
        let text = |i: usize| row[i].clone().expect("text");
        (text(0), text(1), serde_json::from_str(&text(2)).expect("JSON"))
    });
    rows.collect()
}

fn stderr_text(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn staff_add_stores_a_password_hash_and_an_audit_row() {
    let database = Database::empty();
    assert_eq!(admin::add_account(database.folder(), "Jean.D"), "", "words are for standard error");
    let stored = database.one("SELECT password_hash FROM staff_account WHERE name = 'jean.d'");
    // OWASP's parameters: 19 MiB, two passes, one lane.
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert!(!database.dump().contains(PASSWORD));
    let [(event, actor, details)] = events(&database).try_into().expect("one");
    assert_eq!(
        (event.as_str(), details),
        ("STAFF_ADDED", json!({"account": "jean.d", "totp": false}))
    );
    assert!(actor.starts_with("cli:"), "{actor}");
    admin::add_account(database.folder(), "paul");
    let other = database.one("SELECT password_hash FROM staff_account WHERE name = 'paul'");
    assert_ne!(stored, other, "each with a salt of its own");
    database.succeed(&["audit", "verify"]);
}

#[test]
fn staff_list_prints_text_and_json() {
    let database = Database::empty();
    assert_eq!(database.succeed(&["staff", "list"]), "");
    assert_eq!(database.succeed(&["staff", "list", "--json"]).trim(), "[]");
    admin::add_account(database.folder(), "paul");
    admin::add_account_with_totp(database.folder(), "jean");
    let listed: Value =
        serde_json::from_str(&database.succeed(&["staff", "list", "--json"])).expect("JSON");
    let names: Vec<_> = listed.as_array().expect("a list").iter().map(|a| &a["name"]).collect();
    assert_eq!(names, [&json!("jean"), &json!("paul")]);
    assert_eq!((&listed[0]["totp"], &listed[1]["totp"]), (&json!(true), &json!(false)));
    assert_eq!(listed[0]["sessions"], 0);
    let text = database.succeed(&["staff", "list"]);
    assert!(
        text.lines().count() == 2 && text.starts_with("jean ") && text.contains("totp"),
        "{text}"
    );
    assert!(!text.contains("argon2"), "{text}");
}

#[test]
fn an_invalid_name_or_password_is_refused_and_writes_nothing() {
    let database = Database::empty();
    admin::add_account(database.folder(), "jean");
    let before = database.dump();
    let try_ = |arguments: &[&str], input: &str| {
        let output = run_with_input(database.folder(), arguments, input);
        let said = stderr_text(&output);
        assert!(!said.contains(input) || input.is_empty(), "{said}");
        (output.status.code(), said)
    };
    for name in ["", "a b", "-x", ".x", "é", "a/b", "a\nb", &"a".repeat(33)] {
        let (status, said) = try_(&["staff", "add", "--password-stdin", "--", name], PASSWORD);
        assert_eq!(status, Some(2), "{name:?}: {said}");
    }
    let long = "é".repeat(129);
    for password in ["", "elevenchars", "   short   ", long.as_str()] {
        let (status, said) = try_(&["staff", "add", "paul", "--password-stdin"], password);
        assert!(
            status == Some(1) && said.contains("at least 12 characters"),
            "{password:?}: {said}"
        );
    }
    let (status, said) = try_(&["staff", "add", "JEAN", "--password-stdin"], PASSWORD);
    assert!(status == Some(1) && said.contains("already"), "{said}");
    for command in ["reset-password", "remove"] {
        let more: &[&str] = if command == "remove" { &[] } else { &["--password-stdin"] };
        let (status, said) = try_(&[&["staff", command, "nobody"], more].concat(), PASSWORD);
        assert!(status == Some(1) && said.contains("no account nobody"), "{said}");
    }
    assert_eq!(database.dump(), before);
}

#[test]
fn a_password_of_one_repeated_letter_was_accepted() {
    let database = Database::empty();
    let long = "a".repeat(256);
    for password in ["aaaaaaaaaaaa", "motdepasse123", "fast-techservices1", "paul-paul-paul", &long]
    {
        let arguments = ["staff", "add", "paul", "--password-stdin", "--without-totp"];
        let output = run_with_input(database.folder(), &arguments, password);
        assert_eq!(output.status.code(), Some(1), "{password:?}: {output:?}");
        assert!(stderr_text(&output).contains("easy to guess"), "{}", stderr_text(&output));
    }
    assert_eq!(database.one("SELECT count(*) FROM staff_account"), "0");
}

#[test]
fn without_a_terminal_staff_add_names_password_stdin() {
    let database = Database::empty();
    // A new session has no controlling terminal to prompt on.
    let output = std::process::Command::new("setsid")
        .args(["--wait", env!("CARGO_BIN_EXE_fastcore"), "staff", "add", "jean"])
        .current_dir(database.folder())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("setsid is installed");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_text(&output).contains("--password-stdin"), "{}", stderr_text(&output));
    assert_eq!(database.one("SELECT count(*) FROM staff_account"), "0");
}

#[test]
fn a_totp_secret_is_shown_once_and_can_be_replaced_or_removed() {
    let database = Database::empty();
    let shown = admin::add_account_with_totp(database.folder(), "jean");
    assert!(shown.contains("otpauth://totp/FASTCore:jean?secret="), "{shown}");
    assert!(shown.contains('█'), "a QR code");
    let secret = || database.one("SELECT hex(totp_secret) FROM staff_account");
    let first = secret();
    assert_eq!(first.len(), 120, "sealed: a nonce of 24 bytes, 20 bytes, a tag of 16 bytes");
    let codes: Vec<_> = shown.lines().rev().take(10).collect();
    assert!(codes.iter().all(|code| code.len() == 11 && code.as_bytes()[5] == b'-'), "{codes:?}");
    let reset = |more: &[&str]| {
        let arguments = [&["staff", "reset-password", "jean", "--password-stdin"], more].concat();
        let output = run_with_input(database.folder(), &arguments, "quite another phrase");
        assert!(output.status.success(), "{output:?}");
    };
    reset(&[]);
    assert_eq!(secret(), first, "kept unless asked otherwise");
    reset(&["--totp"]);
    assert_ne!(secret(), first);
    reset(&["--without-totp"]);
    assert_eq!(database.one("SELECT totp_secret IS NULL FROM staff_account"), "1");
    database.succeed(&["staff", "remove", "jean"]);
    assert_eq!(database.one("SELECT count(*) FROM staff_account"), "0");
    let reported: Vec<_> =
        events(&database).into_iter().map(|(event, _, details)| (event, details)).collect();
    let reset =
        |totp: bool| ("STAFF_PASSWORD_RESET".to_owned(), json!({"account": "jean", "totp": totp}));
    assert_eq!(
        reported,
        [
            ("STAFF_ADDED".to_owned(), json!({"account": "jean", "totp": true})),
            reset(true),
            reset(true),
            reset(false),
            ("STAFF_REMOVED".to_owned(), json!({"account": "jean"})),
        ]
    );
    database.succeed(&["audit", "verify"]);
}
