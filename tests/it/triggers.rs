//! What the database itself refuses, tried with the system's `sqlite3`: another program, another
//! version, without FASTCore's pragmas.

use std::process::Command;

use super::support::binary::sqlite3;
use super::support::database::Database;

/// Whether `sqlite3` is there. Without it a test says that it is skipped; on CI that is a failure.
fn has_sqlite3() -> bool {
    let there = Command::new("sqlite3").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "CI has no sqlite3");
        println!("skipped: sqlite3 is not installed");
    }
    there
}

/// Every state of the pragmas that change which triggers fire and what a delete takes with it.
const PRAGMAS: [&str; 4] = [
    "PRAGMA recursive_triggers = OFF; PRAGMA foreign_keys = OFF;",
    "PRAGMA recursive_triggers = OFF; PRAGMA foreign_keys = ON;",
    "PRAGMA recursive_triggers = ON; PRAGMA foreign_keys = OFF;",
    "PRAGMA recursive_triggers = ON; PRAGMA foreign_keys = ON;",
];

/// Columns of a new audit row; `3` is the row that is aimed at.
const AUDIT: &str = "INTO audit_log (seq, id, created_at_utc, event, hash)";
const NEW_AUDIT: &str = "'2026-01-01T00:00:00.000000Z', 'FORGED', printf('%064d', 0)";
/// Columns of a new lead.
const LEAD: &str = "INTO lead_inbox (audit_seq, id, request_id, created_at_utc, name, email, message, consent, source, ip_hash, salt)";
const NEW_LEAD: &str =
    "'2026-01-01T00:00:00.000000Z', 'Forged', 'f@example.com', 'forged', 0, 'x', 'x', zeroblob(16)";
/// An id that is free.
const FREE: &str = "printf('%036d', 7)";

fn forged_audit_rows() -> Vec<String> {
    let id = "(SELECT id FROM audit_log WHERE seq = 3)";
    let by_seq = format!("{AUDIT} VALUES (3, {FREE}, {NEW_AUDIT})");
    let by_text_seq = format!("{AUDIT} VALUES ('3', {FREE}, {NEW_AUDIT})");
    let by_real_seq = format!("{AUDIT} VALUES (3.0, {FREE}, {NEW_AUDIT})");
    let by_id = format!("{AUDIT} VALUES (NULL, {id}, {NEW_AUDIT})");
    let by_both = format!("{AUDIT} VALUES (4, {id}, {NEW_AUDIT})");
    let rowid = |alias: &str| {
        format!("{} VALUES (3, {FREE}, {NEW_AUDIT})", AUDIT.replacen("seq", alias, 1))
    };
    vec![
        "UPDATE audit_log SET actor = 'nobody'".into(),
        "UPDATE audit_log SET hash = hash".into(),
        "UPDATE audit_log SET seq = seq + 100 WHERE seq = 9".into(),
        "UPDATE audit_log SET rowid = 100 WHERE rowid = 9".into(),
        "UPDATE OR REPLACE audit_log SET seq = 3 WHERE seq = 4".into(),
        "UPDATE OR REPLACE audit_log SET id = (SELECT id FROM audit_log WHERE seq = 3) WHERE seq = 4".into(),
        "UPDATE OR IGNORE audit_log SET details_json = NULL WHERE _rowid_ = 3".into(),
        "UPDATE audit_log SET event = l.name FROM lead_inbox AS l WHERE l.audit_seq = seq".into(),
        "DELETE FROM audit_log".into(),
        "DELETE FROM audit_log WHERE 1".into(),
        "DELETE FROM audit_log WHERE oid = 9".into(),
        "DELETE FROM audit_log ORDER BY seq DESC LIMIT 1".into(),
        "WITH last AS (SELECT max(seq) AS seq FROM audit_log) DELETE FROM audit_log WHERE seq IN (SELECT seq FROM last)".into(),
        format!("INSERT {by_seq}"),
        format!("INSERT OR REPLACE {by_seq}"),
        format!("REPLACE {by_seq}"),
        format!("REPLACE {by_text_seq}"),
        format!("REPLACE {by_real_seq}"),
        format!("REPLACE {by_id}"),
        format!("REPLACE {by_both}"),
        format!("REPLACE {}", rowid("rowid")),
        format!("REPLACE {}", rowid("_rowid_")),
        format!("REPLACE {}", rowid("oid")),
        format!("REPLACE {AUDIT} SELECT seq, id, created_at_utc, 'FORGED', hash FROM audit_log"),
        format!("INSERT OR IGNORE {by_seq}"),
        format!("INSERT OR FAIL {by_id}"),
        format!("INSERT OR ROLLBACK {by_seq}"),
        format!("INSERT {by_seq} ON CONFLICT (seq) DO UPDATE SET event = 'FORGED'"),
        format!("INSERT {by_id} ON CONFLICT (id) DO UPDATE SET event = 'FORGED', seq = 99"),
        format!("INSERT {by_id} ON CONFLICT DO NOTHING"),
    ]
}

