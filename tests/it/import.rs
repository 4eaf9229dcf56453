//! `import`: rows of the FastAPI service, duplicates, refused rows, and imports that are
//! interrupted and resumed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use super::support::binary::{self, ServeProcess};
use super::support::database::Database;
use super::support::export::{LEAD_COLUMNS, stored};
use super::support::http::Client;
use super::support::postgres::Postgres;
use super::support::{lead, reference_hashes, sql, wait_until};
use super::tampering::rewrite_chain;

const HEADER: &str = "id,created_at_utc,name,email,phone,company,service,message,consent,source,request_id,ip_hash,meta_json,status\n";

fn stderr_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A row of the first service as PostgreSQL writes it; a number makes it one of its own.
fn row(n: usize) -> String {
    format!(
        "{},2024-01-03 10:30:45.123456+00,Jean Dupont,jean@example.com,+33612345678,ACME SAS,diagnostic,\
         Mon compresseur ne démarre plus depuis hier,t,fast-techservices.com,{},abc123def456,\
         \"{{\"\"user_agent_hash\"\": \"\"xyz789\"\", \"\"timestamp_utc\"\": \"\"2024-01-03T10:30:45\"\"}}\",received\n",
        id(n),
        request_id(n)
    )
}

fn id(n: usize) -> String {
    format!("f47ac10b-58cc-4372-a567-{n:012}")
}

fn request_id(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

/// The rows of the first service as CSV.
pub(crate) fn rows(count: usize) -> String {
    std::iter::once(HEADER.to_owned()).chain((1..=count).map(row)).collect()
}

fn write(database: &Database, name: &str, text: impl AsRef<[u8]>) {
    fs::write(database.folder().join(name), text).expect("a file");
}

/// Imports a file's text; what the command said, and its exit status.
fn import(database: &Database, text: impl AsRef<[u8]>) -> Output {
    write(database, "leads.csv", text);
    database.run(&["import", "leads", "leads.csv"])
}

/// The lines and reasons of the refused rows.
fn refused(database: &Database) -> Vec<(u64, String)> {
    let path = database.folder().join("leads.csv.refused.csv");
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).expect("a file");
    let header = reader.byte_headers().expect("a header").clone();
    assert_eq!(header.iter().take(2).collect::<Vec<_>>(), [b"line" as &[u8], b"reason"]);
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).expect("text");
    let rows = reader.byte_records().map(|row| row.expect("a row"));
    rows.map(|row| (text(&row[0]).parse().expect("a number"), text(&row[1]))).collect()
}

fn count(database: &Database) -> usize {
    database.one("SELECT count(*) FROM lead_inbox").parse().expect("a number")
}

/// The four rows of the first service as they ought to be stored.
fn expected() -> Vec<Vec<Option<String>>> {
    let message = "Voilà : \"ça\" marche 😀\nune ligne\r\n\tautre; \\N";
    let long = "é".repeat(2000);
    let zeros = "0".repeat(50);
    let meta =
        r#"{"user_agent_hash": "xyz789", "timestamp_utc": "2024-01-03T10:30:45.123456+00:00"}"#;
    let short = r#"{"user_agent_hash": null, "timestamp_utc": "2024-07-03T10:30:45"}"#;
    let fast = "fast-techservices.com";
    let all: [[&str; 11]; 4] = [
        [
            "2024-01-03T10:30:45.123456Z",
            "Zoë à l'Œuvre",
            "zoe@exemple.fr",
            "+33612345678",
            "Crème & Fils, 10 €",
            "diagnostic",
            message,
            "true",
            fast,
            meta,
            "received",
        ],
        [
            "2024-07-03T10:30:45.000000Z",
            "=cmd|' /C calc'!A0",
            "j@example.com",
            "0612345678",
            "",
            "",
            "court",
            "false",
            fast,
            short,
            "processing",
        ],
        [
            "2000-01-01T05:29:59.500000Z",
            "J",
            "not an address",
            "",
            "",
            "autre",
            "des blancs autour",
            "true",
            "elsewhere",
            "",
            "resolved",
        ],
        [
            "2024-02-29T00:00:00.000001Z",
            "NULL",
            "d@example.com",
            "",
            "\"\"",
            "ponts",
            &long,
            "true",
            fast,
            "",
            "archived",
        ],
    ];
    let hash = ["abc123def456", "h", "h", &zeros];
    let cells = |(i, row): (usize, [&str; 11])| {
        let [at, name, email, phone, company, service, message, consent, source, meta, status] =
            row;
        let id = format!("f47ac10b-58cc-4372-a567-0e02b2c3d40{}", i + 1);
        let request_id = request_id(i + 1);
        let cells = [
            &id,
            at,
            name,
            email,
            phone,
            company,
            service,
            message,
            consent,
            source,
            &request_id,
            hash[i],
            meta,
            status,
        ];
        cells.iter().map(|c| Some((*c).to_owned()).filter(|c| !c.is_empty())).collect()
    };
    all.into_iter().enumerate().map(cells).collect()
}

