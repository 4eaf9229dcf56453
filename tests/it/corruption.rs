//! A changed schema, values of the wrong type, destroyed pages and a truncated file: what `audit
//! verify` and `check` report. Neither ever panics.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::support::database::Database;
use super::support::sql;
use super::tampering::{findings_after, verify};

#[test]
fn every_missing_trigger_and_index_is_named() {
    let sql = "SELECT 'DROP ' || type || ' ' || name FROM sqlite_schema
               WHERE type IN ('trigger', 'index') AND sql IS NOT NULL AND tbl_name IN ('audit_log', 'lead_inbox')
               ORDER BY type, name";
    let drops = sql::rows(&Database::sample().sqlite(), sql);
    let drops: Vec<&str> =
        drops.iter().map(|row| row[0].as_deref().expect("a statement")).collect();
    assert!(drops.len() >= 8, "{drops:?}");
    insta::assert_snapshot!(findings_after(&drops, |database, sql| {
        database.sqlite().execute_batch(sql).expect(sql);
    }));
}

#[test]
fn every_altered_or_foreign_schema_object_is_named() {
    let changes: [&str; _] = [
        "DROP TRIGGER audit_log_refuses_update;
         CREATE TRIGGER audit_log_refuses_update BEFORE UPDATE ON audit_log WHEN 0
         BEGIN SELECT RAISE(ABORT, 'audit_log is append-only: its rows are never updated'); END;",
        "CREATE TRIGGER forward AFTER INSERT ON lead_inbox BEGIN DELETE FROM lead_status; END;",
        "CREATE TRIGGER swallow BEFORE INSERT ON audit_log BEGIN SELECT RAISE(IGNORE); END;",
        "CREATE INDEX slow ON lead_inbox (email)",
        "ALTER TABLE lead_inbox ADD COLUMN score INTEGER",
        "DROP TABLE lead_status",
    ];
    insta::assert_snapshot!(findings_after(&changes, |database, sql| {
        database.sqlite().execute_batch(sql).expect(sql);
    }));
}

/// Writes values that STRICT and the CHECK constraints refuse, by removing both for the moment.
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
    let changes: [&str; _] = [
        "UPDATE audit_log SET status_code = 'many' WHERE seq = 3",
        "UPDATE audit_log SET event = x'ff00' WHERE seq = 3",
        "UPDATE audit_log SET hash = x'00' WHERE seq = 9",
        "UPDATE audit_log SET actor = CAST(x'ff' AS TEXT) WHERE seq IN (3, 4)",
        "UPDATE lead_inbox SET name = x'00' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET consent = 'yes' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET message = CAST(x'ff' AS TEXT) WHERE audit_seq = 3",
        "UPDATE lead_inbox SET salt = 'sixteen letters!' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET id = x'00' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET id = x'00', audit_seq = 6 WHERE audit_seq = 3",
    ];
    insta::assert_snapshot!(findings_after(&changes, smuggle));
}

/// Pseudo-random bytes, not a valid page.
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