fn forged_leads() -> Vec<String> {
    let of = |column: &str| format!("(SELECT {column} FROM lead_inbox WHERE audit_seq = 3)");
    let by_seq = format!("{LEAD} VALUES (3, {FREE}, {FREE}, {NEW_LEAD})");
    let by_text_seq = format!("{LEAD} VALUES ('3', {FREE}, {FREE}, {NEW_LEAD})");
    let by_id = format!("{LEAD} VALUES (6, {}, {FREE}, {NEW_LEAD})", of("id"));
    let by_request = format!("{LEAD} VALUES (6, {FREE}, {}, {NEW_LEAD})", of("request_id"));
    let crossed = format!("{LEAD} VALUES (4, {}, {}, {NEW_LEAD})", of("id"), of("request_id"));
    let rowid = |alias: &str| {
        let columns = LEAD.replacen("audit_seq", alias, 1);
        format!("{columns} VALUES (3, {FREE}, {FREE}, {NEW_LEAD})")
    };
    vec![
        "UPDATE lead_inbox SET status = 'archived'".into(),
        "UPDATE lead_inbox SET salt = zeroblob(16) WHERE rowid = 3".into(),
        "UPDATE lead_inbox SET name = name".into(),
        "UPDATE lead_inbox SET audit_seq = 6 WHERE audit_seq = 3".into(),
        "UPDATE OR REPLACE lead_inbox SET audit_seq = 3 WHERE audit_seq = 4".into(),
        "UPDATE OR REPLACE lead_inbox SET request_id = (SELECT request_id FROM lead_inbox WHERE audit_seq = 3)".into(),
        "UPDATE OR IGNORE lead_inbox SET email = 'x@example.com' WHERE oid = 3".into(),
        "UPDATE lead_inbox SET name = a.event FROM audit_log AS a WHERE a.seq = audit_seq".into(),
        "DELETE FROM lead_inbox".into(),
        "DELETE FROM lead_inbox WHERE _rowid_ = 3".into(),
        "DELETE FROM lead_inbox LIMIT 1".into(),
        "DELETE FROM lead_inbox WHERE id IN (SELECT lead_id FROM audit_log WHERE event = 'LEAD_PROCESSED')".into(),
        format!("INSERT {by_seq}"),
        format!("INSERT OR REPLACE {by_seq}"),
        format!("REPLACE {by_seq}"),
        format!("REPLACE {by_text_seq}"),
        format!("INSERT OR REPLACE {by_id}"),
        format!("REPLACE {by_id}"),
        format!("INSERT OR REPLACE {by_request}"),
        format!("REPLACE {by_request}"),
        format!("REPLACE {crossed}"),
        format!("REPLACE {}", rowid("rowid")),
        format!("REPLACE {}", rowid("_rowid_")),
        format!("REPLACE {}", rowid("oid")),
        "REPLACE INTO lead_inbox SELECT * FROM lead_inbox".into(),
        "INSERT OR IGNORE INTO lead_inbox SELECT * FROM lead_inbox".into(),
        format!("INSERT OR IGNORE {by_request}"),
        format!("INSERT OR FAIL {by_id}"),
        format!("INSERT {by_seq} ON CONFLICT (audit_seq) DO UPDATE SET name = 'Forged'"),
        format!("INSERT {by_id} ON CONFLICT (id) DO UPDATE SET name = 'Forged'"),
        format!("INSERT {by_request} ON CONFLICT (request_id) DO UPDATE SET name = 'Forged', audit_seq = 8"),
        format!("INSERT {by_request} ON CONFLICT DO NOTHING"),
    ]
}

