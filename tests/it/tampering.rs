//! Changes made to the database file directly: `audit verify` finds and names each of them.

use rusqlite::Connection;

use super::support::binary::ServeProcess;
use super::support::database::Database;
use super::support::http::{once, post_lead};
use super::support::redact::redact;
use super::support::{lead, reference_hashes};

/// The exit status of `audit verify` and its output.
pub(crate) fn verify(database: &Database, receipts: &[&str]) -> (Option<i32>, String) {
    let mut arguments = vec!["audit", "verify"];
    receipts.iter().for_each(|r| arguments.extend(["--receipt", r]));
    let output = database.run(&arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &said)
}

/// Asserts that `audit verify` fails and names what is wrong.
pub(crate) fn assert_names(database: &Database, what: &str, name: &str) {
    let (status, text) = verify(database, &[]);
    assert_eq!(status, Some(4), "{what}: {text}");
    assert!(text.contains(name), "{what}: {name:?} is not in {text}");
}

fn assert_valid(database: &Database, what: &str) {
    let (status, text) = verify(database, &[]);
    assert_eq!(status, Some(0), "{what}: {text}");
}

/// What `audit verify` reports after each change of a database by SQL, as text for a snapshot. It
/// must exit with 4 each time.
pub(crate) fn findings_after(changes: &[&str], apply: fn(&Database, &str)) -> String {
    let report = |sql: &&str| {
        let database = Database::sample();
        let ids: Vec<String> = (1..=5).map(|place| database.lead_id(place)).collect();
        apply(&database, sql);
        let (status, mut text) = verify(&database, &[]);
        assert_eq!(status, Some(4), "{sql}: {text}");
        for (place, id) in (1..).zip(ids) {
            text = text.replace(&id, &format!("<lead {place}>"));
        }
        let sql: Vec<&str> = sql.split_whitespace().collect();
        let findings = text.lines().filter_map(|line| line.strip_prefix("INVALID  "));
        let findings: Vec<String> = findings.map(|line| format!("    {line}\n")).collect();
        assert!(!findings.is_empty(), "{text}");
        format!("{}\n{}", sql.join(" "), redact(&findings.concat()))
    };
    changes.iter().map(report).collect()
}

#[test]
fn an_update_that_changes_no_value_is_valid() {
    let database = Database::sample();
    database.tamper_sql("UPDATE audit_log SET actor = actor; UPDATE lead_inbox SET name = name;");
    assert_valid(&database, "nothing");
}

