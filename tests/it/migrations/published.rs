//! Published migrations never change, and a database that a published binary made at any schema is migrated
//! with everything that is in it.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{at_schema, copies, files, fixture, newest, root, stderr_text};
use crate::support::database::Database;
use crate::support::sql::{self, hex};
use crate::support::{admin, reference_hashes};

const LIST: &str = "tests/data/migrations.sha256";

/// A list as `sha256sum` writes it: the hash of each file.
fn listed(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| line.split_once("  ").map(|(hash, file)| (file.into(), hash.into()));
    text.lines().map(|line| pair(line).unwrap_or_else(|| panic!("{LIST}: {line}"))).collect()
}

/// What is wrong with the migration files, and what to do about it.
fn faults(list: &BTreeMap<String, String>, files: &BTreeMap<String, String>) -> Vec<String> {
    let changed = list.iter().filter_map(|(file, published)| match files.get(file) {
        Some(now) if now == published => None,
        Some(_) => Some(format!(
            "{file} is published and was edited: databases remember its checksum, and would be refused. Undo the \
             edit (git checkout), and make the change in a new migration"
        )),
        None => Some(format!("{file} is published and is gone: bring it back (git checkout)")),
    });
    let new = files.iter().filter(|(file, _)| !list.contains_key(*file)).map(|(file, now)| {
        format!(
            "{file} is new: once it is final, append this line to {LIST}, and make its database with `cargo test \
             --test it migrations::published::write_the_database_of_the_newest_schema -- --ignored`\n{now}  {file}"
        )
    });
    changed.chain(new).collect()
}

fn hashes() -> BTreeMap<String, String> {
    let hash = |(number, (what, text)): (u32, (String, String))| {
        (format!("migrations/V{number}__{what}.sql"), hex(&Sha256::digest(text)))
    };
    files().into_iter().map(hash).collect()
}

#[test]
fn published_migrations_are_never_edited() {
    let list = listed(&fs::read_to_string(root().join(LIST)).expect(LIST));
    let faults = faults(&list, &hashes());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_edited_a_removed_and_a_new_migration_are_named() {
    let list = hashes();
    let mut files = list.clone();
    files.insert("migrations/V2__lead_inbox.sql".into(), hex(&Sha256::digest("edited")));
    files.remove("migrations/V3__lead_status.sql");
    files.insert("migrations/V99__of_tomorrow.sql".into(), hex(&Sha256::digest("new")));
    let faults = faults(&list, &files);
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("migrations/V2__lead_inbox.sql is published and was edited"));
    assert!(faults[1].starts_with("migrations/V3__lead_status.sql is published and is gone"));
    let line = format!("{}  migrations/V99__of_tomorrow.sql", hex(&Sha256::digest("new")));
    assert!(faults[2].ends_with(&line), "{}", faults[2]);
}

#[test]
fn each_published_schema_has_a_database() {
    for version in 1..=newest() {
        assert!(
            fixture(version).is_file(),
            "{} is missing: `cargo test --test it \
             migrations::published::write_the_database_of_the_newest_schema -- --ignored` makes that of the \
             newest schema",
            fixture(version).display()
        );
        let database = at_schema(version);
        assert_eq!(database.one("PRAGMA user_version"), version.to_string());
        assert_eq!(database.one("PRAGMA integrity_check"), "ok");
    }
}

/// The columns of a table, and its rows.
type Table = (String, Vec<Vec<Option<String>>>);

/// All tables but those of the search index and of the migrations.
fn content(database: &Database) -> BTreeMap<String, Table> {
    let conn = database.sqlite();
    let tables = "SELECT name, (SELECT group_concat(name) FROM pragma_table_info(t.name)) FROM sqlite_schema AS t
                  WHERE type = 'table' AND name NOT LIKE 'lead_search%' AND name NOT GLOB 'refinery*'
                  AND name NOT GLOB 'sqlite*'";
    let rows_of = |table: Vec<Option<String>>| {
        let [name, columns] = [0, 1].map(|i| table[i].clone().expect("text"));
        let rows = sql::rows(&conn, &format!("SELECT {columns} FROM {name} ORDER BY rowid"));
        (name, (columns, rows))
    };
    sql::rows(&conn, tables).into_iter().map(rows_of).collect()
}

/// The id and status of each lead that a search finds.
fn found(database: &Database, query: &str) -> Vec<(String, String)> {
    let listed = database.succeed(&["lead", "list", "--query", query, "--json"]);
    let leads: Vec<Value> = serde_json::from_str(&listed).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    leads.iter().map(|lead| (text(&lead["id"]), text(&lead["status"]))).collect()
}

