//! `reconcile`: a list of sent leads compared with the stored ones.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use super::support::binary;
use super::support::database::Database;
use super::support::sql;

fn reconcile(database: &Database, list: impl AsRef<[u8]>, more: &[&str]) -> Output {
    fs::write(database.folder().join("ids.txt"), list).expect("a list");
    database.run(&[&["reconcile", "--ids", "ids.txt"], more].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ids(database: &Database) -> Vec<String> {
    let rows =
        sql::rows(&database.sqlite(), "SELECT request_id FROM lead_inbox ORDER BY audit_seq");
    rows.into_iter().map(|mut row| row.remove(0).expect("an id")).collect()
}

#[test]
fn stored_leads_are_recognised_in_every_list_format() {
    let database = Database::sample();
    let ids = ids(&database);
    let list =
        format!("\u{feff}{}\r\n\n  {}\t\n{}\n{}", ids[0], ids[1].to_uppercase(), ids[2], ids[3]);
    let before = database.dump();
    let output = reconcile(&database, list, &[]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), String::new()));
    assert_eq!(
        text(&output.stderr),
        "4 ids: 4 stored, 0 erased since, 0 missing; 0 lines are not ids\n"
    );
    assert_eq!(database.dump(), before, "it only reads");
    assert_eq!(reconcile(&database, "", &[]).status.code(), Some(0));
}

#[test]
fn missing_ids_are_printed_in_the_order_of_the_list() {
    let database = Database::sample();
    let lost = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    let list = format!("{}\n{}\n{}\n", lost[0].to_uppercase(), ids(&database)[0], lost[1]);
    let output = reconcile(&database, &list, &[]);
    assert_eq!(text(&output.stdout), format!("{}\n{}\n", lost[0], lost[1]));
    assert_eq!(
        text(&output.stderr),
        "fastcore: 3 ids: 1 stored, 0 erased since, 2 missing; 0 lines are not ids\n"
    );
    assert_eq!(output.status.code(), Some(1));
    let output = reconcile(&database, &list, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        report,
        json!({"missing_ids": lost, "ids": 3, "stored": 1, "erased": 0, "missing": 2, "invalid": 0, "invalid_lines": []})
    );
    let none = reconcile(&database, "", &["--json"]);
    let report: Value = serde_json::from_slice(&none.stdout).expect("JSON");
    assert_eq!((&report["missing_ids"], &report["ids"]), (&json!([]), &json!(0)));
}

#[test]
fn an_invalid_line_is_reported_by_its_number_only() {
    let database = Database::sample();
    let id = &ids(&database)[0];
    let list = [
        id.as_bytes(),
        b"\nSECRET\n",
        id.replace('-', "").as_bytes(),
        b"\n{",
        id.as_bytes(),
        b"}\n\xff\xfe\n",
        &b"x".repeat(3_000_000),
        b"\n",
        id.as_bytes(),
        b"\n",
    ]
    .concat();
    let output = reconcile(&database, list, &[]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty() && !said.contains("SECRET"), "{said}");
    let lines: Vec<_> = said.lines().collect();
    let expected: Vec<_> = (2..=6).map(|n| format!("line {n}: not a UUID with hyphens")).collect();
    assert_eq!(lines[..5], expected);
    assert_eq!(
        lines[5..],
        ["fastcore: 2 ids: 2 stored, 0 erased since, 0 missing; 5 lines are not ids"]
    );
    let output = reconcile(&database, "x\n".repeat(5000), &[]);
    assert_eq!(
        text(&output.stderr).lines().count(),
        21,
        "a wrong file does not flood the terminal"
    );
}

#[test]
fn an_erased_lead_is_not_missing() {
    let database = Database::sample();
    let id = ids(&database)[2].clone();
    database.tamper_sql(&format!(
        "INSERT INTO audit_log (id, created_at_utc, event, request_id, hash)
         SELECT '00000000-0000-7000-8000-000000000000', created_at_utc, 'LEAD_ERASED', '{id}', hash FROM audit_log LIMIT 1;
         DELETE FROM lead_inbox WHERE request_id = '{id}';"
    ));
    let output = reconcile(&database, &id, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stderr),
        "1 ids: 0 stored, 1 erased since, 0 missing; 0 lines are not ids\n"
    );
}

#[test]
fn a_long_list_is_read_from_standard_input() {
    let database = Database::sample();
    let mut command = binary::command(database.folder(), &["reconcile", "--ids", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let stored = ids(&database).remove(4);
    let list: Vec<String> = (0..2500).map(|n| format!("00000000-0000-4000-9000-{n:012}")).collect();
    let sent = list.clone();
    let writer = std::thread::spawn(move || {
        for id in sent {
            writeln!(stdin, "{id}\n{stored}").expect("it reads");
        }
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("all is read");
    assert_eq!(text(&output.stdout).lines().collect::<Vec<_>>(), list);
    assert_eq!(
        text(&output.stderr),
        "fastcore: 5000 ids: 2500 stored, 0 erased since, 2500 missing; 0 lines are not ids\n"
    );
}
