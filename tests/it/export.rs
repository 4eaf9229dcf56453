//! Export files, byte for byte: CSV that no spreadsheet executes, exact JSON lines.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::support::database::Database;
use super::support::export::{LEAD_COLUMNS, edge_case_leads, is_formula, stored};
use super::support::{reference_hashes, sql};

/// An export to standard output.
fn export(database: &Database, arguments: &[&str]) -> String {
    database.succeed(&[&["export"], arguments].concat())
}

fn golden(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/export").join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_export_files_equal_the_expected_bytes() {
    let database = edge_case_leads();
    let cases: [(&str, &[&str]); 4] = [
        ("leads.csv", &["leads"]),
        ("leads-excel-fr.csv", &["leads", "--format", "csv", "--dialect", "excel-fr"]),
        ("leads.jsonl", &["leads", "--format", "jsonl"]),
        ("leads.sql", &["leads", "--format", "postgres"]),
    ];
    for (name, arguments) in cases {
        let (ours, expected) = (export(&database, arguments), golden(name));
        for (i, (our, line)) in ours.split('\n').zip(expected.split('\n')).enumerate() {
            assert_eq!(our, line, "{name}, line {}", i + 1);
        }
        assert!(ours == expected, "{name}: {} and {} bytes", ours.len(), expected.len());
    }
}

/// The rows of a CSV text are the stored ones, but for the apostrophe before what would be run.
fn assert_cells(parsed: &[Vec<String>], stored: &[Vec<Option<String>>]) {
    assert_eq!(parsed[0], LEAD_COLUMNS);
    assert_eq!(parsed.len() - 1, stored.len());
    let mut defused = 0;
    for (row, stored) in parsed[1..].iter().zip(stored) {
        assert_eq!(row.len(), stored.len(), "{row:?}");
        for (cell, stored) in row.iter().zip(stored) {
            let stored = stored.as_deref().unwrap_or("");
            if is_formula(stored) {
                assert_eq!(cell.strip_prefix('\''), Some(stored));
                defused += 1;
            } else {
                assert_eq!(cell, stored);
            }
        }
    }
    assert!(defused > 20, "{defused}");
}

#[test]
fn csv_read_back_equals_the_stored_cells() {
    let database = edge_case_leads();
    let stored = stored(&database);
    for (dialect, delimiter) in [("rfc4180", b','), ("excel-fr", b';')] {
        let text = export(&database, &["leads", "--dialect", dialect]);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(text.as_bytes());
        let parsed: Vec<Vec<String>> = reader
            .records()
            .map(|r| r.expect("a record").iter().map(str::to_owned).collect())
            .collect();
        assert_cells(&parsed, &stored);
    }
}

#[test]
fn csv_read_back_by_python_equals_the_stored_cells() {
    let there = Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        println!("skipped: python3 is not installed");
        return;
    }
    let database = edge_case_leads();
    let stored = stored(&database);
    for (dialect, delimiter) in [("rfc4180", ","), ("excel-fr", ";")] {
        let script = "import csv, io, json, sys
text = io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8-sig', newline='')
json.dump(list(csv.reader(text, delimiter=sys.argv[1], strict=True)), sys.stdout)";
        let mut python = Command::new("python3");
        python.args(["-c", script, delimiter]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("it runs");
        let text = export(&database, &["leads", "--dialect", dialect]);
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{dialect}");
        let parsed: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).expect("rows");
        assert_cells(&parsed, &stored);
    }
}

#[test]
fn excel_fr_has_a_bom_semicolons_and_crlf() {
    let database = Database::sample();
    let text = export(&database, &["leads", "--dialect", "excel-fr"]);
    assert!(text.starts_with("\u{feff}id;created_at_utc;name;"), "{text}");
    assert!(text.ends_with("\r\n"));
    let audit = export(&database, &["audit", "--dialect", "excel-fr"]);
    assert!(audit.starts_with("\u{feff}seq;id;created_at_utc;event;"), "{audit}");
    let plain = export(&database, &["leads"]);
    assert!(plain.starts_with("id,created_at_utc,name,") && plain.ends_with("\r\n"), "{plain}");
}

#[test]
fn dialect_is_accepted_for_csv_only() {
    let database = Database::sample();
    let before = database.dump();
    for format in ["jsonl", "xlsx", "postgres"] {
        let output =
            database.run(&["export", "leads", "--format", format, "--dialect", "excel-fr"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    }
    assert_eq!(database.dump(), before, "no row records it");
}

/// A JSON value as the column that it was.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn json_lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'));
    text.split_terminator('\n').map(|l| serde_json::from_str(l).expect(l)).collect()
}

#[test]
fn json_lines_equal_the_stored_values() {
    let database = edge_case_leads();
    let text = export(&database, &["leads", "--format", "jsonl"]);
    let stored = stored(&database);
    let lines = json_lines(&text);
    assert_eq!(lines.len(), stored.len());
    for (object, stored) in lines.iter().zip(stored) {
        let cells: Vec<_> = LEAD_COLUMNS.iter().map(|c| cell(&object[c])).collect();
        assert_eq!(cells, stored);
        assert!(object["consent"].is_boolean());
        assert_eq!(object.as_object().map(|o| o.len()), Some(LEAD_COLUMNS.len()));
    }
}

#[test]
fn the_chain_verifies_from_an_export_alone() {
    let database = Database::sample();
    let lines = json_lines(&export(&database, &["audit", "--format", "jsonl"]));
    assert_eq!(lines.len(), 9);
    let mut previous = [0; 32];
    for (row, seq) in lines.iter().zip(1..) {
        assert_eq!(row["seq"], seq);
        let columns: Vec<_> =
            reference_hashes::CHAINED.split(", ").map(|c| cell(&row[c])).collect();
        previous = reference_hashes::hash(&previous, &columns);
        assert_eq!(row["hash"], sql::hex(&previous), "row {seq}");
    }
    let receipt = format!("9:{}", sql::hex(&previous));
    database.succeed(&["audit", "verify", "--receipt", &receipt]);
}

#[test]
fn the_audit_log_csv_has_every_column_and_row() {
    let database = Database::sample();
    let text = export(&database, &["audit"]);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.expect("a record")).collect();
    assert_eq!(
        rows[0].iter().collect::<Vec<_>>().join(", "),
        format!("{}, hash", reference_hashes::CHAINED)
    );
    let sql = format!(
        "SELECT {}, hash FROM audit_log WHERE seq <= 9 ORDER BY seq",
        reference_hashes::CHAINED
    );
    let stored = sql::rows(&database.sqlite(), &sql);
    assert_eq!(rows.len() - 1, stored.len());
    for (row, stored) in rows[1..].iter().zip(stored) {
        let stored: Vec<_> = stored.into_iter().map(Option::unwrap_or_default).collect();
        assert_eq!(row.iter().collect::<Vec<_>>(), stored);
    }
}
