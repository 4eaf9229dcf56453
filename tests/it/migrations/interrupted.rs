//! Migrations that are killed: the old or the new schema is there, and the next one completes it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use refinery::Target;
use rusqlite::Connection;

use super::{copies, embedded, newest, stderr_text};
use crate::disk_faults::BadDisk;
use crate::support::binary;
use crate::support::database::Database;
use crate::support::sql;

/// The schema before the search index, from which most migrations are pending.
const OLD: u32 = 5;
const LEADS: usize = 3000;

/// The rows of the leads as they are before and after.
const KEPT: [&str; 3] = [
    "SELECT * FROM lead_inbox ORDER BY audit_seq",
    "SELECT * FROM lead_status ORDER BY audit_seq",
    "SELECT * FROM audit_log WHERE event <> 'DATABASE_MIGRATED' ORDER BY seq",
];

fn rows(file: &Path) -> String {
    let conn = Connection::open(file).expect("a database");
    KEPT.map(|query| format!("{:?}", sql::rows(&conn, query))).concat()
}

fn schema_version(file: &Path) -> u32 {
    let conn = Connection::open(file).expect("a database");
    let sql = "SELECT max(version) FROM refinery_schema_history";
    conn.query_row(sql, [], |row| row.get(0)).expect("a version")
}

/// A database of the old schema, full of leads that this binary has imported.
fn old_database_with_leads() -> Database {
    let made = Database::empty();
    let leads = crate::import::rows(LEADS).replace(",received\n", ",processing\n");
    fs::write(made.folder().join("leads.csv"), leads).expect("a file");
    made.succeed(&["import", "leads", "leads.csv"]);
    made.succeed(&["lead", "set-status", &made.lead_id(7), "resolved"]);
    let old = Database::without_file();
    let mut conn = old.sqlite();
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).expect("a mode");
    let target = Target::Version(OLD.try_into().expect("small"));
    embedded::migrations::runner().set_target(target).run(&mut conn).expect("migrations");
    conn.execute("ATTACH ?1 AS made", [made.path().to_str()]).expect("the other database");
    for table in ["audit_log", "lead_inbox", "lead_status"] {
        let copy = format!("INSERT INTO main.{table} SELECT * FROM made.{table}");
        assert!(conn.execute(&copy, []).expect("rows") > 0, "{table}");
    }
    conn.pragma_update(None, "user_version", OLD).expect("a version");
    drop(conn);
    old
}

/// `fastcore migrate` on a copy of a database, killed at the given write to a file of that name.
fn migrate(disk: &BadDisk, old: &Database, suffix: &str, at: usize) -> (Database, Command) {
    let database = Database::without_file();
    fs::copy(old.path(), database.path()).expect("a copy");
    fs::set_permissions(database.path(), fs::Permissions::from_mode(0o600)).expect("a mode");
    let mut command = binary::command(database.folder(), &["migrate"]);
    disk.load_into(&mut command).env("KILL_IN", suffix).env("KILL_AT", at.to_string());
    (database, command)
}

/// A database to look into: reading the one that is there would change its WAL.
fn copy_of(database: &Database) -> Database {
    let copy = Database::without_file();
    for name in ["fastcore.db", "fastcore.db-wal"] {
        let file = database.folder().join(name);
        if file.exists() {
            fs::copy(file, copy.folder().join(name)).expect("a copy");
        }
    }
    copy
}

/// How often an undisturbed migration writes to a file of that name.
fn writes(disk: &BadDisk, old: &Database, suffix: &str) -> usize {
    let (database, mut command) = migrate(disk, old, suffix, 0);
    let count = database.folder().join("count");
    let output = command.env("KILL_COUNT", &count).output().expect("it runs");
    assert!(output.status.success(), "{}", stderr_text(&output));
    fs::read_to_string(count).expect("a count").parse().expect("a number")
}

#[test]
fn a_killed_migration_leaves_the_old_schema_or_the_new_one() {
    let (disk, old) = (BadDisk::new(), old_database_with_leads());
    let kept = rows(&old.path());
    let mut seen = [0, 0];
    for (suffix, tries) in [(".partial", 5), (".db-wal", 10), ("/fastcore.db", 5)] {
        let writes = writes(&disk, &old, suffix);
        assert!(writes > 3, "{suffix}: {writes}");
        // The first and the last, and random ones.
        let random = std::iter::repeat_with(|| rand::random_range(1..=writes)).take(tries);
        for at in [1, writes].into_iter().chain(random) {
            let (database, mut command) = migrate(&disk, &old, suffix, at);
            let output = command.output().expect("it runs");
            let at = format!("{suffix}, write {at} of {writes}");
            assert_eq!(output.status.code(), None, "{at}: killed: {}", stderr_text(&output));

            let left = copy_of(&database);
            let version = schema_version(&left.path());
            assert!([OLD, newest()].contains(&version), "{at}: {version}");
            seen[usize::from(version == newest())] += 1;
            assert_eq!(rows(&left.path()), kept, "{at}");
            assert_eq!(left.one("PRAGMA integrity_check"), "ok", "{at}");
            if version == newest() {
                let copies = copies(database.folder());
                assert_eq!(copies.len(), 1, "{at}: {copies:?}");
                assert_eq!(schema_version(&copies[0]), OLD, "{at}");
                assert_eq!(rows(&copies[0]), kept, "{at}");
            }

            database.succeed(&["migrate"]);
            database.succeed(&["audit", "verify"]);
            assert_eq!(rows(&database.path()), kept, "{at}");
            assert_eq!(database.one("PRAGMA user_version"), newest().to_string(), "{at}");
            let migrated = "SELECT count(*) FROM audit_log WHERE event = 'DATABASE_MIGRATED'";
            assert_eq!(database.one(migrated), "1", "{at}");
            let complete = copies(database.folder());
            assert!(!complete.is_empty(), "{at}");
            for copy in complete {
                assert_eq!(rows(&copy), kept, "{at}: {}", copy.display());
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "old and new: {seen:?}");
}
