//! `check`: every check is `ok` on a healthy database, and each problem is a finding with a hint.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta};
use fastcore::app::backup::folder::BackupSchedule;
use fastcore::app::status::check_findings::check;
use fastcore::app::status::thresholds::Level;
use fastcore::clock::Clock;
use serde_json::Value;

use super::support::TOKEN;
use super::support::binary::{ServeProcess, command, text as path_str};
use super::support::database::Database;
use super::support::redact::redact;

/// The exit status, and the findings that are not `ok` as `level check`.
fn findings(database: &Database, variables: &[(&str, &str)]) -> (Option<i32>, Vec<String>) {
    let mut command = command(database.folder(), &["check", "--json"]);
    let output = command.envs(variables.iter().copied()).output().expect("it runs");
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let mut reported = Vec::new();
    for finding in findings.as_array().expect("a list") {
        if finding["level"] != "ok" {
            assert!(!text(finding, "hint").is_empty(), "{finding}");
            reported.push(format!("{} {}", text(finding, "level"), text(finding, "check")));
        }
    }
    (output.status.code(), reported)
}

/// The lines of `check` that are not `ok`, indented.
fn report(database: &Database) -> String {
    let output = database.run(&["check"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let text = text.replace(path_str(database.folder()), "<folder>");
    let lines = text.lines().filter(|line| !line.starts_with("ok "));
    let lines: Vec<String> = lines.map(|line| format!("    {line}\n")).collect();
    redact(&lines.concat())
}

#[test]
fn a_healthy_database_passes_with_and_without_a_server() {
    let database = Database::sample();
    database.succeed(&["backup", "create", "backup.db"]);
    assert_eq!(findings(&database, &[]), (Some(0), vec![]));
    let mut served = ServeProcess::start(database.folder());
    assert_eq!(findings(&database, &[]), (Some(0), vec![]));
    let text = database.succeed(&["check"]);
    assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
    served.terminate();
}

#[test]
fn each_problem_is_one_finding_with_a_hint() {
    type Damage = fn(&Database);
    let cases: [(&str, Damage); 10] = [
        ("warning backup", |_| {}),
        ("error modes", |d| {
            fs::set_permissions(d.path(), fs::Permissions::from_mode(0o644)).expect("a mode");
        }),
        ("error modes", |d| {
            fs::set_permissions(d.folder(), fs::Permissions::from_mode(0o777)).expect("a mode");
        }),
        ("error chain", |d| d.tamper_sql("UPDATE lead_inbox SET name = 'X' WHERE audit_seq = 1")),
        ("error ledger", |d| {
            fs::write(d.folder().join("fastcore.db.erased"), format!("{}\n", d.lead_id(1)))
                .expect("written");
        }),
        ("error ledger", |d| {
            let id = d.lead_id(1);
            d.succeed(&["gdpr", "erase", "--lead", &id, "--reason", "mistake", "--yes"]);
            fs::remove_file(d.folder().join("fastcore.db.erased")).expect("removed");
        }),
        ("error clock", |d| {
            let future = "created_at_utc = '2999-01-01T00:00:00.000000Z'";
            let newest = "seq = (SELECT max(seq) FROM audit_log)";
            d.tamper_sql(&format!("UPDATE audit_log SET {future} WHERE {newest}"));
        }),
        ("warning log", |d| {
            let log = fs::File::create(d.folder().join("fastcore.db-wal")).expect("a log");
            log.set_permissions(fs::Permissions::from_mode(0o600)).expect("a mode");
            log.set_len(600 << 20).expect("a sparse file takes no space");
        }),
        ("warning leftover", |d| {
            fs::write(d.folder().join("fastcore.db.before-restore-2026"), "x").expect("written");
        }),
        // As a killed export leaves it where a file cannot be written without a name.
        ("warning leftover", |d| {
            let two_hours_ago = SystemTime::now() - Duration::from_secs(2 * 3600);
            let file = fs::File::create(d.folder().join(".leads.csv.a1B2c3")).expect("a file");
            file.set_modified(two_hours_ago).expect("a time");
        }),
    ];
    let mut reports = String::new();
    for (reported, damage) in cases {
        let database = Database::sample();
        damage(&database);
        reports.push_str(&format!("{reported}\n{}", report(&database)));
        let (status, found) = findings(&database, &[]);
        assert!(found.iter().any(|f| f == reported), "{reported}: {found:?}");
        assert_eq!(status, Some(i32::from(reported.starts_with("error"))), "{reported}: {found:?}");
    }
    insta::assert_snapshot!(reports);
    let bare = Database::without_file();
    assert_eq!(findings(&bare, &[]), (Some(1), vec!["error database".to_owned()]));
}

#[test]
fn a_manual_backup_is_old_after_a_week() {
    let database = Database::sample();
    database.succeed(&["backup", "create", "backup.db"]);
    for (days, level) in [(6, Level::Ok), (8, Level::Warning)] {
        let clock = Clock::from_fn(move || Clock::system().now() + TimeDelta::days(days));
        let findings = check(&database.path(), &clock, None, None, None, 0, &mut |_| ());
        let backup = findings.iter().find(|finding| finding.check == "backup").expect("a line");
        assert_eq!(backup.level, level, "{findings:?}");
        assert!(backup.detail.contains(&format!("{days}days")), "{backup:?}");
    }
}

#[test]
fn a_scheduled_backup_is_late_once_it_has_missed_its_turn() {
    let database = Database::sample();
    fs::create_dir(database.folder().join("kept")).expect("a folder");
    database.succeed(&["backup", "create", "kept/fastcore-20260101T000000Z.db"]);
    let folder = database.folder().join("kept");
    let schedule = BackupSchedule { folder, every: Duration::from_secs(3600), keep: 2 };
    let level = |minutes: i64| {
        let taken = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").expect("a time").to_utc();
        let clock = Clock::from_fn(move || taken + TimeDelta::minutes(minutes));
        let findings = check(&database.path(), &clock, Some(&schedule), None, None, 0, &mut |_| ());
        findings.into_iter().find(|finding| finding.check == "backup").expect("a line").level
    };
    assert_eq!([119, 121].map(level), [Level::Ok, Level::Error]);
}

#[test]
fn bad_settings_and_a_failing_backup_schedule_are_findings() {
    let database = Database::sample();
    let variables =
        [("FASTCORE_BACKUP_DIR", "none"), ("FASTCORE_LISTN", "x"), ("LOG_LEVEL", "INFO")];
    let (status, found) = findings(&database, &variables);
    assert_eq!(
        (status, found),
        (Some(1), vec!["warning settings".to_owned(), "error backup".to_owned()])
    );
    let (status, found) = findings(&database, &[("FASTCORE_LISTEN", "0.0.0.0:8000")]);
    assert_eq!(
        (status, found),
        (Some(1), vec!["error settings".to_owned(), "warning backup".to_owned()])
    );
}

#[test]
fn check_did_not_know_the_settings_of_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut served = ServeProcess::spawn(
        command(folder.path(), &["serve", "--backup-keep", "7", "--backup-every", "1s"])
            .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
            .env("FASTCORE_BACKUP_DIR", "kept"),
    );
    served.read_until("a backup was taken");
    let settings = folder.path().join("fastcore.db.settings");
    let mode = fs::metadata(&settings).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!fs::read_to_string(&settings).expect("text").contains(TOKEN));
    served.terminate();
    let run = |variables: &[(&str, &str)]| {
        let mut command = command(folder.path(), &["check"]);
        let output = command.envs(variables.iter().copied()).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (status, text) = run(&[]);
    let kept = path_str(folder.path()).to_owned() + "/kept";
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(&format!("FASTCORE_BACKUP_DIR={kept}")), "{text}");
    // The backups of the server are missing: an error, as the service's own settings would give.
    fs::remove_dir_all(&kept).expect("removed");
    let (status, text) = run(&[]);
    assert!(status == Some(1) && text.contains("ERROR    backup      the backup folder"), "{text}");
    // What is set here comes first.
    let (_, text) = run(&[("FASTCORE_BACKUP_DIR", "elsewhere")]);
    assert!(text.contains("the backup folder elsewhere"), "{text}");
    // A server without backups leaves none of these settings.
    ServeProcess::start(folder.path()).terminate();
    let (status, text) = run(&[]);
    assert!(status == Some(0) && !text.contains("FASTCORE_BACKUP_DIR"), "{text}");
}