/// Statements with a new row before the one that aims at a row that is there.
fn forged_behind_a_new_row() -> [String; 4] {
    [
        format!(
            "REPLACE {AUDIT} VALUES (NULL, printf('%036d', 8), {NEW_AUDIT}), (3, {FREE}, {NEW_AUDIT})"
        ),
        format!("REPLACE {AUDIT} VALUES (NULL, {FREE}, {NEW_AUDIT}), (NULL, {FREE}, {NEW_AUDIT})"),
        format!(
            "REPLACE {LEAD} VALUES (6, {FREE}, {FREE}, {NEW_LEAD}), (3, printf('%036d', 8), printf('%036d', 8), {NEW_LEAD})"
        ),
        format!(
            "REPLACE {LEAD} VALUES (6, {FREE}, {FREE}, {NEW_LEAD}), (7, {FREE}, printf('%036d', 8), {NEW_LEAD})"
        ),
    ]
}

#[test]
fn no_sql_of_another_program_updates_or_deletes_a_row() {
    if !has_sqlite3() {
        return;
    }
    let database = Database::sample();
    let before = database.dump();
    let has_limit = sqlite3(&database.path(), "PRAGMA compile_options").expect("options");
    let has_limit = has_limit.contains("ENABLE_UPDATE_DELETE_LIMIT");
    let statements = [forged_audit_rows(), forged_leads()].concat();
    assert!(statements.len() >= 40, "{}", statements.len());
    for statement in &statements {
        for pragmas in PRAGMAS {
            let refusal = sqlite3(&database.path(), &format!("{pragmas} {statement};"));
            let Err(said) = refusal else { panic!("it was not refused: {pragmas} {statement}") };
            // Refused by a trigger, not for a mistake in the statement; the one exception is a
            // sqlite3 that was compiled without UPDATE and DELETE ... LIMIT.
            let reasons: &[&str] = match !has_limit && statement.contains("LIMIT") {
                true => &["syntax error"],
                false => {
                    &["append-only", "never change", "never replaces", "only deleted by an erasure"]
                }
            };
            assert!(reasons.iter().any(|reason| said.contains(reason)), "{statement}: {said}");
        }
        // Compared after all four: what one of them changed stays changed.
        assert!(database.dump() == before, "it changed something: {statement}");
    }
    database.succeed(&["audit", "verify"]);
}

#[test]
fn a_refused_statement_after_an_insert_keeps_every_existing_row() {
    if !has_sqlite3() {
        return;
    }
    for statement in forged_behind_a_new_row() {
        for pragmas in PRAGMAS {
            let database = Database::sample();
            let rows = || {
                let there = "SELECT group_concat(quote(id) || quote(hash)) FROM audit_log WHERE seq <= 9
                             UNION ALL
                             SELECT group_concat(quote(id) || quote(request_id) || quote(name)) FROM lead_inbox WHERE audit_seq < 6";
                sqlite3(&database.path(), there).expect("rows")
            };
            let before = rows();
            let said = sqlite3(&database.path(), &format!("{pragmas} {statement};"));
            let said = said.expect_err("it was not refused");
            assert!(said.contains("is there already"), "{statement}: {said}");
            assert_eq!(rows(), before, "{statement}");
        }
    }
}

