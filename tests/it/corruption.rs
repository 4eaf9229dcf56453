//! A schema that was changed, columns of the wrong type, pages that the disk has lost: `audit
//! verify` says so, exits with 4, and never panics.

use std::fs;

use super::support::database::Database;
use super::support::sql;
use super::tampering::{assert_names, verify};

#[test]
fn every_missing_trigger_and_index_is_named() {
    let listed = Database::sample();
    let sql = "SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'index') AND sql IS NOT NULL AND tbl_name IN ('audit_log', 'lead_inbox')";
    let objects = sql::rows(&listed.sqlite(), sql);
    assert!(objects.len() >= 8, "{objects:?}");
    for object in objects {
        let (kind, name) = (object[0].clone().expect("a type"), object[1].clone().expect("a name"));
        let database = Database::sample();
        database.sqlite().execute_batch(&format!("DROP {kind} {name}")).expect("a drop");
        assert_names(&database, &name, &format!("schema: {kind} {name} is missing"));
    }
}

#[test]
fn every_altered_or_foreign_schema_object_is_named() {
    let cases = [
        (
            "DROP TRIGGER audit_log_refuses_update;
             CREATE TRIGGER audit_log_refuses_update BEFORE UPDATE ON audit_log WHEN 0
             BEGIN SELECT RAISE(ABORT, 'audit_log is append-only: its rows are never updated'); END;",
            "schema: trigger audit_log_refuses_update was altered",
        ),
        (
            "CREATE TRIGGER forward AFTER INSERT ON lead_inbox BEGIN DELETE FROM lead_status; END;",
            "schema: trigger forward does not belong to FASTCore",
        ),
        (
            "CREATE TRIGGER swallow BEFORE INSERT ON audit_log BEGIN SELECT RAISE(IGNORE); END;",
            "schema: trigger swallow does not belong to FASTCore",
        ),
        ("CREATE INDEX slow ON lead_inbox (email)", "schema: index slow does not belong to FASTCore"),
        ("ALTER TABLE lead_inbox ADD COLUMN score INTEGER", "schema: table lead_inbox was altered"),
        ("DROP TABLE lead_status", "schema: table lead_status is missing"),
    ];
    for (sql, name) in cases {
        let database = Database::sample();
        database.sqlite().execute_batch(sql).expect(sql);
        assert_names(&database, sql, name);
    }
}

/// Writes values that STRICT and the checks would refuse, by a schema without them for a while.
fn smuggle(database: &Database, sql: &str) {
    let schema = |from: &str, to: &str| {
        let conn = database.sqlite();
        let change = format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE type = 'table';"
        );
        conn.execute_batch(&change).expect("a schema");
    };
    schema(") STRICT", ")/*  */");
    database.tamper_sql(sql);
    schema(")/*  */", ") STRICT");
}

#[test]
fn values_of_the_wrong_type_are_named() {
    for (sql, name) in [
        (
            "UPDATE audit_log SET status_code = 'many' WHERE seq = 3",
            "audit row 3: a column has the wrong type",
        ),
        (
            "UPDATE audit_log SET event = x'ff00' WHERE seq = 3",
            "audit row 3: a column has the wrong type",
        ),
        (
            "UPDATE audit_log SET hash = x'00' WHERE seq = 9",
            "audit row 9: a column has the wrong type",
        ),
        (
            "UPDATE audit_log SET actor = CAST(x'ff' AS TEXT) WHERE seq IN (3, 4)",
            "audit row 4 (LEAD_RECEIVED) was altered",
        ),
        ("UPDATE lead_inbox SET name = x'00' WHERE audit_seq = 3", "lead {lead 3} was altered"),
        ("UPDATE lead_inbox SET consent = 'yes' WHERE audit_seq = 3", "lead {lead 3} was altered"),
        (
            "UPDATE lead_inbox SET message = CAST(x'ff' AS TEXT) WHERE audit_seq = 3",
            "lead {lead 3} was altered",
        ),
        (
            "UPDATE lead_inbox SET salt = 'sixteen letters!' WHERE audit_seq = 3",
            "lead {lead 3} was altered",
        ),
        ("UPDATE lead_inbox SET id = x'00' WHERE audit_seq = 3", "lead {lead 3} was altered"),
        (
            "UPDATE lead_inbox SET id = x'00', audit_seq = 6 WHERE audit_seq = 3",
            "lead {lead 3} (audit row 3) is missing",
        ),
    ] {
        let database = Database::sample();
        let name = name.replace("{lead 3}", &database.lead_id(3));
        smuggle(&database, sql);
        assert_names(&database, sql, &name);
    }
}

