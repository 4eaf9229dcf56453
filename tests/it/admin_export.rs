//! Exports from the admin page: their content, their turn, their time and the disk.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fastcore::http::server::Limits;
use rusqlite::Connection;

use super::disk_faults::Disk;
use super::support::admin::{
    self, Browser, FORM, SAME_ORIGIN, send_leads, server_with_account, set_status,
};
use super::support::binary::{self, ServeProcess, run};
use super::support::http::{Client, post_lead, request};
use super::support::server::TestServer;
use super::support::{lead, sql, wait_until};

const SECOND: Duration = Duration::from_secs(1);
/// More leads than the sockets of a client that does not read have room for.
const MANY: u32 = 30_000;

/// Stores leads of some 700 bytes without audit rows.
fn store_leads(conn: &Connection, count: u32) {
    let sql = format!(
        "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO lead_inbox (audit_seq, salt, id, created_at_utc, name, email, message, consent, source, request_id, ip_hash)
         SELECT 1000 + i, zeroblob(16), printf('00000000-0000-7000-8000-%012d', i), '2026-01-01T00:00:00.000000Z', 'n', 'e',
                printf('%.500c', 'm'), 1, 's', printf('00000000-0000-4000-8000-%012d', i), 'h' FROM n"
    );
    conn.execute_batch(&sql).expect("rows");
}

/// The request of an export.
fn export_request(browser: &Browser, form: &str) -> Vec<u8> {
    let cookie = browser.cookie.as_deref().expect("a cookie");
    let headers = [SAME_ORIGIN, FORM, ("Cookie", cookie)];
    request("POST", "/admin/api/export", &headers, form.as_bytes())
}

/// A client that has asked for an export of [`MANY`] leads, and has read the beginning of the response.
fn begin_export(browser: &Browser) -> TcpStream {
    let mut stream = TcpStream::connect(browser.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    stream.write_all(&export_request(browser, "format=jsonl")).expect("the server reads");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("a response");
    assert_eq!(status, *b"HTTP/1.1 200");
    stream
}

/// The largest possible part of an answer of the server that the client can read.
fn read_to_end(mut stream: TcpStream) -> (usize, Option<ErrorKind>) {
    let mut all = Vec::new();
    let end = stream.read_to_end(&mut all);
    (all.len(), end.err().map(|error| error.kind()))
}

#[test]
fn an_admin_export_equals_the_command_s_output_and_is_audited() {
    let (server, mut browser) = server_with_account();
    let ids = send_leads(&server, 12);
    set_status(&server, &ids[2], "resolved");
    let cases: [(&str, &str, &[&str]); 5] = [
        ("format=csv", "csv", &["--format", "csv"]),
        ("format=csv-excel-fr", "csv", &["--format", "csv", "--dialect", "excel-fr"]),
        ("format=jsonl&q=electr", "jsonl", &["--format", "jsonl", "--query", "electr"]),
        ("format=csv&status=resolved", "csv", &["--status", "resolved"]),
        (
            "format=jsonl&service=ponts&since=2020-01-01",
            "jsonl",
            &["--format", "jsonl", "--service", "ponts", "--since", "2020-01-01"],
        ),
    ];
    for (query, ending, arguments) in cases {
        let answer = browser.export(query);
        assert_eq!(answer.status, 200, "{answer:?}");
        let shell = binary::succeed(server.folder(), &[&["export", "leads"], arguments].concat());
        assert_eq!(answer.body, shell, "{query}");
        let name = answer.header("content-disposition").expect("a name");
        assert!(
            name.starts_with("attachment; filename=\"fastcore-leads-2")
                && name.ends_with(&format!(".{ending}\"")),
            "{name}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let reported = sql::rows(
            &server.sqlite(),
            "SELECT actor, details_json ->> 'sha256', details_json ->> 'rows' FROM audit_log WHERE event = 'LEADS_EXPORTED' ORDER BY seq DESC LIMIT 2",
        );
        // The command's row is the newest; both record the same file.
        assert_eq!(reported[1][0].as_deref(), Some("staff:jean"));
        assert_eq!(reported[0][1..], reported[1][1..], "{query}");
    }
    let left: Vec<_> = std::fs::read_dir(server.folder())
        .expect("a folder")
        .map(|e| e.expect("one").file_name().into_string().expect("UTF-8"))
        .collect();
    assert!(left.iter().all(|name| name.starts_with("fastcore.db")), "nothing is left: {left:?}");
}

#[test]
fn a_large_export_is_complete_and_does_not_block_other_requests() {
    let (server, mut browser) = server_with_account();
    store_leads(&server.sqlite(), MANY);
    let mut slow = Client::connect(server.address);
    slow.send(export_request(&browser, "format=jsonl"));
    // It is not read yet: more than fits into the sockets waits on the server's side.
    assert!(browser.is_signed_in());
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let answer = slow.receive().expect("an answer");
    assert_eq!(answer.body.lines().count(), MANY as usize);
    // And the connection goes on.
    slow.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(slow.receive().expect("an answer").status, 200);
}

#[test]
fn a_second_export_began_before_the_first_was_sent() {
    let (server, mut browser) = server_with_account();
    store_leads(&server.sqlite(), MANY);
    let slow = begin_export(&browser);
    let began = Instant::now();
    let answer = browser.export("format=csv&status=archived");
    answer.assert_error(429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), Some("10"), "{answer:?}");
    assert!(began.elapsed() < 10 * SECOND, "it is not kept waiting: {:?}", began.elapsed());
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let (length, error) = read_to_end_of_body(slow);
    assert!(length > 15_000_000 && error.is_none(), "{length} {error:?}");
    // At once: the turn of the first is over with its last byte.
    assert_eq!(browser.export("format=csv&status=archived").status, 200);
    assert_eq!(admin::audit_rows_of(&server, "LEADS_EXPORTED").len(), 2);
}

