//! Each kind of trouble that the server itself looks for begins an alert, and its end ends it.

use std::fs::{self, OpenOptions};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use super::alerts::{MovedClock, event, folder, phases, start, wait_for};
use super::notices::{SECRET, hooks};
use super::support::binary::{StalledServer, succeed, text};
use super::support::http::post_lead;
use super::support::receivers::{HookReceiver, OK};
use super::support::tls::Authority;
use super::support::{IS_INDEXED, lead, wait_until};
use super::tls::certificate::serve_command;

#[test]
fn a_search_index_that_had_to_be_rebuilt_is_an_alert() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    let mut settings = hooks(&receiver.url(), &[]);
    settings.alerts.recent = Duration::from_secs(15);
    let server = start(folder(), &clock, settings);
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    assert!(server.eventually(|| server.number(IS_INDEXED) == 1));
    // The record of the index's structure.
    server.sqlite().execute_batch("DELETE FROM lead_search_data WHERE id = 10").expect("damaged");
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    wait_for(&receiver, "search_index_rebuilt", &["began", "ended"]);
    let event = event(&receiver, "search_index_rebuilt");
    assert!(event["data"]["cure"].as_str().is_some_and(|cure| cure.contains("check")), "{event}");
}

#[test]
fn a_backup_that_is_late_is_an_alert_until_there_is_one() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    clock.advance(TimeDelta::days(-8));
    let server = start(folder(), &clock, hooks(&receiver.url(), &[]));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(phases(&receiver, "backup_old"), [""; 0], "nothing is that old yet");
    clock.advance(TimeDelta::days(8));
    wait_for(&receiver, "backup_old", &["began"]);
    let backup = server.folder().join("backup.db");
    succeed(server.folder(), &["backup", "create", text(&backup)]);
    wait_for(&receiver, "backup_old", &["began", "ended"]);
}

#[test]
fn a_large_write_ahead_log_is_an_alert() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    let server = start(folder(), &clock, hooks(&receiver.url(), &[]));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let path = server.folder().join("fastcore.db-wal");
    let size = fs::metadata(&path).expect("the file").len();
    let wal = OpenOptions::new().write(true).open(path).expect("the file");
    // Zeroes are no frames of it.
    wal.set_len(300 << 20).expect("a size");
    wait_for(&receiver, "wal_large", &["began"]);
    wal.set_len(size.max(4 << 20)).expect("a size");
    wait_for(&receiver, "wal_large", &["began", "ended"]);
    assert_eq!(post_lead(server.address, &lead()).status, 201);
}

#[test]
fn a_database_that_cannot_be_read_is_an_alert() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    let server = start(folder(), &clock, hooks(&receiver.url(), &[]));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let moved = server.folder().join("moved.db");
    fs::rename(server.database(), &moved).expect("moved");
    wait_for(&receiver, "database_unreadable", &["began"]);
    fs::rename(&moved, server.database()).expect("moved back");
    wait_for(&receiver, "database_unreadable", &["began", "ended"]);
    assert_eq!(post_lead(server.address, &lead()).status, 201);
}

/// With the intervals of production: a pipe that nobody reads is full after some 300 lines.
#[test]
fn lost_log_lines_and_a_certificate_of_five_days_are_alerts() {
    let (receiver, folder) = (HookReceiver::start(|_| OK), folder());
    let authority = Authority::new();
    authority.issue(-85, 5).write(folder.path());
    let mut serve = serve_command(folder.path());
    serve.env("FASTCORE_ALERT_WEBHOOK", receiver.url()).env("FASTCORE_WEBHOOK_SECRET", SECRET);
    let server = StalledServer::start(&mut serve);
    let mut client = authority.connect(server.address);
    let same = lead();
    for _ in 0..9000 {
        assert!([200, 201].contains(&client.post_lead(&same).status));
    }
    let began = |kind| phases(&receiver, kind) == ["began"];
    let told = || began("log_lines_dropped") && began("certificate_expiring");
    let came = wait_until(told);
    let all: Vec<Value> = receiver.received().iter().map(|request| request.json()).collect();
    assert!(came, "{all:#?}");
}
