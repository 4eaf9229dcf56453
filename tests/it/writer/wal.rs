//! The WAL: truncated when the writer is idle and at every start.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

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
    let empty = wait_until(|| size(&database) == 0);
    assert!(empty, "it stays at {} bytes", size(&database));
    server.terminate();
    drop(other);
    assert_sound(&database);
}

#[test]
fn an_endless_stream_of_readers_made_the_wal_grow_without_bound() {
    let server = TestServer::start();
    let is_over = AtomicBool::new(false);
    let largest = AtomicU64::new(0);
    std::thread::scope(|scope| {
        // At any moment one of them reads, and no snapshot is the newest for long.
        for _ in 0..4 {
            scope.spawn(|| {
                let reader = server.sqlite();
                while !is_over.load(Ordering::Relaxed) {
                    reader
                        .execute_batch("BEGIN; SELECT count(*) FROM lead_inbox")
                        .expect("a snapshot");
                    std::thread::sleep(Duration::from_millis(8));
                    reader.execute_batch("COMMIT").expect("its end");
                    largest.fetch_max(size(&server.database()), Ordering::Relaxed);
                }
            });
        }
        let bodies = std::iter::repeat_with(|| {
            let mut lead = lead();
            lead["message"] = "Mon compresseur ne démarre plus. ".repeat(60).into();
            lead
        });
        let bodies: Vec<_> = bodies.take(2500).collect();
        let address = server.address;
        let posting = scope.spawn(move || send_all(address, &bodies, 1));
        let answers = posting.join();
        is_over.store(true, Ordering::Relaxed);
        assert!(answers.expect("answers").iter().all(|answer| answer.status == 201));
    });
    let largest = largest.into_inner();
    assert!(largest < 80 << 20, "the WAL had {largest} bytes");
}
