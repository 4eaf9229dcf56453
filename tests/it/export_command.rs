//! The `export` command: filters, audit rows, atomic output files, exports under load.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::binary::{self, ServeProcess};
use super::support::database::Database;
use super::support::export::many_leads;
use super::support::http::Client;
use super::support::{lead, sql};

fn stderr_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The details of the newest LEADS_EXPORTED row.
fn export_details(database: &Database) -> Value {
    let sql = "SELECT details_json FROM audit_log WHERE event = 'LEADS_EXPORTED' ORDER BY seq DESC LIMIT 1";
    serde_json::from_str(&database.one(sql)).expect("JSON")
}

fn files(database: &Database) -> BTreeSet<String> {
    let entries = fs::read_dir(database.folder()).expect("a folder");
    let names = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|n| !n.starts_with("fastcore.db")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    sql::hex(&Sha256::digest(bytes))
}

/// The places of the leads that an export takes, in its order.
fn taken(database: &Database, filter: &[&str]) -> Vec<i64> {
    let text = database.succeed(&[&["export", "leads", "--format", "jsonl"], filter].concat());
    let place = |line: &str| {
        let lead: Value = serde_json::from_str(line).expect(line);
        let id = lead["id"].as_str().expect("an id").to_owned();
        database
            .one(&format!("SELECT audit_seq FROM lead_inbox WHERE id = '{id}'"))
            .parse()
            .expect("a place")
    };
    text.lines().map(place).collect()
}

#[test]
fn every_filter_narrows_the_export_and_is_audited() {
    let database = Database::sample();
    database.tamper_sql(
        "UPDATE lead_inbox SET created_at_utc = '2026-01-0' || audit_seq || 'T12:00:00.000000Z'",
    );
    let cases: [(&[&str], &[i64], Value); 8] = [
        (&[], &[1, 2, 3, 4, 5], json!({})),
        (&["--since", "2026-01-03"], &[3, 4, 5], json!({"since": "2026-01-03T00:00:00.000000Z"})),
        (&["--until", "2026-01-03"], &[1, 2, 3], json!({"until": "2026-01-04T00:00:00.000000Z"})),
        (
            &["--until", "2026-01-03T12:00:00Z"],
            &[1, 2],
            json!({"until": "2026-01-03T12:00:00.000000Z"}),
        ),
        (&["--service", "ponts"], &[3], json!({"service": "ponts"})),
        (&["--status", "processing"], &[2], json!({"status": "processing"})),
        (&["--query", "Lefèvre"], &[3], json!({"query": "***"})),
        (
            &["--status", "received", "--service", "cabines", "--query", "dup"],
            &[4],
            json!({"status": "received", "service": "cabines", "query": "***"}),
        ),
    ];
    for (filter, expected, described) in cases {
        assert_eq!(taken(&database, filter), expected, "{filter:?}");
        let reported = export_details(&database);
        assert_eq!((&reported["filter"], &reported["rows"]), (&described, &json!(expected.len())));
    }
    let log = database.succeed(&["export", "audit", "--format", "jsonl"]);
    assert!(!log.to_lowercase().contains("lef"), "a search may be a name");
}

#[test]
fn a_period_narrows_the_audit_log_export() {
    let database = Database::sample();
    let at =
        |seq: i64| database.one(&format!("SELECT created_at_utc FROM audit_log WHERE seq = {seq}"));
    let (from, to) = (at(3), at(6));
    let text = database
        .succeed(&["export", "audit", "--format", "jsonl", "--since", &from, "--until", &to]);
    let seqs: Vec<_> =
        text.lines().map(|l| serde_json::from_str::<Value>(l).expect(l)["seq"].clone()).collect();
    assert_eq!(seqs, [3, 4, 5]);
    assert_eq!(export_details(&database)["filter"], json!({"since": from, "until": to}));
}

#[test]
fn an_export_is_audited_and_reported_to_the_operator() {
    let database = Database::sample();
    for (what, format) in [
        ("leads", "csv"),
        ("leads", "jsonl"),
        ("audit", "xlsx"),
        ("leads", "xlsx"),
        ("audit", "csv"),
        ("audit", "jsonl"),
        ("audit", "postgres"),
        ("leads", "csv-excel-fr"),
    ] {
        let output = database.run(&["export", what, "--format", format]);
        assert!(output.status.success(), "{output:?}");
        let rows = match what {
            "leads" => 5,
            _ => database.one("SELECT count(*) - 1 FROM audit_log").parse().expect("a number"),
        };
        let hash = sha256(&output.stdout);
        let expected =
            json!({"what": what, "format": format, "filter": {}, "rows": rows, "sha256": hash});
        assert_eq!(export_details(&database), expected);
        assert_eq!(stderr_text(&output), format!("{rows} rows, SHA-256 {hash}\n"));
    }
    let actors = "SELECT DISTINCT actor LIKE 'cli:_%' AND lead_id IS NULL FROM audit_log WHERE event = 'LEADS_EXPORTED'";
    assert_eq!(database.one(actors), "1");
    database.succeed(&["audit", "verify"]);
}

#[test]
fn the_output_file_is_private_and_replaces_an_old_one() {
    let database = Database::sample();
    let path = database.folder().join("leads.csv");
    for old in [false, true] {
        if old {
            fs::write(&path, "an older and longer file ".repeat(1000)).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        }
        let output = database.run(&["export", "leads", "-o", "leads.csv"]);
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
        let written = fs::read(&path).expect("the file");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(export_details(&database)["sha256"], sha256(&written));
        assert!(stderr_text(&output).contains(&sha256(&written)), "{}", stderr_text(&output));
        assert_eq!(written, database.run(&["export", "leads"]).stdout);
        assert_eq!(files(&database), BTreeSet::from(["leads.csv".to_owned()]));
    }
}

