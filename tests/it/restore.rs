//! Restoring a backup: verified first, with erased leads erased again, and always with either the
//! old or the new database in place.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::backup::{names, stderr_text};
use super::support::admin::{self, Browser};
use super::support::binary::{ServeProcess, command, run, sqlite3, succeed};
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::lead;
use super::tampering::verify;

/// A database of six leads with a backup of the first five, and a second copy of the backup.
fn with_backup() -> (Database, Value) {
    let database = Database::sample();
    database.succeed(&["backup", "create", "backup.db"]);
    let mut served = ServeProcess::start(database.folder());
    let later = lead();
    assert_eq!(post_lead(served.address, &later).status, 201);
    served.terminate();
    (database, later)
}

fn leads(database: &Database) -> String {
    database.one("SELECT count(*) FROM lead_inbox")
}

#[test]
fn restore_replaces_the_database_and_keeps_the_old_file() {
    let (database, later) = with_backup();
    let report = database.succeed(&["restore", "backup.db", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!((&report["leads"], &report["audit_rows"]), (&5.into(), &9.into()));
    assert_eq!(leads(&database), "5");
    assert_eq!(verify(&database, &[]).0, Some(0));
    let last =
        "SELECT event || ' ' || (details_json ->> 'file') FROM audit_log ORDER BY seq DESC LIMIT 1";
    assert_eq!(database.one(last), "DATABASE_RESTORED backup.db");
    let kept = report["kept"][0].as_str().expect("a name");
    let kept = database.folder().join(kept);
    assert_eq!(sqlite3(&kept, "SELECT count(*) FROM lead_inbox").as_deref(), Ok("6"));
    let mut served = ServeProcess::start(database.folder());
    assert_eq!(post_lead(served.address, &later).status, 201);
    served.terminate();
    assert_eq!(verify(&database, &[]).0, Some(0));
}

#[test]
fn restore_works_without_an_existing_database() {
    let (database, _) = with_backup();
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(database.folder().join(format!("fastcore.db{suffix}")));
    }
    database.succeed(&["restore", "backup.db"]);
    assert_eq!(leads(&database), "5");
    assert_eq!(verify(&database, &[]).0, Some(0));
}

#[test]
fn leads_erased_since_the_backup_stay_erased() {
    let (database, _) = with_backup();
    let id = database.lead_id(2);
    let request = "SELECT request_id FROM lead_inbox WHERE audit_seq = 2";
    let request = database.one(request);
    database.succeed(&["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"]);
    let report = database.succeed(&["restore", "backup.db", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["erased_again"], 1);
    assert_eq!(leads(&database), "4");
    let newest_details =
        "SELECT lead_id || request_id || details_json FROM audit_log WHERE event = 'LEAD_ERASED'";
    assert_eq!(database.one(newest_details), format!(r#"{id}{request}{{"reason":"restored"}}"#));
    assert_eq!(verify(&database, &[]).0, Some(0));
    // Once more: the ledger is still there.
    database.succeed(&["restore", "backup.db"]);
    assert_eq!(leads(&database), "4");
}

#[test]
fn restore_of_an_open_database_exits_5_and_changes_nothing() {
    let (database, _) = with_backup();
    let mut served = ServeProcess::start(database.folder());
    assert_eq!(database.run(&["restore", "backup.db"]).status.code(), Some(5));
    served.terminate();
    let before = database.dump();
    for sql in ["BEGIN; SELECT count(*) FROM lead_inbox", "BEGIN IMMEDIATE"] {
        // Another process: SQLite's locks do not tell apart what is in one.
        let mut shell = std::process::Command::new("sqlite3")
            .arg(database.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sqlite3 is installed");
        use std::io::{BufRead, BufReader, Write};
        let mut input = shell.stdin.take().expect("a pipe");
        writeln!(input, "{sql}; SELECT 'ready';").expect("written");
        let mut lines = BufReader::new(shell.stdout.take().expect("a pipe")).lines();
        assert!(lines.any(|line| line.expect("text") == "ready"));
        let output = database.run(&["restore", "backup.db"]);
        assert_eq!(output.status.code(), Some(5), "{sql}: {}", stderr_text(&output));
        drop(input);
        shell.wait().expect("ended");
    }
    assert_eq!(database.dump(), before);
    assert!(!names(database.folder()).iter().any(|name| name.contains("restore")));
}

#[test]
fn restore_refuses_an_incomplete_backup_and_changes_nothing() {
    let (database, _) = with_backup();
    let before = database.dump();
    let path = database.folder().join("backup.db");
    let whole = fs::read(&path).expect("a backup");
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 4;
    for (bytes, status) in [(&whole[..whole.len() - 1], 4), (&altered, 4), (b"no database", 4)] {
        fs::write(&path, bytes).expect("written");
        let output = database.run(&["restore", "backup.db"]);
        assert_eq!(output.status.code(), Some(status), "{}", stderr_text(&output));
    }
    // An invalid chain with a valid checksum trailer.
    let broken = Database::sample();
    broken.tamper_sql("UPDATE lead_inbox SET name = 'Someone' WHERE audit_seq = 2");
    fs::write(&path, fs::read(broken.path()).expect("a database")).expect("written");
    let output = database.run(&["restore", "backup.db", "--no-checksum"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr_text(&output));
    assert_eq!(database.dump(), before);
    assert!(!names(database.folder()).iter().any(|name| name.contains("restore")));
}

#[test]
fn restore_discards_a_stale_wal_next_to_the_target() {
    let (database, _) = with_backup();
    // What a killed process leaves: a log that is not yet in the file.
    let aside = tempfile::tempdir().expect("a folder");
    let conn = Connection::open(database.path()).expect("a connection");
    conn.execute_batch(
        "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_mode = WAL;
         INSERT INTO write_probe VALUES (1, 'x') ON CONFLICT DO UPDATE SET probed_at_utc = 'y'",
    )
    .expect("written");
    for suffix in ["-wal", "-shm"] {
        let name = format!("fastcore.db{suffix}");
        fs::copy(database.folder().join(&name), aside.path().join(&name)).expect("a copy");
    }
    drop(conn);
    for damaged in [false, true] {
        for suffix in ["-wal", "-shm"] {
            let name = format!("fastcore.db{suffix}");
            fs::copy(aside.path().join(&name), database.folder().join(&name)).expect("a copy");
        }
        if damaged {
            fs::write(database.path(), vec![7; 40_000]).expect("damaged");
        }
        database.succeed(&["restore", "backup.db"]);
        assert_eq!(verify(&database, &[]).0, Some(0), "damaged: {damaged}");
        assert_eq!(leads(&database), "5");
    }
}

#[test]
fn a_restore_killed_at_any_point_leaves_the_old_or_the_new_database() {
    let (database, _) = with_backup();
    let folder = database.folder();
    let old = database.dump();
    let original = fs::read(database.path()).expect("the database");
    let (mut olds, mut news) = (0, 0);
    for round in 0..40 {
        let mut child = command(folder, &["restore", "backup.db"])
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        std::thread::sleep(Duration::from_micros(rand::random_range(0..160_000)));
        child.kill().expect("killed");
        child.wait().expect("ended");
        // In a copy, as the next start finds it.
        let found = copy_of(folder);
        match found.one("SELECT count(*) FROM lead_inbox").as_str() {
            "6" => {
                assert_eq!(found.dump(), old, "round {round}");
                olds += 1;
            }
            "5" => news += 1,
            other => panic!("round {round}: {other} leads"),
        }
        assert_eq!(verify(&found, &[]).0, Some(0), "round {round}");
        if found.one("SELECT count(*) FROM lead_inbox") == "5" {
            for suffix in ["-wal", "-shm"] {
                let _ = fs::remove_file(folder.join(format!("fastcore.db{suffix}")));
            }
            fs::write(database.path(), &original).expect("the old one again");
        }
    }
    println!("{olds} times the old one, {news} times the new one");
    succeed(folder, &["restore", "backup.db"]);
    assert!(!names(folder).iter().any(|name| name.contains("partial")));
    assert!(run(folder, &["audit", "verify"]).status.success());
}

/// The database of a folder with all that belongs to it, in another.
fn copy_of(folder: &Path) -> Database {
    let copy = Database::without_file();
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let name = format!("fastcore.db{suffix}");
        if folder.join(&name).exists() {
            fs::copy(folder.join(&name), copy.folder().join(&name)).expect("a copy");
        }
    }
    copy
}

#[test]
fn a_restore_brought_removed_accounts_and_old_sessions_back() {
    let database = Database::sample();
    let folder = database.folder();
    let names = || database.one("SELECT group_concat(name, ' ' ORDER BY name) FROM staff_account");
    let details = || -> Value {
        let row = database.one("SELECT details_json FROM audit_log ORDER BY seq DESC LIMIT 1");
        serde_json::from_str(&row).expect("JSON")
    };
    admin::add_account(folder, "jean");
    admin::add_account_with_totp(folder, "marie");
    let mut server = ServeProcess::start(folder);
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    database.succeed(&["backup", "create", "staff.db"]);
    server.terminate();
    let signed_in =
        "SELECT (SELECT count(*) FROM staff_session) + (SELECT count(*) FROM staff_device)";
    assert_eq!(database.one(signed_in), "2", "a session and a device");
    database.succeed(&["staff", "remove", "jean"]);
    admin::add_account(folder, "paul");
    let secrets =
        "SELECT hex(totp_secret) || password_hash FROM staff_account WHERE name = 'marie'";
    let marie = database.one(secrets);

    let restored = database.run(&["restore", "staff.db"]);
    let said = stderr_text(&restored);
    assert!(restored.status.success(), "{said}");
    assert!(said.contains("not in the backup: paul; only in the backup, removed: jean."), "{said}");
    assert_eq!(names(), "marie paul");
    assert_eq!(database.one(secrets), marie);
    assert_eq!(database.one(signed_in), "0");
    let expected = json!({"from": "replaced_database", "added": ["paul"], "removed": ["jean"]});
    assert_eq!(details()["accounts"], expected);

    // Elsewhere, there is no later state: a database of its own does not count as one.
    for with_database in [false, true] {
        let other = Database::without_file();
        if with_database {
            other.succeed(&["migrate"]);
            admin::add_account(other.folder(), "somebody");
        }
        fs::copy(folder.join("staff.db"), other.folder().join("staff.db")).expect("a copy");
        let restored = other.run(&["restore", "staff.db"]);
        let said = stderr_text(&restored);
        assert!(said.contains("Accounts are those of the backup: jean, marie."), "{said}");
        assert_eq!(other.one("SELECT group_concat(name, ' ') FROM staff_account"), "jean marie");
        assert_eq!(other.one(signed_in), "0");
    }
}
