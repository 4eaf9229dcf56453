//! A clock that was wrong: backups, codes, leads and erasures of that time.

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use super::backup::{names, stderr_text};
use super::support::admin::{self, Browser, START_TIME, TestClock};
use super::support::binary::{ServeProcess, command};
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::{TOKEN, lead};
use super::tampering::rewrite_chain;

/// A server that takes backups into the folder `kept`.
fn scheduled(folder: &Path, every: &str) -> ServeProcess {
    let mut command = command(folder, &["serve", "--backup-keep", "2"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN);
    command.envs([("FASTCORE_BACKUP_DIR", "kept"), ("FASTCORE_BACKUP_EVERY", every)]);
    ServeProcess::spawn(&mut command)
}

fn findings(folder: &Path) -> Vec<Value> {
    let output = command(folder, &["check", "--json"]).output().expect("it runs");
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    findings.as_array().expect("a list").clone()
}

#[test]
fn a_backup_of_the_future_made_the_schedule_run_without_end_and_delete_its_backups() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut server = scheduled(folder, "1s");
    server.read_until("a backup was taken");
    server.terminate();
    // What a clock that was years ahead leaves: as many backups as are kept, and more.
    let kept = folder.join("kept");
    let taken = names(&kept).remove(0);
    let future = [1, 2, 3].map(|day| format!("fastcore-2999010{day}T000000Z.db"));
    for name in &future {
        fs::copy(kept.join(&taken), kept.join(name)).expect("a copy");
    }
    let mut server = scheduled(folder, "2s");
    server.read_until("dated in the future");
    server.read_until("a backup was taken");
    // As the log says: this test may read it late.
    let read_time = |server: &ServeProcess| {
        let line: Value = serde_json::from_str(server.log.last().expect("a line")).expect("JSON");
        DateTime::parse_from_rfc3339(line["timestamp"].as_str().expect("a time")).expect("a time")
    };
    let began = read_time(&server);
    for _ in 0..3 {
        server.read_until("a backup was taken");
    }
    let took = read_time(&server) - began;
    server.terminate();
    assert!(took > TimeDelta::seconds(5), "three intervals of two seconds took {took:?}");
    let left = names(&kept);
    assert!(future.iter().all(|name| left.contains(name)), "{left:?}");
    let backups = left.iter().filter(|name| name.ends_with("Z.db"));
    assert_eq!(backups.count(), future.len() + 2, "{left:?}");
    let findings = findings(folder);
    let backups: Vec<&Value> = findings.iter().filter(|f| f["check"] == "backup").collect();
    assert_eq!((&backups[0]["level"], &backups[1]["level"]), (&"ok".into(), &"warning".into()));
    let detail = backups[1]["detail"].as_str().expect("text");
    assert!(detail.contains("3 in ") && detail.contains(&future[2]), "{detail}");
}

#[test]
fn a_code_was_refused_for_half_a_year_after_the_clock_had_been_ahead() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let shown = admin::add_account_with_totp(server.folder(), "jean");
    let mut browser = Browser::new(server.address);
    test_clock.advance(TimeDelta::days(200));
    let ahead = admin::totp_code(&shown, test_clock.now());
    assert_eq!(browser.sign_in_with_code("jean", &ahead).status, 200);
    test_clock.advance(TimeDelta::days(-200));
    let right = admin::totp_code(&shown, test_clock.now());
    assert_eq!(browser.sign_in_with_code("jean", &right).status, 200);
    // It is used up like any other.
    browser.sign_in_with_code("jean", &right).assert_error(401, "unauthorized");
}

#[test]
fn a_session_opened_while_the_clock_was_ahead_lived_half_a_year_too_long() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    admin::add_account(server.folder(), "jean");
    let mut browser = Browser::new(server.address);
    test_clock.advance(TimeDelta::days(200));
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    assert!(browser.is_signed_in());
    test_clock.advance(TimeDelta::days(-200));
    assert!(!browser.is_signed_in());
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    assert!(browser.is_signed_in());
    let sessions = "SELECT count(*) FROM staff_session";
    assert_eq!(server.number(sessions), 1, "the one of the future is gone");
}

#[test]
fn a_lead_of_the_future_filled_the_statistics_with_empty_days() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = admin::create_first_account(&server);
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    test_clock.advance(TimeDelta::days(200));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    test_clock.advance(TimeDelta::days(-200));
    let stats = browser.read("/admin/api/stats?by=day&zone=UTC");
    let days = stats["series"].as_array().expect("a list").len();
    assert!(days < 10, "{days} days: {stats}");
}

#[test]
fn leads_of_the_future_went_unnoticed_once_the_clock_was_right_again() {
    let test_clock = TestClock::at(START_TIME);
    let server = test_clock.server(None);
    let mut browser = admin::create_first_account(&server);
    test_clock.advance(TimeDelta::days(200));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    test_clock.advance(TimeDelta::days(-200));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let status = browser.read("/admin/api/status");
    assert_eq!(status["warnings"][0]["code"], "clock_was_ahead", "{status}");

    let database = Database::sample();
    let future =
        "UPDATE audit_log SET created_at_utc = '2999-01-01T00:00:00.000000Z' WHERE seq = 2";
    database.tamper_sql(future);
    let findings = findings(database.folder());
    let clock = findings.iter().find(|finding| finding["check"] == "clock").expect("a line");
    assert_eq!(clock["level"], "warning");
    assert!(clock["detail"].as_str().expect("text").contains("2999-01-01"), "{clock}");
}

#[test]
fn a_purge_by_a_wrong_clock_erased_leads_that_had_just_arrived() {
    let database = Database::sample();
    // As a clock that is years ahead sees them; and one that is behind.
    for year in ["2020", "2999"] {
        let audit =
            format!("UPDATE audit_log SET created_at_utc = '{year}' || substr(created_at_utc, 5)");
        let leads = "UPDATE lead_inbox SET created_at_utc = '2020' || substr(created_at_utc, 5)";
        database.tamper_sql(&format!("{audit}; {leads}"));
        database.tamper(rewrite_chain);
        let purge = ["gdpr", "purge", "--older-than", "1095d", "--yes"];
        let output = database.run(&purge);
        assert_eq!(output.status.code(), Some(1), "{}", stderr_text(&output));
        assert!(stderr_text(&output).contains("--clock-is-right"), "{}", stderr_text(&output));
        assert_eq!(database.one("SELECT count(*) FROM lead_inbox"), "5");
        let counted = database.run(&["gdpr", "purge", "--older-than", "1095d", "--dry-run"]);
        assert!(counted.status.success() && stderr_text(&counted).contains("the clock says"));
    }
    database.succeed(&["gdpr", "purge", "--older-than", "1095d", "--yes", "--clock-is-right"]);
    assert_eq!(database.one("SELECT count(*) FROM lead_inbox"), "0");
}