#[test]
fn every_row_of_a_postgresql_csv_is_imported() {
    let Some(server) = Postgres::start() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/data/import/first_service.sql");
    server.create("old");
    let loaded = server.load("old", script.as_ref());
    assert!(loaded.status.success(), "{loaded:?}");
    let copy = "COPY (SELECT * FROM lead_inbox ORDER BY request_id) TO STDOUT CSV HEADER";
    for (zone, sql) in [
        ("UTC", copy),
        ("Europe/Paris", copy),
        ("Asia/Kolkata", copy),
        (
            "America/New_York",
            "SELECT row_to_json(l) FROM (SELECT * FROM lead_inbox ORDER BY request_id) AS l",
        ),
    ] {
        server.query("old", &format!("ALTER DATABASE old SET timezone TO '{zone}'"));
        let text = server.query("old", sql);
        let database = Database::empty();
        let output = import(&database, format!("{text}\n"));
        assert!(output.status.success(), "{zone}: {}", stderr_text(&output));
        assert_eq!(stored(&database), expected(), "{zone}");
        database.succeed(&["audit", "verify"]);
    }
}

#[test]
fn a_postgresql_export_imports_back_unchanged() {
    let database = Database::sample();
    let kept = stored(&database);
    let jsonl = database.succeed(&["export", "leads", "--format", "jsonl"]);
    let back = Database::empty();
    assert!(import(&back, jsonl).status.success());
    assert_eq!(stored(&back), kept);
    let Some(server) = Postgres::start() else { return };
    server.create("moved");
    database.succeed(&["export", "leads", "--format", "postgres", "-o", "leads.sql"]);
    assert!(server.load("moved", &database.folder().join("leads.sql")).status.success());
    let back = Database::empty();
    let copy = "COPY (SELECT * FROM lead_inbox ORDER BY created_at_utc, id) TO STDOUT CSV HEADER";
    assert!(import(&back, server.query("moved", copy) + "\n").status.success());
    assert_eq!(stored(&back), kept);
}

