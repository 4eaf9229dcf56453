//! The WAL: truncated when the writer is idle and at every start.

use std::path::Path;

use rustix::process::Signal;

use super::{assert_sound, send_all};
use crate::support::binary::ServeProcess;
use crate::support::lead;
use crate::support::server::TestServer;
use crate::support::wait_until;

/// The file's size; 0 where there is none.
fn size(database: &Path) -> u64 {
    let file = fastcore::store::paths::sidecar_path(database, "-wal");
    std::fs::metadata(file).map_or(0, |meta| meta.len())
}

#[test]
fn the_wal_is_truncated_when_idle() {
    let server = TestServer::start();
    let bodies: Vec<_> = (0..200).map(|_| lead()).collect();
    send_all(server.address, &bodies, 4);
    let database = server.database();
    assert!(server.eventually(|| size(&database) == 0), "{} bytes are left", size(&database));
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 200);
}

#[test]
fn a_long_reader_only_delays_the_wal_truncation() {
    let server = TestServer::start();
    let reader = server.sqlite();
    let count = |conn: &rusqlite::Connection| -> i64 {
        conn.query_row("SELECT count(*) FROM lead_inbox", [], |row| row.get(0)).expect("a number")
    };
    reader.execute_batch("BEGIN").expect("a snapshot");
    assert_eq!(count(&reader), 0);
    let bodies: Vec<_> = (0..50).map(|_| lead()).collect();
    for answer in send_all(server.address, &bodies, 4) {
        assert_eq!(answer.status, 201);
    }
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(size(&server.database()) > 0, "the log was emptied under a reader");
    assert_eq!(count(&reader), 0, "a snapshot is of one moment");
    drop(reader);
    assert!(server.eventually(|| size(&server.database()) == 0));
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 50);
}

#[test]
fn the_wal_left_by_a_crash_is_truncated_before_serving() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("fastcore.db");
    let mut server = ServeProcess::start(folder.path());
    let bodies: Vec<_> = (0..300).map(|_| lead()).collect();
    send_all(server.address, &bodies, 4);
    // Another tool has the database open, if idly: it keeps SQLite from emptying the log by itself
    // whenever a connection is closed as the last.
    let other = rusqlite::Connection::open(&database).expect("the database");
    let count = |sql| other.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
    assert_eq!(count("SELECT count(*) FROM lead_inbox"), 300);
    server.signal(Signal::KILL);
    server.wait();
    let left = size(&database);
    assert!(left > 200_000, "the crash left only {left} bytes");

    let mut server = ServeProcess::start(folder.path());
    // The pages of the first probe, among them those of the lead that it takes back, are in it until the
    // writer is idle.
    let after = size(&database);
    assert!(after < 100_000, "{after} bytes");
    let empty = wait_until(std::time::Duration::from_secs(15), &mut || size(&database) == 0);
    assert!(empty, "it stays at {} bytes", size(&database));
    server.terminate();
    drop(other);
    assert_sound(&database);
}
