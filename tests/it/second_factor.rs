//! The second factor: sealed in the database, and the recovery codes that stand in for it.

use std::fs;

use super::support::admin::{self, Browser, audit_rows_of, recovery_codes, totp_code};
use super::support::binary;
use super::support::database::Database;
use super::support::server::TestServer;
use super::support::sql;

#[test]
fn the_secret_of_a_second_factor_was_in_the_database_and_its_backups() {
    let database = Database::empty();
    let shown = admin::add_account_with_totp(database.folder(), "jean");
    let secret = shown.split("secret=").nth(1).and_then(|rest| rest.split('&').next());
    let secret = totp_rs::Secret::try_from_base32(secret.expect("a secret")).expect("base32");
    database.succeed(&["backup", "create", "backup.db"]);
    let mut files = 0;
    for file in fs::read_dir(database.folder()).expect("a folder") {
        let path = file.expect("a file").path();
        let bytes = fs::read(&path).expect("bytes");
        let found = bytes.windows(20).any(|window| window == secret.as_bytes());
        assert!(!found, "{}", path.display());
        for code in recovery_codes(&shown) {
            let plain = code.replace('-', "");
            let found = bytes.windows(10).any(|window| window == plain.as_bytes());
            assert!(!found, "{}", path.display());
        }
        files += 1;
    }
    assert!(files >= 3, "the database, the backup and the key are there");
    assert!(!database.folder().join("backup.db.staff-key").exists());
}

#[test]
fn a_recovery_code_signs_in_once() {
    let server = TestServer::start();
    let shown = admin::add_account_with_totp(server.folder(), "jean");
    let codes = recovery_codes(&shown);
    let mut browser = Browser::new(server.address);
    let typed = format!(" {} ", codes[3].to_uppercase().replace('-', " "));
    let answer = browser.sign_in_with_code("jean", &typed);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["recovery_codes_left"], 9);
    let rows = audit_rows_of(&server, "STAFF_SIGNED_IN");
    assert!(rows[0][1].contains(r#""how":"recovery_code""#), "{rows:?}");
    let again = browser.sign_in_with_code("jean", &codes[3]);
    again.assert_error(401, "unauthorized");
    assert_eq!(browser.sign_in_with_code("jean", &codes[4]).json()["recovery_codes_left"], 8);
    assert_eq!(server.number("SELECT count(*) FROM staff_recovery_code"), 8);
    let mut other = Browser::new(server.address);
    admin::add_account_with_totp(server.folder(), "paul");
    other.sign_in_with_code("paul", &codes[5]).assert_error(401, "unauthorized");
}

#[test]
fn one_recovery_code_used_concurrently_opens_one_session() {
    let server = TestServer::start();
    let shown = admin::add_account_with_totp(server.folder(), "jean");
    let code = recovery_codes(&shown).remove(0);
    let address = server.address;
    let answers = admin::concurrent_statuses(3, move |_| {
        Browser::new(address).sign_in_with_code("jean", &code).status
    });
    assert_eq!(answers, [200, 401, 401]);
}

#[test]
fn secrets_that_an_older_version_stored_are_sealed_at_the_next_start() {
    let database = Database::empty();
    admin::add_account(database.folder(), "jean");
    let plain = "0102030405060708090a0b0c0d0e0f1011121314";
    database.tamper_sql(&format!("UPDATE staff_account SET totp_secret = x'{plain}'"));
    let mut server = binary::ServeProcess::start(database.folder());
    let address = server.address;
    let secret = totp_rs::Secret::from((1..=20).collect::<Vec<u8>>());
    let code = totp_code(&secret.to_base32(), chrono::Utc::now());
    assert_eq!(Browser::new(address).sign_in_with_code("jean", &code).status, 200);
    server.terminate();
    assert_eq!(database.one("SELECT length(totp_secret) FROM staff_account"), "60");
    let bytes = fs::read(database.path()).expect("the file");
    let plain: Vec<u8> = (1..=20).collect();
    assert!(!bytes.windows(20).any(|window| window == plain), "also not in free pages");
    database.succeed(&["audit", "verify"]);
}

#[test]
fn without_its_key_the_second_factor_is_refused_and_check_says_why() {
    let database = Database::empty();
    let shown = admin::add_account_with_totp(database.folder(), "jean");
    let checked = |exit: i32| {
        let output = database.run(&["check"]);
        assert_eq!(output.status.code(), Some(exit), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(checked(0).contains("second factors: 1, all readable"));
    let key = database.folder().join("fastcore.db.staff-key");
    let saved = fs::read(&key).expect("the key");
    fs::remove_file(&key).expect("removed");
    let said = checked(1);
    assert!(said.contains("the second factors of jean cannot be read"), "{said}");
    let mut server = binary::ServeProcess::start(database.folder());
    let mut browser = Browser::new(server.address);
    let code = totp_code(&shown, chrono::Utc::now());
    browser.sign_in_with_code("jean", &code).assert_error(401, "unauthorized");
    assert_eq!(browser.sign_in_with_code("jean", &recovery_codes(&shown)[0]).status, 200);
    server.terminate();
    assert!(fs::read(&key).expect("a new key") != saved);
    fs::write(&key, saved).expect("restored");
    assert!(checked(0).contains("all readable"));
}

#[test]
fn a_restore_keeps_second_factors_and_recovery_codes_and_ends_invitations() {
    let database = Database::empty();
    admin::add_account_with_totp(database.folder(), "jean");
    database.succeed(&["backup", "create", "backup.db"]);
    database.succeed(&["staff", "invite", "marie"]);
    let state = "SELECT hex(totp_secret) FROM staff_account";
    let before = database.one(state);
    let hashes = sql::rows(
        &database.sqlite(),
        "SELECT code_hash FROM staff_recovery_code ORDER BY code_hash",
    );
    database.succeed(&["restore", "backup.db"]);
    assert_eq!(database.one(state), before);
    let after = sql::rows(
        &database.sqlite(),
        "SELECT code_hash FROM staff_recovery_code ORDER BY code_hash",
    );
    assert_eq!((after.len(), after), (10, hashes));
    assert_eq!(database.one("SELECT count(*) FROM staff_invitation"), "0");
}
