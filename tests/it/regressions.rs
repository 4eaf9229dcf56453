//! One test for each fixed bug, named after what went wrong.

use std::fs::{self, File};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

use super::support::binary::{command, free_address, run, succeed};
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::{TOKEN, lead, wait_until};

/// Serves with a standard error of the test's choosing, takes a lead, and ends.
#[track_caller]
fn takes_a_lead_and_ends(stderr: Stdio, then: impl FnOnce(&mut Child)) {
    let folder = tempfile::tempdir().expect("a folder");
    let address = free_address();
    let mut server = command(folder.path(), &["serve"])
        .env("FASTCORE_LISTEN", address.to_string())
        .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
        .stderr(stderr)
        .spawn()
        .expect("the binary runs");
    let listens = wait_until(|| TcpStream::connect(address).is_ok());
    then(&mut server);
    let status = listens.then(|| post_lead(address, &lead()).status);
    let _ = kill_process(Pid::from_child(&server), Signal::TERM);
    let ended = server.wait().expect("it ends");
    assert_eq!((status, ended.code()), (Some(201), Some(0)));
}

#[test]
fn a_log_on_a_full_disk_stopped_the_server() {
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    takes_a_lead_and_ends(full.into(), |_| {});
}

#[test]
fn a_closed_log_pipe_stopped_the_server() {
    takes_a_lead_and_ends(Stdio::piped(), |server| drop(server.stderr.take()));
}

#[test]
fn an_interrupted_first_start_left_a_database_taken_for_another_program_s() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("fastcore.db");
    // What the disk contains when the power goes after the history's table and before the first
    // migration.
    let begun = Connection::open(&database).expect("a database");
    begun
        .execute_batch(
            "PRAGMA application_id = 1178817093; CREATE TABLE refinery_schema_history (version \
             INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255));",
        )
        .expect("a history");
    drop(begun);
    succeed(folder.path(), &["migrate"]);
    succeed(folder.path(), &["audit", "verify"]);
}

#[test]
fn a_database_with_only_its_header_is_recognised() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("fastcore.db"), b"").expect("a file");
    succeed(folder.path(), &["migrate"]);
    succeed(folder.path(), &["migrate"]);
}

#[test]
fn an_export_overwrote_the_database() {
    let database = Database::sample();
    for name in ["fastcore.db", "./fastcore.db", "fastcore.db-wal", "fastcore.db.lock"] {
        let output = run(database.folder(), &["export", "leads", "-o", name]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains("belongs to the database"), "{name}: {said}");
    }
    database.succeed(&["audit", "verify"]);
}

#[test]
fn a_token_given_in_place_of_its_file_was_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = command(folder.path(), &["serve"])
        .env("FASTCORE_LISTEN", "127.0.0.1:0")
        .env("FASTCORE_SITE_INGEST_TOKEN_FILE", TOKEN)
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FASTCORE_SITE_INGEST_TOKEN_FILE") && !said.contains(TOKEN), "{said}");
}