/// What `check` reports as ERROR, each line from the name of the check on. There must be one at
/// least, and exit status 1.
fn failed_checks(database: &Database) -> Vec<String> {
    let output = database.run(&["check"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let errors = text.lines().filter_map(|line| line.strip_prefix("ERROR"));
    let errors: Vec<String> = errors.map(|line| line.trim_start().to_owned()).collect();
    assert!(!errors.is_empty(), "{text}");
    errors
}

/// How `audit verify` exits on a damaged database, and which checks fail.
fn detection(database: &Database) -> String {
    let (status, text) = verify(database, &[]);
    assert!(!text.trim().is_empty());
    let status = status.expect("an exit status");
    let failed = failed_checks(database);
    let names: Vec<&str> =
        failed.iter().filter_map(|line| line.split_whitespace().next()).collect();
    format!("verify exits {status}; check: ERROR {}", names.join(", "))
}

/// The object that each page belongs to, and whether the page contains rows, by SQLite's own
/// `dbstat` table. A page that nothing uses is called `unused`.
fn page_owners(database: &Database) -> Vec<String> {
    let conn = database.sqlite();
    let pages = "WITH RECURSIVE page (number) AS (
                     SELECT 1 UNION ALL SELECT number + 1 FROM page, pragma_page_count WHERE number < page_count)
                 SELECT coalesce(iif(coalesce(type, '') = 'index', 'index ', '') || dbstat.name || ', ' || pagetype, 'unused')
                 FROM page LEFT JOIN dbstat ON pageno = number
                 LEFT JOIN sqlite_schema ON sqlite_schema.name = dbstat.name ORDER BY number";
    sql::rows(&conn, pages).into_iter().map(|row| row[0].clone().expect("an owner")).collect()
}

/// Destroys each page from `first_page` on in a copy of its own; what is detected, by the owner
/// of the page. `audit verify` must fail wherever rows of the audit log or of leads are lost.
fn detection_by_owner(first_page: usize, destroy: fn(page: usize, bytes: &mut [u8])) -> String {
    let intact = Database::sample();
    let owners = page_owners(&intact);
    let bytes = fs::read(intact.path()).expect("the file");
    let size = bytes.len() / owners.len();
    let mut table = BTreeMap::<&str, BTreeSet<String>>::new();
    for (page, owner) in owners.iter().enumerate().skip(first_page - 1) {
        let mut bytes = bytes.clone();
        // The first hundred bytes are the file header; without them it is not a database at all.
        let from = if page == 0 { 100 } else { page * size };
        destroy(page, &mut bytes[from..(page + 1) * size]);
        let database = Database::sample();
        fs::write(database.path(), bytes).expect("a file");
        let found = detection(&database);
        let evidence = ["audit_log, ", "lead_inbox, ", "lead_status, ", "sqlite_schema, "];
        if evidence.iter().any(|table| owner.starts_with(table)) {
            assert!(found.starts_with("verify exits 4;"), "page {}: {owner}: {found}", page + 1);
        }
        table.entry(owner).or_default().insert(found);
    }
    for name in ["audit_log, leaf", "lead_inbox, leaf", "lead_status, leaf"] {
        assert!(table.contains_key(name), "{name}: {owners:?}");
    }
    let lines = table.iter().flat_map(|(owner, found)| found.iter().map(move |f| (owner, f)));
    lines.map(|(owner, found)| format!("{owner}: {found}\n")).collect()
}

#[test]
fn every_page_overwritten_with_noise_is_detected() {
    insta::assert_snapshot!(detection_by_owner(1, |page, bytes| {
        let length = bytes.len();
        bytes.iter_mut().zip(noise(page, length)).for_each(|(byte, noise)| *byte = noise);
    }));
}

#[test]
fn every_page_overwritten_with_zeros_is_detected() {
    insta::assert_snapshot!(detection_by_owner(2, |_, bytes| bytes.fill(0)));
}

#[test]
fn a_truncated_file_is_detected() {
    let intact = fs::read(Database::sample().path()).expect("the file");
    let detected = |length: usize| {
        let database = Database::sample();
        fs::write(database.path(), &intact[..length]).expect("a file");
        detection(&database)
    };
    let table = [
        ("without the last page", intact.len() - 4096),
        ("half", intact.len() / 2),
        ("5000 bytes", 5000),
        ("4096 bytes", 4096),
        ("empty", 0),
    ]
    .map(|(name, length)| format!("{name}: {}\n", detected(length)));
    insta::assert_snapshot!(table.concat());
}

#[test]
fn a_non_sqlite_file_is_reported_as_such() {
    let database = Database::sample();
    fs::write(database.path(), noise(1, 8192).collect::<Vec<_>>()).expect("a file");
    let (status, text) = verify(&database, &[]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("is not a SQLite database"), "{text}");
}

#[test]
fn an_index_that_lacks_entries_is_detected() {
    // The triggers and the intake look rows up in these indexes: a missing entry would let a second
    // row with the same request_id in.
    let database = Database::sample();
    let conn = database.sqlite();
    let root = "SELECT name, sql FROM sqlite_schema WHERE name = 'sqlite_autoindex_lead_inbox_2'";
    assert_eq!(sql::rows(&conn, root).len(), 1, "the index on request_id");
    let swap = "PRAGMA writable_schema = ON;
        CREATE TABLE decoy (a TEXT NOT NULL UNIQUE) STRICT;
        UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_decoy_1')
        WHERE name = 'sqlite_autoindex_lead_inbox_2';
        DELETE FROM sqlite_schema WHERE name IN ('decoy', 'sqlite_autoindex_decoy_1');";
    conn.execute_batch(swap).expect("a swap");
    drop(conn);
    let text = failed_checks(&database);
    let [finding] = text.as_slice() else { panic!("one finding: {text:?}") };
    assert!(finding.starts_with("integrity "), "{finding}");
    assert!(
        finding.contains("wrong # of entries in index sqlite_autoindex_lead_inbox_2"),
        "{finding}"
    );
}