#[test]
fn every_imported_lead_has_an_audit_row_with_its_digest() {
    let database = Database::sample();
    let output = import(&database, rows(2).replace(",received\n", ",resolved\n"));
    assert_eq!(stderr_text(&output), "2 rows: 2 imported, 0 already stored, 0 refused\n");
    let reported = sql::rows(
        &database.sqlite(),
        "SELECT event, actor LIKE 'cli:_%', lead_id, request_id, status_code, details_json,
             created_at_utc > '2026', details_json ->> 'lead_digest' FROM audit_log WHERE seq > 9 ORDER BY seq",
    );
    let digests = reference_hashes::digests(&database.sqlite());
    for (n, row) in (1..).zip(&reported) {
        let details = format!(
            r#"{{"source":"fast-techservices.com","status":"resolved","lead_digest":"{}"}}"#,
            digests[4 + n].1
        );
        let expected = [
            Some("LEAD_IMPORTED"),
            Some("1"),
            Some(&id(n)),
            Some(&request_id(n)),
            None,
            Some(&details),
            Some("1"),
        ];
        assert_eq!(row[..7], expected.map(|c| c.map(str::to_owned)));
    }
    assert_eq!(reported.len(), 2);
    let (seq, hash) = reference_hashes::chain(&database.sqlite()).pop().expect("a row");
    database.succeed(&["audit", "verify", "--receipt", &format!("{seq}:{hash}")]);
    let shown: Value =
        serde_json::from_str(&database.succeed(&["lead", "show", &id(2), "--json"])).expect("JSON");
    assert_eq!(
        (&shown["digest_valid"], &shown["receipt"]),
        (&json!(true), &json!(format!("{seq}:{hash}")))
    );
    assert_eq!(shown["status"], "resolved");
    database.tamper_sql("UPDATE lead_inbox SET status = 'received' WHERE audit_seq = 10");
    assert_eq!(
        database.run(&["audit", "verify"]).status.code(),
        Some(4),
        "the status is under the proof"
    );
}