/// Reads a body of JSON lines until nothing more comes for a moment.
fn read_to_end_of_body(stream: TcpStream) -> (usize, Option<ErrorKind>) {
    stream.set_read_timeout(Some(10 * SECOND)).expect("a timeout");
    let (length, error) = read_to_end(stream);
    // The connection stays open for another request.
    (length, error.filter(|kind| !matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)))
}

#[test]
fn a_client_that_went_away_kept_the_turn_of_its_export() {
    let (server, mut browser) = server_with_account();
    store_leads(&server.sqlite(), MANY);
    for _ in 0..3 {
        drop(begin_export(&browser));
        let answer = browser.export("format=csv&status=archived");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// It reads all the time, so it never stalls, and would take hours.
#[test]
fn a_client_that_read_slowly_kept_every_other_export_waiting() {
    let server = TestServer::with_export_time(Limits::default(), 12 * SECOND);
    let mut browser = admin::create_first_account(&server);
    store_leads(&server.sqlite(), MANY);
    let began = Instant::now();
    let mut slow = begin_export(&browser);
    let mut drip = [0; 1024];
    while began.elapsed() < 13 * SECOND {
        slow.read_exact(&mut drip).expect("a part");
        std::thread::sleep(Duration::from_millis(10));
    }
    let answer = browser.export("format=csv&status=archived");
    assert_eq!(answer.status, 200, "{answer:?}");
    // What was on its way arrives; then the connection is over, before the end of the file.
    let (length, _) = read_to_end(slow);
    assert!(length < 15_000_000, "{length}");
}

#[test]
fn a_client_that_stopped_reading_is_cut_off() {
    let limits = Limits { write_timeout: SECOND, ..Limits::default() };
    let server = TestServer::with_export_time(limits, 60 * SECOND);
    let mut browser = admin::create_first_account(&server);
    store_leads(&server.sqlite(), MANY);
    let _stalled = begin_export(&browser);
    let free = || browser.export("format=csv&status=archived").status == 200;
    assert!(wait_until(free), "its turn is over");
}

#[test]
fn an_export_that_takes_too_long_to_write_is_answered_503() {
    let server = TestServer::with_export_time(Limits::default(), Duration::from_millis(1));
    let mut browser = admin::create_first_account(&server);
    store_leads(&server.sqlite(), MANY);
    for format in ["csv", "xlsx"] {
        let answer = browser.export(&format!("format={format}"));
        answer.assert_error(503, "unavailable");
        assert!(answer.body.contains("took too long"), "{answer:?}");
    }
    assert_eq!(admin::audit_rows_of(&server, "LEADS_EXPORTED").len(), 0);
}

#[test]
fn an_export_filled_the_disk_that_leads_need() {
    let Some(disk) = Disk::mount("256m") else { return };
    let folder = disk.path();
    let mut server = ServeProcess::start(folder);
    admin::add_account(folder, "jean");
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    store_leads(&Connection::open(folder.join("fastcore.db")).expect("it"), MANY);
    // The WAL takes no space that would become free later.
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let wal = folder.join("fastcore.db-wal");
    let is_empty = || std::fs::metadata(&wal).is_ok_and(|wal| wal.len() == 0);
    assert!(wait_until(is_empty));
    // Room for a part of the file, which leaves twice the reserve of leads.
    let is_left = || {
        disk.leave_free(136 << 20);
        std::thread::sleep(SECOND / 2);
        disk.free_bytes() < 138 << 20
    };
    assert!(wait_until(is_left), "{}", disk.free_bytes());
    let free = disk.free_bytes();
    for format in ["csv", "xlsx", "jsonl"] {
        let answer = browser.export(&format!("format={format}"));
        let left = (free, disk.free_bytes(), std::fs::metadata(&wal).map(|wal| wal.len()));
        assert_eq!(answer.status, 503, "{format}: {left:?}");
        answer.assert_error(503, "unavailable");
        assert!(answer.body.contains("less than 128 MiB would be left"), "{answer:?}");
        assert_eq!(post_lead(server.address, &lead()).status, 201);
        let arguments = ["export", "leads", "--format", format, "-o", "all"];
        let output = run(folder, &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("less than 128 MiB would be left"), "{said}");
        assert!(!folder.join("all").exists());
        let freed = || disk.free_bytes() + (2 << 20) > free;
        assert!(wait_until(freed), "{} of {free}", disk.free_bytes());
    }
    let other = tempfile::tempdir().expect("a folder");
    let file = other.path().join("all.csv");
    binary::succeed(folder, &["export", "leads", "-o", binary::text(&file)]);
    assert!(std::fs::metadata(&file).expect("a file").len() > 15_000_000);
    let script = format!("'{}' export leads > all.csv", env!("CARGO_BIN_EXE_fastcore"));
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(folder).output();
    let output = output.expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("less than 128 MiB"), "{said}");
    std::fs::remove_file(folder.join("all.csv")).expect("what was written");
    std::fs::remove_file(folder.join("filler")).expect("the filler");
    assert_eq!(browser.export("format=csv").status, 200);
    server.terminate();
}