#[test]
fn an_aborted_transaction_leaves_nothing() {
    if !has_sqlite3() {
        return;
    }
    let database = Database::sample();
    let before = database.dump();
    let sql = format!(
        "BEGIN; INSERT {AUDIT} VALUES (NULL, {FREE}, {NEW_AUDIT}); DELETE FROM audit_log WHERE seq = 9; COMMIT;"
    );
    sqlite3(&database.path(), &sql).expect_err("the delete is refused");
    assert_eq!(database.dump(), before);
}

#[test]
fn a_lead_may_be_deleted_only_after_its_erasure_row() {
    if !has_sqlite3() {
        return;
    }
    for pragmas in PRAGMAS {
        let database = Database::sample();
        let erased = "INSERT INTO audit_log (id, created_at_utc, event, lead_id, hash) SELECT printf('%036d', 7), created_at_utc, 'LEAD_ERASED', lead_id, hash FROM audit_log WHERE seq = 2;";
        let try_it = |sql: &str| sqlite3(&database.path(), &format!("{pragmas} {sql}"));
        try_it("DELETE FROM lead_inbox WHERE audit_seq = 2;").expect_err("no row records it yet");
        try_it(erased).expect("a new row");
        try_it("DELETE FROM lead_inbox WHERE audit_seq IN (2, 3);").expect_err("3 is not erased");
        try_it("DELETE FROM lead_inbox;").expect_err("the others are not erased");
        assert_eq!(database.one("SELECT count(*) FROM lead_inbox"), "5");
        try_it("DELETE FROM lead_inbox WHERE audit_seq = 2;").expect("it may go now");
        let left = try_it("SELECT group_concat(audit_seq) FROM lead_inbox;").expect("rows");
        assert_eq!(left, "1,3,4,5", "{pragmas}");
    }
}

/// A whole lead; each of [`BAD_LEADS`] changes one value of it.
const GOOD_LEAD: [(&str, &str); 14] = [
    ("audit_seq", "6"),
    ("id", FREE),
    ("created_at_utc", "'2026-01-01T00:00:00.000000Z'"),
    ("name", "'Jean'"),
    ("email", "'jean@example.com'"),
    ("phone", "NULL"),
    ("company", "NULL"),
    ("service", "'autre'"),
    ("message", "'Bonjour'"),
    ("consent", "1"),
    ("source", "'site'"),
    ("request_id", FREE),
    ("ip_hash", "'abc'"),
    ("salt", "zeroblob(16)"),
];

const BAD_LEADS: [(&str, &str); 29] = [
    ("audit_seq", "'six'"),
    ("audit_seq", "6.5"),
    ("id", "'short'"),
    ("id", "NULL"),
    ("created_at_utc", "'2026-01-01'"),
    ("created_at_utc", "'2026-01-01T00:00:00.000000X'"),
    ("name", "''"),
    ("name", "NULL"),
    ("name", "x'4a65616e'"),
    ("name", "printf('%081d', 0)"),
    ("email", "printf('%0121d', 0)"),
    ("phone", "printf('%031d', 0)"),
    ("phone", "''"),
    ("company", "printf('%0121d', 0)"),
    ("service", "'piscines'"),
    ("service", "''"),
    ("message", "printf('%02001d', 0)"),
    ("message", "''"),
    ("consent", "2"),
    ("consent", "-1"),
    ("consent", "'yes'"),
    ("consent", "NULL"),
    ("source", "printf('%051d', 0)"),
    ("request_id", "'42'"),
    ("ip_hash", "printf('%0129d', 0)"),
    ("meta_json", "'{'"),
    ("status", "'done'"),
    ("salt", "zeroblob(15)"),
    ("salt", "'sixteen letters!'"),
];

