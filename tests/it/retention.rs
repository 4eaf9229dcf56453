//! `serve` erases leads past their retention period by itself.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use super::support::admin::{self, Browser, TestClock};
use super::support::binary::{ServeProcess, command};
use super::support::database::Database;
use super::support::server::TestServer;
use super::support::{TOKEN, lead, wait_until};
use super::tampering::rewrite_chain;

/// Six leads, of which the first arrived so many days ago, and the second so many.
fn with_old_leads(days: [i64; 2]) -> Database {
    let database = Database::with(&std::array::from_fn::<_, 6, _>(|_| lead()));
    database.tamper(|conn| {
        for (seq, days) in [(1, days[0]), (2, days[1])] {
            let at = Utc::now() - TimeDelta::days(days);
            let at = at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            for table in [
                "audit_log SET created_at_utc = ?1 WHERE seq",
                "lead_inbox SET created_at_utc = ?1 WHERE audit_seq",
            ] {
                conn.execute(&format!("UPDATE {table} = ?2"), (&at, seq)).expect("changed");
            }
        }
        rewrite_chain(conn);
    });
    database
}

fn serve(database: &Database, retention: &str) -> ServeProcess {
    let mut command = command(database.folder(), &["serve", "--retention", retention]);
    ServeProcess::spawn(command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN))
}

fn finding(database: &Database) -> Value {
    let findings = database.run(&["check", "--json"]).stdout;
    let findings: Vec<Value> = serde_json::from_slice(&findings).expect("JSON");
    findings.into_iter().find(|it| it["check"] == "retention").unwrap_or_default()
}

#[test]
fn leads_past_their_retention_stayed_until_somebody_ran_a_command() {
    let database = with_old_leads([1100, 1080]);
    assert_eq!(finding(&database), Value::Null, "nothing is configured");
    admin::add_account(database.folder(), "jean");
    let mut server = serve(&database, "1095d");
    let left = || database.one("SELECT group_concat(audit_seq) FROM lead_inbox");
    assert!(wait_until(|| left() == "2,3,4,5,6"), "{}", left());
    let erased = "SELECT actor || details_json FROM audit_log WHERE event = 'LEAD_ERASED'";
    assert_eq!(database.one(erased), r#"schedule{"reason":"retention"}"#);
    // The second is foretold.
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", admin::PASSWORD).status, 200);
    let status = browser.read("/admin/api/status");
    assert_eq!(status["retention"], json!({"days": 1095, "leads_leaving": 1}));
    let found = finding(&database);
    assert_eq!(found["level"], "ok", "{found}");
    assert_eq!(found["detail"], "leads are erased after 1095 days; 1 leave in the next 30 days");
    let settings = database.run(&["check"]).stdout;
    let settings = String::from_utf8(settings).expect("text");
    assert!(settings.contains("FASTCORE_RETENTION=1095d"), "{settings}");
    server.terminate();

    // A server that no longer does it, as one with a wrong clock.
    let late = with_old_leads([1100, 1080]);
    let found =
        command(late.folder(), &["check", "--json"]).env("FASTCORE_RETENTION", "1095d").output();
    let found = String::from_utf8(found.expect("it runs").stdout).expect("text");
    assert!(found.contains("1 leads are older than 1095 days and not erased"), "{found}");
}

#[test]
fn retention_by_a_wrong_clock_erased_every_lead() {
    let database = with_old_leads([1100, 1080]);
    database.tamper_sql(
        "UPDATE audit_log SET created_at_utc = '2020-01-01T00:00:00.000000Z' WHERE seq > 2;
         UPDATE lead_inbox SET created_at_utc = '2020-01-01T00:00:00.000000Z' WHERE audit_seq > 2",
    );
    database.tamper(rewrite_chain);
    let mut server = serve(&database, "30d");
    server.read_until("leads past their retention period could not be erased");
    server.terminate();
    assert_eq!(database.one("SELECT count(*) FROM lead_inbox"), "6");
}

#[test]
fn a_copy_from_before_a_restore_kept_erased_people_for_ever() {
    let start = |days: i64| {
        let now = Utc::now() + TimeDelta::days(days) + TimeDelta::hours(12);
        let server = TestClock::at(&now.to_rfc3339()).server(None);
        for name in ["fastcore.db.before-restore-2026", "fastcore.db.before-migration-from-V1-2026"]
        {
            std::fs::write(server.folder().join(name), "leads").expect("a file");
        }
        server
    };
    let copies = |server: &TestServer| {
        let names = std::fs::read_dir(server.folder()).expect("a folder").flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().contains(".before-")).count()
    };
    let (young, old) = (start(29), start(30));
    assert_eq!(copies(&old), 2);
    assert!(old.eventually(|| copies(&old) == 0));
    assert_eq!(copies(&young), 2);
}

#[test]
fn a_certificate_did_not_name_the_copies_that_still_have_the_person() {
    let database = Database::sample();
    database.succeed(&["backup", "create", "backup.db"]);
    database.succeed(&["restore", "backup.db"]);
    let id = database.lead_id(1);
    let erase = ["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"];
    database.succeed(&[&erase[..], &["--certificate", "certificate.txt"]].concat());
    let certificate = std::fs::read_to_string(database.folder().join("certificate.txt"));
    let certificate = certificate.expect("a certificate");
    assert!(certificate.contains("\nfastcore.db.before-restore-"), "{certificate}");
    assert!(certificate.contains("30 days after they were made"), "{certificate}");
}

#[test]
fn a_retention_of_no_time_or_without_a_unit_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for value in ["0", "30", "1h", "-1d", "soon"] {
        let output = command(folder.path(), &["serve", &format!("--retention={value}")]).output();
        let output = output.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("--retention: "), "{value}: {said}");
    }
}
