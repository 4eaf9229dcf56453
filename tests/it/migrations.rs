//! Schema migrations: what the binary embeds, that each one keeps existing rows, and what is
//! refused.

mod interrupted;
mod published;
mod views;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use refinery::Target;
use rusqlite::Connection;
use serde_json::Value;

use super::support::binary::ServeProcess;
use super::support::database::Database;
use super::support::sql;

mod embedded {
    refinery::embed_migrations!("migrations");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The migration files by their numbers: what they are called, and their text.
fn files() -> BTreeMap<u32, (String, String)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(root().join("migrations")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
        let Some(stem) = name.strip_suffix(".sql") else {
            assert_eq!(name, "README.md", "nothing else lies there");
            continue;
        };
        let (number, what) =
            stem.strip_prefix('V').and_then(|s| s.split_once("__")).expect("V<number>__<what>");
        let text = fs::read_to_string(&path).expect("SQL");
        let other = files.insert(number.parse().expect("a number"), (what.to_owned(), text));
        assert!(other.is_none(), "two files have the number {number}");
    }
    files
}

fn newest() -> u32 {
    *files().keys().max().expect("a migration")
}

/// The database that a binary with this newest schema left.
fn fixture(version: u32) -> PathBuf {
    root().join(format!("tests/data/databases/V{version}.db"))
}

/// A copy of [`fixture`].
fn at_schema(version: u32) -> Database {
    let database = Database::without_file();
    fs::copy(fixture(version), database.path()).unwrap_or_else(|e| panic!("V{version}: {e}"));
    fs::set_permissions(database.path(), fs::Permissions::from_mode(0o600)).expect("a mode");
    database
}

/// The schema's text, less the history of how it came to be.
fn schema(conn: &Connection) -> Vec<Vec<Option<String>>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema
               WHERE name NOT LIKE '%refinery_schema_history%' ORDER BY type, name";
    sql::rows(conn, sql)
}

fn copies(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path());
    entries.filter(|p| p.to_string_lossy().contains("before-migration")).collect()
}

fn stderr_text(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn migration_files_are_numbered_without_a_gap() {
    let files = files();
    assert!(files.keys().copied().eq(1..=newest()), "{:?}", files.keys());
    for (what, text) in files.values() {
        assert!(
            what.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{what}"
        );
        assert!(!text.trim().is_empty(), "{what}");
    }
}

#[test]
fn the_binary_embeds_exactly_the_migration_files() {
    let database = Database::empty();
    let steps: Value =
        serde_json::from_str(&database.succeed(&["migrate", "status", "--json"])).expect("JSON");
    let steps: Vec<_> = steps.as_array().expect("a list").iter().collect();
    let listed: Vec<_> =
        steps.iter().map(|s| (s["version"].as_u64(), s["name"].as_str())).collect();
    let files = files();
    let expected: Vec<_> =
        files.iter().map(|(n, (what, _))| (Some(u64::from(*n)), Some(what.as_str()))).collect();
    assert_eq!(listed, expected);
    assert!(steps.iter().all(|s| s["applied_on"].as_str().is_some_and(|t| t.starts_with("20"))));
    let text = database.succeed(&["migrate", "status"]);
    assert_eq!(text.lines().count(), expected.len());
    for (line, (number, name)) in text.lines().zip(expected) {
        let begin = format!("V{}", number.expect("a number"));
        assert!(line.starts_with(&begin) && line.contains(name.expect("a name")), "{line}");
        assert!(!line.contains("pending"), "{line}");
    }
}

#[test]
fn renamed_tables_keep_their_rows() {
    let database = at_schema(6);
    database.succeed(&["migrate"]);
    let rows = |text: &str| sql::rows(&database.sqlite(), text);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        rows("SELECT id, probed_at_utc FROM write_probe"),
        [[text("1"), text("2026-01-05T08:00:00.000000Z")]]
    );
    assert_eq!(
        rows("SELECT id, indexed_through, tokenizer_version FROM search_index_state"),
        [[text("1"), text("1"), text("1")]]
    );
}