const GOOD_AUDIT: [(&str, &str); 5] = [
    ("seq", "10"),
    ("id", FREE),
    ("created_at_utc", "'2026-01-01T00:00:00.000000Z'"),
    ("event", "'X'"),
    ("hash", "printf('%064d', 0)"),
];

const BAD_AUDIT: [(&str, &str); 12] = [
    ("seq", "0"),
    ("seq", "-1"),
    ("seq", "'ten'"),
    ("id", "'short'"),
    ("created_at_utc", "'now'"),
    ("event", "''"),
    ("event", "x'00'"),
    ("lead_id", "'1'"),
    ("request_id", "'1'"),
    ("status_code", "'created'"),
    ("details_json", "'{\"a\":'"),
    ("hash", "'abc'"),
];

/// Columns and their values, as SQL.
type Cells<'a> = &'a [(&'a str, &'a str)];

/// A row in which `change` replaces one value.
fn insert(table: &str, good: Cells<'_>, change: Option<(&str, &str)>) -> String {
    let mut row: Vec<(&str, &str)> = good.to_vec();
    if let Some((column, value)) = change {
        row.retain(|(c, _)| *c != column);
        row.push((column, value));
    }
    let (columns, values): (Vec<&str>, Vec<&str>) = row.into_iter().unzip();
    format!("INSERT INTO {table} ({}) VALUES ({});", columns.join(", "), values.join(", "))
}

#[test]
fn column_constraints_refuse_invalid_values() {
    if !has_sqlite3() {
        return;
    }
    let database = Database::sample();
    let tables: [(&str, Cells<'_>, Cells<'_>); 2] =
        [("lead_inbox", &GOOD_LEAD, &BAD_LEADS), ("audit_log", &GOOD_AUDIT, &BAD_AUDIT)];
    let before = database.dump();
    for (table, good, bad) in tables {
        for (column, value) in bad {
            let sql = insert(table, good, Some((column, value)));
            let said = sqlite3(&database.path(), &sql).expect_err(&sql);
            let why =
                ["CHECK constraint", "NOT NULL constraint", "cannot store", "datatype mismatch"];
            assert!(why.iter().any(|w| said.contains(w)), "{sql}: {said}");
        }
        assert_eq!(database.dump(), before);
        // The same row without the fault is taken: it was the fault that was refused.
        let sql = format!("BEGIN; {} ROLLBACK;", insert(table, good, None));
        sqlite3(&database.path(), &sql).expect(&sql);
    }
}

#[test]
fn the_sample_queries_run_unchanged() {
    if !has_sqlite3() {
        return;
    }
    let database = Database::sample();
    let query =
        "SELECT id, email, service, created_at_utc FROM lead_inbox ORDER BY created_at_utc DESC;";
    let leads = sqlite3(&database.path(), query).expect(query);
    assert_eq!(leads.lines().count(), 5);
    let newest = format!("{}|jean@example.com|compresseurs|2", database.lead_id(5));
    assert!(leads.starts_with(&newest), "{leads}");
    let query = "SELECT event, actor, status_code, created_at_utc FROM audit_log ORDER BY created_at_utc DESC;";
    let events = sqlite3(&database.path(), query).expect(query);
    assert_eq!(events.lines().count(), 9);
    assert!(events.starts_with("LEAD_PROCESSED|cli:"), "{events}");
    assert!(events.contains("\nLEAD_RECEIVED|site_ingest|201|2"), "{events}");
}

#[test]
fn the_file_stays_in_wal_mode_for_every_program() {
    if !has_sqlite3() {
        return;
    }
    let database = Database::sample();
    let pragma = |name: &str| sqlite3(&database.path(), &format!("PRAGMA {name}")).expect(name);
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("application_id"), i32::from_be_bytes(*b"FCRE").to_string());
    assert_eq!(pragma("integrity_check"), "ok");
    assert_eq!(pragma("foreign_key_check"), "");
}