/// Bytes that are no page.
fn noise(seed: usize, length: usize) -> impl Iterator<Item = u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed as u64 + 1);
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    })
    .take(length)
}

/// What `check`, which must find something bad, says.
fn checked(database: &Database) -> String {
    let output = database.run(&["check"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.lines().any(|line| line.starts_with("ERROR")), "{text}");
    text
}

/// Asserts that damage is found: by `audit verify` where a row is hit, by `check` wherever it is.
fn assert_found(database: &Database, what: &str) {
    let (status, text) = verify(database, &[]);
    assert!(matches!(status, Some(0 | 4)) && !text.trim().is_empty(), "{what}: {text}");
    let text = checked(database);
    let told = ["integrity", "chain", "migrations"].map(|name| format!("ERROR    {name}"));
    assert!(told.iter().any(|told| text.contains(told)), "{what}: {text}");
}

#[test]
fn every_page_overwritten_with_noise_is_detected() {
    let sound = fs::read(Database::sample().path()).expect("the file");
    let size = usize::from(u16::from_be_bytes([sound[16], sound[17]]));
    for page in 0..sound.len() / size {
        // The first hundred bytes say what the file is; without them it is no database at all.
        let from = if page == 0 { 100 } else { page * size };
        let mut bytes = sound.clone();
        bytes.splice(from..(page + 1) * size, noise(page, (page + 1) * size - from));
        let database = Database::sample();
        fs::write(database.path(), bytes).expect("a file");
        assert_found(&database, &format!("page {}", page + 1));
    }
}

#[test]
fn every_page_overwritten_with_zeros_is_detected() {
    let sound = fs::read(Database::sample().path()).expect("the file");
    let size = usize::from(u16::from_be_bytes([sound[16], sound[17]]));
    for page in 1..sound.len() / size {
        let mut bytes = sound.clone();
        bytes[page * size..(page + 1) * size].fill(0);
        let database = Database::sample();
        fs::write(database.path(), bytes).expect("a file");
        assert_found(&database, &format!("page {}", page + 1));
    }
}

#[test]
fn a_truncated_file_is_detected() {
    let sound = fs::read(Database::sample().path()).expect("the file");
    for length in [sound.len() - 4096, sound.len() / 2, 5000, 4096, 0] {
        let database = Database::sample();
        fs::write(database.path(), &sound[..length]).expect("a file");
        assert_found(&database, &format!("{length} bytes"));
    }
}

#[test]
fn a_non_sqlite_file_is_reported_as_such() {
    let database = Database::sample();
    fs::write(database.path(), noise(1, 8192).collect::<Vec<_>>()).expect("a file");
    let (status, text) = verify(&database, &[]);
    assert!(status.is_some_and(|s| s != 0), "{text}");
    assert!(text.contains("is not a SQLite database"), "{text}");
}

#[test]
fn an_index_that_lacks_entries_is_detected() {
    // The triggers and the intake look rows up in these trees: one without an entry lets a second
    // row with the same request_id in.
    let database = Database::sample();
    let conn = database.sqlite();
    let root = "SELECT name, sql FROM sqlite_schema WHERE name = 'sqlite_autoindex_lead_inbox_2'";
    assert_eq!(sql::rows(&conn, root).len(), 1, "the tree of request_id");
    let swap = "PRAGMA writable_schema = ON;
        CREATE TABLE decoy (a TEXT NOT NULL UNIQUE) STRICT;
        UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_decoy_1')
        WHERE name = 'sqlite_autoindex_lead_inbox_2';
        DELETE FROM sqlite_schema WHERE name IN ('decoy', 'sqlite_autoindex_decoy_1');";
    conn.execute_batch(swap).expect("a swap");
    drop(conn);
    assert!(checked(&database).contains("sqlite_autoindex_lead_inbox_2"));
}