#[test]
fn migrate_creates_a_private_database() {
    let database = Database::without_file();
    let output = database.run(&["migrate"]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "words go to standard error");
    assert!(stderr_text(&output).contains("Created "), "{}", stderr_text(&output));
    let mode = fs::metadata(database.path()).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!(database.one("PRAGMA user_version"), newest().to_string());
    assert_eq!(database.one("PRAGMA journal_mode"), "wal");
    assert_eq!(database.one("SELECT count(*) FROM audit_log"), "0", "nothing was migrated");
}

#[test]
fn migrate_again_changes_nothing() {
    let database = Database::sample();
    let before = (fs::read(database.path()).expect("the file"), database.dump());
    let output = database.run(&["migrate"]);
    assert!(output.status.success(), "{output:?}");
    assert!(stderr_text(&output).contains("nothing is pending"), "{}", stderr_text(&output));
    assert!((fs::read(database.path()).expect("the file"), database.dump()) == before);
    assert_eq!(copies(database.folder()).len(), 0);
}

#[test]
fn migration_status_creates_no_database() {
    let database = Database::without_file();
    let output = database.run(&["migrate", "status"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr_text(&output).lines().count(), 1, "{}", stderr_text(&output));
    assert_eq!(fs::read_dir(database.folder()).expect("a folder").count(), 0);
}

#[test]
fn an_outdated_schema_is_refused_by_every_command_except_migrate() {
    let database = at_schema(newest() - 1);
    let text = database.succeed(&["migrate", "status"]);
    let last = text.lines().last().expect("a line");
    assert!(last.ends_with("pending") && text.matches("pending").count() == 1, "{text}");
    let before = database.dump();
    for command in [["lead", "list"], ["audit", "head"], ["export", "leads"]] {
        let output = database.run(&command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(
            stderr_text(&output).contains("run `fastcore migrate` first"),
            "{}",
            stderr_text(&output)
        );
    }
    assert_eq!(database.dump(), before);
}

#[test]
fn a_database_with_rows_is_backed_up_before_migration_from_every_version() {
    for from in 1..newest() {
        let database = at_schema(from);
        let (before, rows) = (database.dump(), database.one("SELECT max(seq) FROM audit_log"));
        let output = database.run(&["migrate"]);
        assert!(output.status.success(), "V{from}: {output:?}");
        let copies = copies(database.folder());
        assert_eq!(copies.len(), 1, "{copies:?}");
        assert!(
            stderr_text(&output)
                .contains(copies[0].to_str().expect("UTF-8").rsplit('/').next().expect("a name"))
        );
        let mode = fs::metadata(&copies[0]).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "it contains the same leads");
        let last = sql::rows(
            &database.sqlite(),
            "SELECT seq, event, actor, details_json FROM audit_log ORDER BY seq DESC LIMIT 1",
        );
        let last: Vec<_> = last[0].iter().map(|c| c.as_deref().unwrap_or("")).collect();
        let seq = rows.parse::<u32>().expect("a number") + 1;
        assert_eq!(last[..2], [seq.to_string().as_str(), "DATABASE_MIGRATED"]);
        assert!(last[2].starts_with("cli:"), "{last:?}");
        assert_eq!(last[3], format!(r#"{{"from":{from},"to":{}}}"#, newest()));
        database.succeed(&["audit", "verify"]);
        assert_eq!(schema(&database.sqlite()), schema(&Database::empty().sqlite()));
        // The copy is the database as it was.
        fs::rename(&copies[0], database.path()).expect("the copy put back");
        assert_eq!(database.dump(), before);
    }
}

#[test]
fn an_outdated_database_without_rows_is_migrated_without_a_backup() {
    let database = Database::without_file();
    let mut conn = database.sqlite();
    let target = Target::Version((newest() - 1).try_into().expect("small"));
    embedded::migrations::runner().set_target(target).run(&mut conn).expect("a migration");
    conn.pragma_update(None, "user_version", newest() - 1).expect("a version");
    drop(conn);
    database.succeed(&["migrate"]);
    assert_eq!(copies(database.folder()).len(), 0);
    assert_eq!(database.one("SELECT event FROM audit_log"), "DATABASE_MIGRATED");
    database.succeed(&["audit", "verify"]);
}

#[test]
fn serve_migrates_at_startup() {
    let database = at_schema(newest() - 1);
    let migrated = "SELECT count(*) FROM audit_log WHERE event = 'DATABASE_MIGRATED'";
    let before: u32 = database.one(migrated).parse().expect("a number");
    let mut server = ServeProcess::start(database.folder());
    server.terminate();
    assert_eq!(copies(database.folder()).len(), 1);
    assert!(server.log.iter().any(|l| l.contains("before-migration")), "{:?}", server.log);
    assert_eq!(database.one(migrated), (before + 1).to_string());
    database.succeed(&["audit", "verify"]);
}

/// Refused with one line, and the file as it was to the last byte.
fn assert_refused(database: &Database, word: &str) {
    let before = fs::read(database.path()).expect("the file");
    for command in ["migrate", "serve"] {
        let output = database.run(&[command]);
        assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
        let said = stderr_text(&output);
        assert!(said.lines().count() == 1 && said.contains(word), "{command}: {said}");
        assert!(fs::read(database.path()).expect("the file") == before, "{command} changed it");
    }
    assert_eq!(copies(database.folder()).len(), 0);
}

/// A change to the history, in the file itself rather than in its WAL.
fn with_history(database: &Database, sql: &str) {
    let conn = database.sqlite();
    conn.execute_batch(sql).expect(sql);
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
}

#[test]
fn a_history_with_an_edited_migration_is_refused() {
    for version in [newest(), newest() - 1] {
        for change in ["checksum = '42'", "name = 'another'"] {
            let database = at_schema(version);
            with_history(
                &database,
                &format!("UPDATE refinery_schema_history SET {change} WHERE version = 2"),
            );
            assert_refused(&database, "V2__");
        }
    }
}

#[test]
fn a_history_with_a_gap_is_refused() {
    let database = at_schema(newest());
    with_history(&database, "DELETE FROM refinery_schema_history WHERE version = 2");
    assert_refused(&database, "V2__");
}

#[test]
fn migrate_refuses_a_newer_schema_and_leaves_it_unchanged() {
    let database = Database::sample();
    let newer = newest() + 1;
    with_history(&database, &format!(
        "INSERT INTO refinery_schema_history SELECT {newer}, 'of_tomorrow', applied_on, '1' FROM refinery_schema_history LIMIT 1;
         PRAGMA user_version = {newer};"
    ));
    assert_refused(&database, "newer than this binary");
    let output = database.run(&["lead", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_text(&output).contains("newer than this binary"), "{}", stderr_text(&output));
}

#[test]
fn migrate_status_said_nothing_of_a_newer_database() {
    let database = Database::sample();
    let newer = newest() + 1;
    with_history(
        &database,
        &format!(
            "INSERT INTO refinery_schema_history SELECT {newer}, 'of_tomorrow', applied_on, '1' FROM refinery_schema_history LIMIT 1"
        ),
    );
    for json in [false, true] {
        let output = database.run(&["migrate", "status", "--json"][..if json { 3 } else { 2 }]);
        let listed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{listed}");
        assert!(
            stderr_text(&output).contains("newer than this binary"),
            "{}",
            stderr_text(&output)
        );
        let unknown = if json { "\"known\": false" } else { "unknown to this binary" };
        assert!(listed.contains("of_tomorrow") && listed.contains(unknown), "{listed}");
    }
}

#[test]
fn migrate_refuses_another_program_s_file_and_leaves_it_unchanged() {
    let database = Database::without_file();
    database.sqlite().execute_batch("CREATE TABLE notes (text TEXT)").expect("a table");
    assert_refused(&database, "another program");
    fs::write(database.path(), "dear diary ".repeat(1000)).expect("a file");
    assert_refused(&database, "not a SQLite database");
}

#[test]
fn migrate_during_a_running_server_is_refused() {
    let database = Database::sample();
    let mut server = ServeProcess::start(database.folder());
    let output = database.run(&["migrate"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(stderr_text(&output).lines().count(), 1, "{}", stderr_text(&output));
    server.terminate();
    assert!(database.run(&["migrate"]).status.success(), "and it may again afterwards");
}