#[test]
fn an_imported_lead_keeps_its_time_and_status() {
    let database = Database::sample();
    assert!(import(&database, rows(1).replace(",received\n", ",archived\n")).status.success());
    let list = |filter: &[&str]| {
        let text = database.succeed(&[&["lead", "list"], filter].concat());
        text.lines().filter(|l| l.contains(&id(1))).count() + 10 * text.lines().count()
    };
    assert_eq!(list(&[]), 61);
    assert_eq!(list(&["--limit", "5"]), 50, "the oldest is the last");
    assert_eq!(list(&["--status", "archived"]), 11);
    assert_eq!(list(&["--status", "received"]), 40);
    assert_eq!(list(&["--until", "2024-12-31"]), 11);
    assert_eq!(
        list(&["--query", "compresseur", "--since", "2024-01-03", "--until", "2024-01-03"]),
        11
    );
    database.succeed(&["lead", "set-status", &id(1), "processing"]);
    let newest_details = "SELECT details_json FROM audit_log ORDER BY seq DESC LIMIT 1";
    assert_eq!(database.one(newest_details), r#"{"from":"archived","to":"processing"}"#);
    assert_eq!(list(&["--status", "processing"]), 21);
    database.succeed(&["audit", "verify"]);
}

#[test]
fn a_retry_of_an_imported_lead_is_a_duplicate() {
    let database = Database::empty();
    assert!(
        import(
            &database,
            rows(1)
                .replace("Jean Dupont", "  Jean Dupont ")
                .replace("@example.com", "@Example.COM")
        )
        .status
        .success()
    );
    let receipt = database.succeed(&["audit", "head"]);
    let server = ServeProcess::start(database.folder());
    let mut again = lead();
    again["meta"]["request_id"] = json!(request_id(1));
    let mut client = Client::connect(server.address);
    let answer = client.post_lead(&again);
    assert_eq!(answer.status, 200, "{answer:?}");
    let expected = json!({"leadId": id(1), "timestamp": "2024-01-03T10:30:45.123456Z", "status": "received", "receipt": receipt.trim()});
    assert_eq!(answer.json(), expected);
    again["name"] = json!("Someone Else");
    assert_eq!(client.post_lead(&again).status, 409);
}

#[test]
fn importing_twice_changes_nothing() {
    let database = Database::sample();
    assert!(import(&database, rows(1200)).status.success());
    let before = database.dump();
    let again = import(&database, rows(1200));
    assert_eq!(stderr_text(&again), "1200 rows: 0 imported, 1200 already stored, 0 refused\n");
    assert_eq!(database.dump(), before);
    let other_form = database.succeed(&["export", "leads", "--format", "jsonl"]);
    let rows = count(&database);
    assert!(import(&database, other_form).status.success());
    assert_eq!(count(&database), rows);
    assert!(!database.folder().join("leads.csv.refused.csv").exists());
}

#[test]
fn every_refused_row_is_reported_with_line_and_reason() {
    let good = row(1);
    let cases: [(&str, &str); 22] = [
        ("f47ac10b-", "f47ac10b"),
        ("f47ac10b-58cc-4372-a567-000000000001", ""),
        ("2024-01-03 10:30:45.123456+00,", "03/01/2024,"),
        ("2024-01-03 10:30:45.123456+00,", "infinity,"),
        ("2024-01-03 10:30:45.123456+00,", "2024-02-30 10:30:45+00,"),
        ("Jean Dupont", " "),
        ("Jean Dupont", "SECRET".repeat(14).leak()),
        ("Jean Dupont", "SECRET\0"),
        ("jean@example.com", ""),
        ("+33612345678", "+33612345678901234567890123456789"),
        ("diagnostic", "SECRET"),
        ("Mon compresseur ne démarre plus depuis hier", ""),
        (",t,", ",SECRET,"),
        (",t,", ",,"),
        ("fast-techservices.com", ""),
        ("00000000-0000-4000-8000-000000000001", "SECRET"),
        ("abc123def456", ""),
        ("{\"\"", "{"),
        ("{\"\"", "{\"\"timestamp_utc\"\":1,\"\""),
        ("xyz789", "\\ud800"),
        (",received\n", ",SECRET\n"),
        (",received\n", "\n"),
    ];
    let mut text = HEADER.to_owned();
    for (from, to) in &cases {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        text.push_str(&bad);
    }
    text.push_str(&row(2));
    let database = Database::empty();
    let output = import(&database, text);
    let reported = refused(&database);
    assert_eq!(
        reported.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
        (2..24).collect::<Vec<_>>()
    );
    assert_eq!(output.status.code(), Some(1));
    let mut table = stderr_text(&output);
    for ((line, reason), (from, to)) in reported.iter().zip(cases) {
        let to: String = to.chars().take(20).collect();
        table.push_str(&format!("line {line}: {from:?} replaced by {to:?}: {reason}\n"));
    }
    insta::assert_snapshot!(table);
    let report = database.folder().join("leads.csv.refused.csv");
    assert_eq!(fs::metadata(&report).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(!stderr_text(&output).contains("SECRET"), "the reasons quote nothing of the rows");
    assert_eq!(stored(&database)[0][0].as_deref(), Some(id(2).as_str()));
    assert!(import(&database, rows(2)).status.success(), "mended");
    assert!(refused(&database).is_empty(), "an old report does not stay");
    database.succeed(&["audit", "verify"]);
}

#[test]
fn unparsable_rows_are_refused_and_the_rows_around_them_imported() {
    let database = Database::empty();
    let huge = row(3).replace("Mon compresseur", &"x".repeat(5_000_000));
    let mut text = [rows(1).into_bytes(), b"\xff\xfe,\n".to_vec(), row(2).into_bytes()].concat();
    text.extend(row(7).replace("Jean", "J\u{e9}an").into_bytes());
    let at = text.len() - 100;
    text.splice(at..at + 1, [0xe9]);
    text.extend(huge.into_bytes());
    text.extend(",".repeat(1000).into_bytes());
    text.push(b'\n');
    text.extend(row(4).into_bytes());
    text.extend(b"\"a quotation mark that nothing closes\n".to_vec());
    text.extend("one, two\n".repeat(50_000).into_bytes());
    let output = import(&database, text);
    assert_eq!(output.status.code(), Some(1), "{}", stderr_text(&output));
    let reasons: Vec<_> = refused(&database);
    let expected = [
        (3, "2 values for 14 columns"),
        (5, "it is not UTF-8"),
        (6, "the row is too long; a quotation mark may be missing"),
        (7, "the row is too long; a quotation mark may be missing"),
        (9, "the row is too long; a quotation mark may be missing"),
    ];
    assert_eq!(reasons, expected.map(|(line, reason)| (line, reason.to_owned())));
    assert_eq!(count(&database), 3);
    let database = Database::empty();
    let object = |n: usize, name: &str| {
        json!({"id": id(n), "created_at_utc": "2024-01-03T10:30:45+00:00", "name": name, "email": "j@example.com",
            "message": "m", "consent": true, "source": "s", "request_id": request_id(n), "ip_hash": "h",
            "meta_json": {"a": 1}, "extra": [1]}).to_string()
    };
    let lines = [
        "\u{feff}".to_owned() + &object(1, "Jean"),
        "[1]".to_owned(),
        object(2, &"x".repeat(5_000_000)),
        String::new(),
        object(3, "a\u{0}b"),
        object(4, "Jean").replace("\"m\"", "\"\\ud800\""),
        object(5, "Jean").replace("true", "1"),
        object(6, "Jean").replace("\"id\"", "\"id\":\"x\",\"id\""),
        "{".to_owned(),
        object(7, "Jean"),
    ];
    let output = import(&database, lines.join("\n"));
    assert_eq!(output.status.code(), Some(1), "{}", stderr_text(&output));
    let report = database.folder().join("leads.csv.refused.jsonl");
    let report = fs::read_to_string(report).expect("text");
    let reported: Vec<&str> =
        report.lines().map(|line| line.split(',').next().expect("a line")).collect();
    assert_eq!(reported, [2, 3, 5, 6, 7, 8, 9].map(|line| format!("{{\"line\":{line}")));
    assert_eq!(
        stored(&database).iter().map(|r| r[12].as_deref()).collect::<Vec<_>>(),
        [Some("{\"a\":1}"); 2]
    );
}

#[test]
fn columns_are_found_by_their_names_in_any_order() {
    let database = Database::empty();
    let mut reversed: Vec<&str> = LEAD_COLUMNS.to_vec();
    reversed.reverse();
    let cells = [
        "received",
        "",
        "h",
        &request_id(1),
        "s",
        "t",
        "m",
        "",
        "",
        "",
        "j@example.com",
        "Jean",
        "2024-01-03 10:30:45+00",
        &id(1),
    ];
    let text = format!("\u{feff}extra,{}\r\n7,{}\r\n", reversed.join(","), cells.join(","));
    let output = import(&database, text);
    assert_eq!(
        stderr_text(&output),
        "1 rows: 1 imported, 0 already stored, 0 refused; 1 unknown columns were ignored\n"
    );
    assert_eq!(database.one("SELECT name || phone IS NULL FROM lead_inbox"), "1");
    let before = database.dump();
    let named = |names: &str| format!("{names}\n{}", row(3));
    for (text, expected) in [
        (String::new(), "not even the names of the columns"),
        (row(2), "does not name these columns: id, created_at_utc"),
        (named(&HEADER.replace(",status\n", "")), "does not name these columns: status"),
        (named(&HEADER.replace("status\n", "name,status")), "names the column name twice"),
        ("x".repeat(1_000_000), "does not name these columns"),
        ("\0\0\0".to_owned(), "does not name these columns"),
    ] {
        let output = import(&database, text);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr_text(&output);
        assert!(said.contains(expected) && said.lines().count() == 1, "{said}");
        assert!(!said.contains("Dupont") && said.len() < 400, "{said}");
    }
    assert_eq!(database.dump(), before);
}

#[test]
fn a_file_saved_again_by_a_french_excel_was_refused_for_columns_that_it_has() {
    for separator in [';', '\t'] {
        let mut text = String::new();
        for record in csv::Reader::from_reader(rows(2).as_bytes()).into_records() {
            let record = record.expect("a row");
            let mut line = csv::WriterBuilder::new().delimiter(separator as u8).from_writer(vec![]);
            line.write_record(&record).expect("a line");
            text.push_str(std::str::from_utf8(&line.into_inner().expect("a line")).expect("text"));
        }
        let header = HEADER.replace(',', &separator.to_string());
        let text = format!("\u{feff}{header}{text}").replace('\n', "\r\n");
        let database = Database::empty();
        let output = import(&database, text);
        assert_eq!(stderr_text(&output), "2 rows: 2 imported, 0 already stored, 0 refused\n");
    }
}

#[test]
fn an_erased_lead_is_not_imported_again() {
    let database = Database::empty();
    assert!(import(&database, rows(3)).status.success());
    for (n, column) in [(1, "lead_id"), (2, "request_id")] {
        let value = if n == 1 { id(n) } else { request_id(n) };
        database.tamper_sql(&format!(
            "INSERT INTO audit_log (id, created_at_utc, event, {column}, hash)
             SELECT printf('00000000-0000-7000-8000-%012d', {n}), created_at_utc, 'LEAD_ERASED', '{value}', hash FROM audit_log LIMIT 1;
             DELETE FROM lead_inbox WHERE {} = '{value}';",
            if n == 1 { "id" } else { "request_id" }
        ));
    }
    database.tamper(rewrite_chain);
    let output = import(&database, rows(3));
    assert_eq!(output.status.code(), Some(0), "{}", stderr_text(&output));
    assert!(
        stderr_text(&output).starts_with(
            "3 rows: 0 imported, 1 already stored, 2 erased here (lines 2, 3), 0 refused\n"
        ),
        "{}",
        stderr_text(&output)
    );
    assert!(!database.folder().join("leads.csv.refused.csv").exists(), "no copy of an erased lead");
    assert_eq!(count(&database), 1);
}

/// Imports a file of refused rows with a correction; what is left is refused again, with its reason once.
#[track_caller]
fn assert_correctable(database: &Database, name: &str, from: &str, to: &str) {
    let refused = format!("{name}.refused.{}", name.rsplit('.').next().expect("an extension"));
    let path = database.folder().join(&refused);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).expect("text");
    assert!(text.contains(from), "{text}");
    fs::write(&path, text.replacen(from, to, 1)).expect("a correction");
    let again = database.run(&["import", "leads", &refused]);
    let said = stderr_text(&again);
    assert!(said.starts_with("2 rows: 1 imported, 0 already stored, 1 refused"), "{said}");
    assert!(!said.contains("unknown"), "{said}");
    let left = format!("{refused}.refused.{}", name.rsplit('.').next().expect("an extension"));
    let left = fs::read_to_string(database.folder().join(left)).expect("text");
    assert_eq!(left.matches("line").count(), 1, "{left}");
    assert_eq!(left.matches("reason").count(), 1, "{left}");
}

#[test]
fn refused_rows_had_to_be_picked_out_of_a_large_file_by_hand() {
    let database = Database::empty();
    let odd =
        row(2).replace("Jean Dupont", "\"Dupont, \"\"Jean\"\"\nfils\"").replace(",t,", ",oui,");
    let output = import(&database, rows(1) + &odd + &row(3).replace(&id(3), "3"));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_text(&output).contains("leads.csv.refused.csv has the refused rows"));
    assert_correctable(&database, "leads.csv", ",oui,", ",t,");
    assert_eq!(stored(&database)[1][2].as_deref(), Some("Dupont, \"Jean\"\nfils"));

    let exported = database.succeed(&["export", "leads", "--format", "jsonl"]);
    let (first, second) = exported.split_once('\n').expect("two leads");
    let other = Database::empty();
    let broken = second.replace("\"consent\":true", "\"consent\":\"oui\"");
    assert_ne!(broken, second);
    write(&other, "leads.jsonl", format!("{{\"a\": \"\\\"\"}}\n{broken}\n{first}"));
    let output = other.run(&["import", "leads", "leads.jsonl"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr_text(&output));
    assert_correctable(&other, "leads.jsonl", "\"consent\":\"oui\"", "\"consent\":true");
    assert_eq!(stored(&other)[1][2].as_deref(), Some("Dupont, \"Jean\"\nfils"));
}

#[test]
fn an_id_of_another_lead_is_refused() {
    let database = Database::empty();
    let text = rows(1) + &row(2).replace(&id(2), &id(1)) + &row(1).replace(&id(1), &id(9));
    let output = import(&database, text);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr_text(&output).starts_with("3 rows: 1 imported, 1 already stored, 1 refused\n"),
        "{}",
        stderr_text(&output)
    );
    assert_eq!(refused(&database), [(3, "id: another lead has it".to_owned())]);
}