#[test]
fn a_database_of_each_published_schema_keeps_everything() {
    for version in 1..=newest() {
        let database = at_schema(version);
        let before = content(&database);
        let chain = reference_hashes::chain(&database.sqlite());
        let output = database.run(&["migrate"]);
        assert!(output.status.success(), "V{version}: {}", stderr_text(&output));
        database.succeed(&["audit", "verify"]);
        assert_eq!(
            reference_hashes::chain(&database.sqlite())[..chain.len()],
            chain,
            "V{version}: the hash chain"
        );
        let conn = database.sqlite();
        for (table, (columns, rows)) in &before {
            // Renamed since: `renamed_tables_keep_their_rows`.
            if ["writer_proof", "lead_search_place"].contains(&table.as_str()) {
                continue;
            }
            let now = sql::rows(&conn, &format!("SELECT {columns} FROM {table} ORDER BY rowid"));
            let kept = now.get(..rows.len()).unwrap_or(&now);
            assert_eq!(kept, rows, "V{version}: {table}");
            let added = if table == "audit_log" && version < newest() { 1 } else { 0 };
            assert_eq!(now.len() - rows.len(), added, "V{version}: {table}");
        }
        assert_eq!(copies(database.folder()).len(), usize::from(version < newest()));
        let Some((_, leads)) = before.get("lead_inbox") else { continue };
        let status = |id: &str| {
            let last = "SELECT details_json ->> 'to' FROM audit_log WHERE event = 'LEAD_PROCESSED'";
            let rows = sql::rows(&conn, &format!("{last} AND lead_id = '{id}' ORDER BY seq DESC"));
            rows.first().and_then(|row| row[0].clone()).unwrap_or_else(|| "received".to_owned())
        };
        assert!(!leads.is_empty());
        for lead in sql::rows(&conn, "SELECT id, email FROM lead_inbox") {
            let [id, email] = [0, 1].map(|i| lead[i].clone().expect("text"));
            assert!(
                found(&database, &email).contains(&(id.clone(), status(&id))),
                "V{version}: {id}"
            );
        }
    }
}

#[test]
fn a_backup_of_each_published_schema_can_be_restored() {
    // From the first schema with all tables that `audit verify` reads.
    for version in 3..=newest() {
        let (backup, database) = (at_schema(version), Database::without_file());
        let file = backup.path();
        let file = file.to_str().expect("UTF-8");
        database.succeed(&["restore", "--no-checksum", file]);
        database.succeed(&["audit", "verify"]);
        assert_eq!(database.one("PRAGMA user_version"), newest().to_string(), "V{version}");
        let rows = "SELECT group_concat(seq || hash) FROM audit_log";
        assert!(database.one(rows).starts_with(&backup.one(rows)), "V{version}");
    }
}

/// Writes the database of the newest schema with rows in every table, as this binary makes them; one that is
/// there stays.
#[test]
#[ignore = "writes a file that is committed"]
fn write_the_database_of_the_newest_schema() {
    let target = fixture(newest());
    assert!(!target.exists(), "{} is there", target.display());
    let database = Database::sample();
    let erased = database.lead_id(5);
    database.succeed(&["gdpr", "erase", "--lead", &erased, "--reason", "request", "--yes"]);
    admin::add_account_with_totp(database.folder(), "marie");
    admin::add_account(database.folder(), "jean");
    database.succeed(&["staff", "invite", "paul"]);
    let mut server = crate::support::binary::ServeProcess::start(database.folder());
    let mut browser = admin::Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    browser.read(&format!("/admin/api/leads/{}", database.lead_id(3)));
    // The search index catches up.
    std::thread::sleep(std::time::Duration::from_secs(2));
    server.terminate();
    let conn = database.sqlite();
    conn.execute_batch(
        "INSERT INTO notice_channel (name, followed_seq, noticed_at_utc)
             VALUES ('mail-5b3f9a01', 10, '2026-02-01T10:00:00.000000Z');
         INSERT INTO notice (id, channel, subject, after_seq, through_seq, leads, message_json, created_at_utc, state,
                             attempts, next_try_at_utc)
             VALUES ('019c1a00-0000-7000-8000-000000000001', 'mail-5b3f9a01', 'leads', 2, 5, 1, NULL,
                 '2026-02-01T10:00:00.000000Z', 'sent', 1, '2026-02-01T10:00:01.000000Z'),
             ('019c1a00-0000-7000-8000-000000000002', 'mail-5b3f9a01', 'alert', 0, 0, 0,
                 '{\"kind\":\"disk_low\",\"phase\":\"began\",\"began_at_utc\":\"2026-02-01T10:00:00.000000Z\",\"detail\":\"\"}',
                 '2026-02-01T10:00:00.000000Z', 'sent', 1, '2026-02-01T10:00:01.000000Z');
         INSERT INTO alert (kind, began_at_utc, told_at_utc, detail)
             VALUES ('disk_low', '2026-02-01T10:00:00.000000Z', '2026-02-01T10:00:00.000000Z', '');
         INSERT INTO digest (only_row, day, made_at_utc, through_seq)
             VALUES (1, '2026-02-02', '2026-02-02T06:30:00.000000Z', 9);",
    )
    .expect("notices");
    for table in content(&database).into_keys() {
        let count = sql::rows(&conn, &format!("SELECT count(*) FROM {table}"));
        assert_ne!(
            count[0][0].as_deref(),
            Some("0"),
            "{table} has no row to try the next migration on"
        );
    }
    conn.execute_batch("PRAGMA journal_mode = DELETE; VACUUM; PRAGMA journal_mode = WAL")
        .expect("one file");
    drop(conn);
    fs::copy(database.path(), &target).expect("a copy");
}