#[test]
fn an_edit_of_any_audit_column_is_named() {
    let changes: [&str; _] = [
        "UPDATE audit_log SET seq = 77 WHERE seq = 3",
        "UPDATE audit_log SET id = printf('%036d', 0) WHERE seq = 3",
        "UPDATE audit_log SET created_at_utc = '2020-01-01T00:00:00.000000Z' WHERE seq = 3",
        "UPDATE audit_log SET event = 'LEAD_RECEIVED2' WHERE seq = 3",
        "UPDATE audit_log SET actor = 'cli:root' WHERE seq = 3",
        "UPDATE audit_log SET actor = NULL WHERE seq = 3",
        "UPDATE audit_log SET lead_id = printf('%036d', 0) WHERE seq = 3",
        "UPDATE audit_log SET lead_id = NULL WHERE seq = 3",
        "UPDATE audit_log SET request_id = printf('%036d', 0) WHERE seq = 3",
        "UPDATE audit_log SET status_code = 200 WHERE seq = 3",
        "UPDATE audit_log SET status_code = NULL WHERE seq = 3",
        "UPDATE audit_log SET details_json = details_json || ' ' WHERE seq = 3",
        "UPDATE audit_log SET details_json = NULL WHERE seq = 3",
        "UPDATE audit_log SET details_json = '{' WHERE seq = 3",
        "UPDATE audit_log SET hash = printf('%064d', 0) WHERE seq = 3",
        "UPDATE audit_log SET hash = upper(hash) WHERE seq = 3",
        "UPDATE audit_log SET hash = '' WHERE seq = 3",
        "UPDATE audit_log SET actor = 'cli:x' WHERE seq = 1",
        "UPDATE audit_log SET actor = 'cli:x' WHERE seq = 9",
        // A character moves from one column to the next.
        "UPDATE audit_log SET event = 'LEAD_PROCESSE', actor = 'D' || actor WHERE seq = 9",
    ];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn an_edit_of_any_lead_column_is_named() {
    let changes: [&str; _] = [
        "UPDATE lead_inbox SET id = printf('%036d', 0) WHERE audit_seq = 3",
        "UPDATE lead_inbox SET created_at_utc = '2020-01-01T00:00:00.000000Z' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET name = 'Zoe Lefèvre-Œuvrard' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET email = 'other@example.com' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET phone = '+33612345679' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET phone = NULL WHERE audit_seq = 3",
        "UPDATE lead_inbox SET company = 'Other' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET company = '' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET service = 'autre' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET message = message || ' ' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET consent = 0 WHERE audit_seq = 3",
        "UPDATE lead_inbox SET consent = 2 WHERE audit_seq = 3",
        "UPDATE lead_inbox SET source = 'elsewhere' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET request_id = printf('%036d', 0) WHERE audit_seq = 3",
        "UPDATE lead_inbox SET ip_hash = 'another' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET meta_json = '{}' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET meta_json = NULL WHERE audit_seq = 3",
        "UPDATE lead_inbox SET status = 'archived' WHERE audit_seq = 3",
        "UPDATE lead_inbox SET salt = zeroblob(16) WHERE audit_seq = 3",
        "UPDATE lead_inbox SET salt = zeroblob(0) WHERE audit_seq = 3",
        "UPDATE lead_inbox SET audit_seq = 77 WHERE audit_seq = 3",
        // A value appears in an empty column; two neighbouring columns swap their values.
        "UPDATE lead_inbox SET phone = '1' WHERE audit_seq = 2",
        "UPDATE lead_inbox SET phone = company, company = phone WHERE audit_seq = 3",
    ];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn swapped_leads_are_named() {
    let changes = ["UPDATE lead_inbox SET audit_seq = 99 WHERE audit_seq = 2;
         UPDATE lead_inbox SET audit_seq = 2 WHERE audit_seq = 3;
         UPDATE lead_inbox SET audit_seq = 3 WHERE audit_seq = 99;"];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn a_status_without_an_audit_row_is_named() {
    let changes: [&str; _] = [
        "UPDATE lead_status SET status = 'archived'",
        "DELETE FROM lead_status",
        "INSERT INTO lead_status VALUES (3, 'archived')",
    ];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn a_view_that_differs_from_the_audit_log_is_named() {
    let changes: [&str; _] = [
        "INSERT INTO lead_view VALUES (3, 'staff:jean', '2026-01-05T08:00:00.000000Z', 'staff:jean', '2026-01-05T08:00:00.000000Z')",
    ];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn a_refused_submission_that_was_altered_is_named() {
    let changes: [&str; _] = [
        "UPDATE refused_body SET body = CAST(replace(body, 'nobody', 'anyone') AS BLOB)",
        "DELETE FROM refused_body",
        "UPDATE refused_submission SET media_type = 'text/plain'",
        "UPDATE refused_submission SET received_at_utc = '2026-01-05T08:00:00.000000Z'",
        "UPDATE refused_submission SET request_id = NULL",
        "UPDATE refused_submission SET lead_id = '019b8a20-0000-7000-8000-000000000009', settled_at_utc = received_at_utc",
        "UPDATE refused_total SET kept_rows = 0",
    ];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn missing_rows_are_named() {
    let changes: [&str; _] = [
        "DELETE FROM audit_log WHERE seq = 1",
        "DELETE FROM audit_log WHERE seq IN (1, 2)",
        "DELETE FROM audit_log WHERE seq = 7",
        "DELETE FROM audit_log WHERE seq IN (6, 7, 8)",
        "DELETE FROM audit_log WHERE seq = 3",
        "DELETE FROM lead_inbox WHERE audit_seq = 3",
        "DELETE FROM lead_inbox WHERE audit_seq > 2",
    ];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn a_removed_row_is_detected_after_renumbering() {
    let changes: [&str; _] =
        ["DELETE FROM audit_log WHERE seq = 6; UPDATE audit_log SET seq = seq - 1 WHERE seq > 6;
         UPDATE sqlite_sequence SET seq = 8 WHERE name = 'audit_log';"];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn swapped_audit_rows_are_named() {
    let changes: [&str; _] =
        ["UPDATE audit_log SET seq = 99 WHERE seq = 6; UPDATE audit_log SET seq = 6 WHERE seq = 7;
         UPDATE audit_log SET seq = 7 WHERE seq = 99;"];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn inserted_rows_are_named() {
    const ROW: &str = "id, created_at_utc, event, hash) SELECT printf('%036d', 7), created_at_utc, 'STAFF_ADDED', hash FROM audit_log WHERE seq = 9";
    let changes: [&str; _] = [
        &format!("INSERT INTO audit_log ({ROW}"),
        &format!("INSERT INTO audit_log (seq, {}", ROW.replace("SELECT", "SELECT 50,")),
        &format!(
            "UPDATE audit_log SET seq = 100 + seq WHERE seq > 5; INSERT INTO audit_log (seq, {};
                 UPDATE audit_log SET seq = seq - 99 WHERE seq > 100;",
            ROW.replace("SELECT", "SELECT 6,").replace("seq = 9", "seq = 109")
        ),
    ];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn a_lead_that_exists_after_its_erasure_is_named() {
    let database = Database::sample();
    let id = database.lead_id(1);
    database.tamper(|conn| {
        conn.execute(
            "INSERT INTO audit_log SELECT seq + 1, substr(id, 1, 35) || 'x', created_at_utc, 'LEAD_ERASED', \
             'cli:test', ?1, NULL, NULL, NULL, hash FROM audit_log ORDER BY seq DESC LIMIT 1",
            [&id],
        )
        .expect("a row");
        rewrite_chain(conn);
    });
    assert_names(&database, "a lead put back", &format!("lead {id} is stored"));
}

#[test]
fn a_lead_without_an_audit_row_is_named() {
    for place in ["6", "10", "1000", "-5", "9223372036854775807"] {
        let database = Database::sample();
        database.tamper_sql(&format!(
            "INSERT INTO lead_inbox SELECT printf('%036d', 7), created_at_utc, name, email, phone, company,
             service, message, consent, source, printf('%036d', 7), ip_hash, meta_json, status, salt, {place}
             FROM lead_inbox WHERE audit_seq = 3"
        ));
        let name = format!("lead {:036}: audit row {place} does not record its arrival", 7);
        assert_names(&database, place, &name);
    }
}

/// Deletes every audit row from `from` on, with its leads and refused submissions.
fn cut_tail(conn: &Connection, from: i64) {
    let sql = format!(
        "DELETE FROM lead_status WHERE audit_seq IN (SELECT audit_seq FROM lead_inbox JOIN audit_log ON lead_id = lead_inbox.id WHERE seq >= {from} AND event = 'LEAD_PROCESSED');
         DELETE FROM lead_inbox WHERE audit_seq >= {from}; DELETE FROM audit_log WHERE seq >= {from};
         DELETE FROM refused_body WHERE audit_seq >= {from}; DELETE FROM refused_submission WHERE audit_seq >= {from};
         UPDATE refused_total SET kept_rows = (SELECT count(*) FROM refused_submission),
                                  kept_bytes = (SELECT coalesce(sum(size), 0) FROM refused_submission);"
    );
    conn.execute_batch(&sql).expect("a cut");
}

#[test]
fn a_truncated_log_is_detected_by_sqlite_sequence() {
    for from in [9, 4, 1] {
        let database = Database::sample();
        database.tamper(|conn| cut_tail(conn, from));
        let last = from - 1;
        let name = format!("the audit log ends at row {last}, and SQLite's own counter says 9");
        assert_names(&database, "cut", &name);
    }
}

#[test]
fn a_truncated_log_with_a_reset_counter_is_detected_only_by_a_receipt() {
    let database = Database::sample();
    database.tamper(|conn| {
        cut_tail(conn, 4);
        let counter = "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit_log'";
        conn.execute_batch(counter).expect("a counter");
    });
    assert_valid(&database, "nothing in the file shows it");
    let (status, text) = verify(&database, &[&database.receipts[2]]);
    assert_eq!(status, Some(0), "the remaining rows verify: {text}");
    let (status, text) = verify(&database, &[&database.receipts[2], &database.receipts[4]]);
    assert_eq!(status, Some(4), "{text}");
    let name = format!("ends at row 3, before the receipt {}", database.receipts[4]);
    assert!(text.contains(&name), "{text}");
}

#[test]
fn an_altered_sqlite_sequence_is_named() {
    let changes: [&str; _] = [
        "UPDATE sqlite_sequence SET seq = 12",
        "UPDATE sqlite_sequence SET seq = 2",
        "DELETE FROM sqlite_sequence",
    ];
    insta::assert_snapshot!(findings_after(&changes, Database::tamper_sql));
}

#[test]
fn leads_appended_to_a_truncated_log_leave_a_visible_gap() {
    let database = Database::sample();
    database.tamper(|conn| cut_tail(conn, 4));
    let mut server = ServeProcess::start(database.folder());
    let answer = post_lead(server.address, &lead());
    assert_eq!(answer.status, 201, "the site is served all the same");
    server.terminate();
    assert!(answer.json()["receipt"].as_str().expect("a receipt").starts_with("10:"));
    assert_names(&database, "cut", "audit rows 4 to 9 are missing");
}

/// Recomputes every hash, as an attacker who knows the algorithm would.
pub(crate) fn rewrite_chain(conn: &Connection) {
    for (seq, hash) in reference_hashes::chain(conn) {
        let sql = "UPDATE audit_log SET hash = ?1 WHERE seq = ?2";
        conn.execute(sql, rusqlite::params![hash, seq]).expect("a hash");
    }
}

#[test]
fn a_fully_rewritten_chain_is_detected_only_by_a_receipt() {
    let database = Database::sample();
    database.tamper(|conn| {
        conn.execute_batch("UPDATE lead_inbox SET name = 'Nobody' WHERE audit_seq = 3")
            .expect("a name");
        for (id, digest) in reference_hashes::digests(conn) {
            let sql =
                "UPDATE audit_log SET details_json = json_set(details_json, '$.lead_digest', ?1)
                       WHERE lead_id = ?2 AND event = 'LEAD_RECEIVED'";
            conn.execute(sql, [digest, id]).expect("a digest");
        }
        rewrite_chain(conn);
    });
    assert_valid(&database, "nothing in the file shows it");
    let (status, text) = verify(&database, &[&database.receipts[1]]);
    assert_eq!(status, Some(0), "rows 1 and 2 are unchanged: {text}");
    for receipt in [&database.receipts[2], &database.receipts[4]] {
        let (status, text) = verify(&database, &[receipt]);
        assert_eq!(status, Some(4), "{text}");
        assert!(text.contains(&format!("does not match the receipt {receipt}")), "{text}");
    }
}

/// Nothing may be appended to a row that does not follow from the one before: the damage would be covered.
#[test]
fn a_damaged_last_audit_row_was_continued() {
    let damages = [
        ("UPDATE audit_log SET hash = 'x' || substr(hash, 2) WHERE seq = 9", true),
        (
            "UPDATE audit_log SET hash = (SELECT hash FROM audit_log WHERE seq = 1) WHERE seq = 9",
            false,
        ),
        ("UPDATE audit_log SET actor = 'somebody' WHERE seq = 9", false),
    ];
    for (damage, is_illegible) in damages {
        let database = Database::sample();
        let outside = database.sqlite();
        outside.execute_batch("DROP TRIGGER audit_log_refuses_update").expect("a trigger");
        outside.execute_batch(damage).expect(damage);
        drop(outside);
        let mut server = ServeProcess::start(database.folder());
        let health = once(server.address, "GET", "/health", &[], b"");
        assert_eq!(health.status, 503, "{damage}");
        let answer = post_lead(server.address, &lead());
        answer.assert_error(503, "unavailable");
        for text in [health.body, answer.body] {
            assert!(text.contains("fastcore audit verify"), "{damage}: {text}");
        }
        server.terminate();
        assert_eq!(database.one("SELECT count(*) FROM audit_log"), "9", "{damage}");
        let id = database.one("SELECT id FROM lead_inbox WHERE audit_seq = 1");
        let status = database.run(&["lead", "set-status", &id, "resolved"]).status;
        assert_eq!(status.code(), Some(4), "{damage}");
        let head = database.run(&["audit", "head"]).status;
        assert_eq!(head.code(), Some(if is_illegible { 4 } else { 0 }), "{damage}");
    }
}

#[test]
fn an_invalid_log_is_reported_as_text_and_json() {
    let database = Database::sample();
    database.tamper_sql("UPDATE audit_log SET actor = 'x' WHERE seq IN (3, 6)");
    let (status, text) = verify(&database, &[]);
    assert_eq!(status, Some(4));
    insta::assert_snapshot!("invalid_log_as_text", redact(&text));
    let output = database.run(&["audit", "verify", "--json"]);
    assert_eq!(output.status.code(), Some(4));
    insta::assert_snapshot!(
        "invalid_log_as_json",
        redact(&String::from_utf8_lossy(&output.stdout))
    );
}