#[test]
fn the_refused_report_is_written_where_asked_and_overwrites_no_other_file() {
    let database = Database::empty();
    write(&database, "leads.csv", rows(1) + ",\n");
    let before = database.dump();
    for wrong in ["leads.csv", "./leads.csv", "fastcore.db", "missing/report.csv", "/dev/null"] {
        let output = database.run(&["import", "leads", "leads.csv", "--refused", wrong]);
        assert_eq!(output.status.code(), Some(1), "{wrong}: {}", stderr_text(&output));
        assert!(stderr_text(&output).contains("--refused"), "{}", stderr_text(&output));
    }
    assert_eq!(database.dump(), before);
    let mut command = binary::command(
        database.folder(),
        &["import", "leads", "-", "--refused", "report.csv", "--json"],
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("a pipe").write_all((rows(1) + ",\n").as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let counts: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        counts,
        json!({"rows": 2, "imported": 1, "present": 0, "erased": 0, "refused": 1, "unknown_columns": 0})
    );
    assert!(
        fs::read_to_string(database.folder().join("report.csv")).expect("a report").contains("3,")
    );
    let output = database.run(&["import", "leads", "nowhere.csv"]);
    assert!(
        output.status.code() == Some(1)
            && stderr_text(&output).contains("nowhere.csv cannot be read"),
        "{output:?}"
    );
}

#[test]
fn a_killed_import_leaves_whole_batches_and_can_be_resumed() {
    let database = Database::empty();
    write(&database, "leads.csv", rows(8000));
    let mut command = binary::command(database.folder(), &["import", "leads", "leads.csv"]);
    let mut child = command.stderr(Stdio::null()).spawn().expect("it runs");
    assert!(wait_until(|| count(&database) > 0), "it begins");
    child.kill().expect("it lives");
    assert!(!child.wait().expect("it ends").success());
    let kept = count(&database);
    assert!(kept.is_multiple_of(500) && kept < 8000, "{kept}");
    database.succeed(&["audit", "verify"]);
    let output = database.run(&["import", "leads", "leads.csv"]);
    assert_eq!(
        stderr_text(&output),
        format!("8000 rows: {} imported, {kept} already stored, 0 refused\n", 8000 - kept)
    );
    assert_eq!(count(&database), 8000);
    database.succeed(&["audit", "verify"]);
    let wal = fs::metadata(database.folder().join("fastcore.db-wal")).map_or(0, |m| m.len());
    assert!(wal < 100 << 20, "{wal}");
}

#[test]
fn an_import_does_not_block_the_intake_of_a_running_server() {
    let database = Database::empty();
    write(&database, "leads.csv", rows(4000));
    let server = ServeProcess::start(database.folder());
    let mut command = binary::command(database.folder(), &["import", "leads", "leads.csv"]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it runs");
    let mut client = Client::connect(server.address);
    let mut sent = 0;
    while child.try_wait().expect("a state").is_none() {
        assert_eq!(client.post_lead(&lead()).status, 201);
        sent += 1;
    }
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", stderr_text(&output));
    assert!(sent > 3, "{sent}");
    assert_eq!(count(&database), 4000 + sent);
    database.succeed(&["audit", "verify"]);
}

#[test]
fn import_without_a_database_fails_and_creates_none() {
    let database = Database::without_file();
    write(&database, "leads.csv", rows(1));
    let output = database.run(&["import", "leads", "leads.csv"]);
    assert!(
        output.status.code() == Some(1) && stderr_text(&output).contains("there is no database"),
        "{output:?}"
    );
    assert!(!database.path().exists());
}