#[test]
fn secrets_that_others_can_read_went_unnoticed() {
    let database = Database::sample();
    database.succeed(&["backup", "create", "backup.db"]);
    let (env_file, file) = (database.folder().join(".env"), database.folder().join("token"));
    fs::write(&env_file, format!("FASTCORE_SITE_INGEST_TOKEN={TOKEN}\n")).expect("written");
    fs::write(&file, TOKEN).expect("written");
    let mode = |path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let in_file = ("FASTCORE_SITE_INGEST_TOKEN_PREVIOUS_FILE", path_str(&file));
    for (modes, found) in [((0o600, 0o640), 0), ((0o644, 0o640), 1), ((0o644, 0o604), 2)] {
        mode(&env_file, modes.0);
        mode(&file, modes.1);
        let expected = (Some(i32::from(found > 0)), vec!["error modes".to_owned(); found]);
        assert_eq!(findings(&database, &[in_file]), expected);
    }
    // The server says so at its start, and works.
    let mut server = command(database.folder(), &["serve"]);
    let mut served = ServeProcess::spawn(server.env(in_file.0, in_file.1));
    served.terminate();
    let warned = served.log.iter().filter(|line| line.contains("others can read it"));
    assert_eq!(warned.count(), 2, "{:?}", served.log);
    assert!(!served.log.join("").contains(TOKEN));
    // Without a secret in it, others may read it.
    fs::write(&env_file, "FASTCORE_SITE_INGEST_TOKEN=\nLOG_LEVEL=INFO\n").expect("written");
    assert_eq!(findings(&database, &[]), (Some(0), vec![]));
}