#[test]
fn a_failed_export_keeps_the_old_file_and_leaves_no_other() {
    let database = Database::sample();
    fs::write(database.folder().join("leads.csv"), "old").expect("a file");
    // The audit row cannot be written while another program has locked the database.
    let holder = database.sqlite();
    holder.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let output = database.run(&["export", "leads", "-o", "leads.csv"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr_text(&output).contains("keeps the database locked"), "{}", stderr_text(&output));
    assert_eq!(fs::read_to_string(database.folder().join("leads.csv")).expect("a file"), "old");
    assert_eq!(files(&database), BTreeSet::from(["leads.csv".to_owned()]));
}

#[test]
fn an_interrupted_export_leaves_no_partial_file() {
    let database = Database::sample();
    fs::write(database.folder().join("leads.csv"), "old").expect("a file");
    let holder = database.sqlite();
    holder.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let mut command = binary::command(database.folder(), &["export", "leads", "-o", "leads.csv"]);
    let mut child = command.stderr(Stdio::null()).spawn().expect("it runs");
    // By then the rows are written, and it waits to write its audit row.
    std::thread::sleep(Duration::from_millis(700));
    assert!(child.try_wait().expect("a state").is_none(), "it waits");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it lives");
    assert!(!child.wait().expect("it ends").success());
    assert_eq!(fs::read_to_string(database.folder().join("leads.csv")).expect("a file"), "old");
    assert_eq!(
        files(&database),
        BTreeSet::from(["leads.csv".to_owned()]),
        "no copy of the leads lies about"
    );
}

#[test]
fn an_export_never_replaces_anything_but_a_regular_file() {
    let database = Database::sample();
    let before = database.dump();
    fs::create_dir(database.folder().join("folder")).expect("a folder");
    symlink("/dev/null", database.folder().join("null")).expect("a link");
    for path in ["folder", "null", "missing/leads.csv", "leads.csv/"] {
        let output = database.run(&["export", "leads", "-o", path]);
        assert_eq!(output.status.code(), Some(1), "{path}: {output:?}");
        assert_eq!(stderr_text(&output).lines().count(), 1, "{}", stderr_text(&output));
    }
    assert_eq!(files(&database), ["folder", "null"].map(str::to_owned).into());
    assert!(fs::symlink_metadata(database.folder().join("null")).expect("a link").is_symlink());
    assert_eq!(database.dump(), before, "what was not written is not recorded");
}

#[test]
fn an_export_of_no_rows_succeeds() {
    let database = Database::empty();
    let csv = database.run(&["export", "leads"]);
    assert!(csv.status.success());
    assert_eq!(String::from_utf8_lossy(&csv.stdout).lines().count(), 1, "the names of the columns");
    assert!(stderr_text(&csv).starts_with("0 rows"), "{}", stderr_text(&csv));
    assert_eq!(export_details(&database)["rows"], 0);
    database.succeed(&["export", "leads", "--format", "jsonl", "-o", "none.jsonl"]);
    assert_eq!(fs::read(database.folder().join("none.jsonl")).expect("a file"), b"");
    assert_eq!(export_details(&database)["sha256"], sha256(b""));
}

#[test]
fn an_export_to_a_closed_pipe_is_not_an_error() {
    let database = many_leads(4000);
    for format in ["csv", "jsonl", "postgres"] {
        let mut command =
            binary::command(database.folder(), &["export", "leads", "--format", format]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success() && stderr_text(&output).is_empty(), "{output:?}");
        let reported = export_details(&database);
        assert_eq!(reported["cut_short"], true, "{reported}");
        assert!(reported["rows"].as_u64().is_some_and(|n| n < 4005), "{reported}");
    }
}

#[test]
fn an_export_under_load_is_one_snapshot() {
    let database = many_leads(4000);
    let server = ServeProcess::start(database.folder());
    let (address, done) = (server.address, AtomicBool::new(false));
    let sent = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut client = Client::connect(address);
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(client.post_lead(&lead()).status, 201);
                sent += 1;
            }
            sent
        });
        let begin = Instant::now();
        while database.one("SELECT count(*) FROM lead_inbox WHERE audit_seq > 9") == "0" {
            assert!(begin.elapsed() < Duration::from_secs(60), "no lead comes in");
        }
        for i in 0..3 {
            let file = format!("leads-{i}.jsonl");
            database.succeed(&["export", "leads", "--format", "jsonl", "-o", &file]);
            let text = fs::read_to_string(database.folder().join(&file)).expect("a file");
            let ids: Vec<String> = text
                .lines()
                .map(|l| {
                    serde_json::from_str::<Value>(l).expect(l)["id"]
                        .as_str()
                        .expect("an id")
                        .to_owned()
                })
                .collect();
            let reported = export_details(&database);
            assert_eq!(
                (&reported["rows"], &reported["sha256"]),
                (&json!(ids.len()), &json!(sha256(text.as_bytes())))
            );
            // The leads up to the last one: none left out, none twice, none of later.
            let last = ids.last().expect("a lead");
            let sql = format!(
                "SELECT id FROM lead_inbox WHERE audit_seq <= (SELECT audit_seq FROM lead_inbox WHERE id = '{last}') ORDER BY audit_seq"
            );
            let stored: Vec<_> = sql::rows(&database.sqlite(), &sql)
                .into_iter()
                .filter_map(|mut r| r.remove(0))
                .collect();
            assert!(ids == stored, "{} rows of {}", ids.len(), stored.len());
        }
        done.store(true, Ordering::Relaxed);
        sender.join().expect("every lead is taken")
    });
    assert!(sent > 3, "{sent}");
    let stored = database.one("SELECT count(*) FROM lead_inbox");
    assert_eq!(stored, (4005 + sent).to_string());
}
