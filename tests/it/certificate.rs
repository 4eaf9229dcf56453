//! What the certificate of an erasure says of what stays.

use std::fs;

use serde_json::{Value, json};

use super::support::binary::command;
use super::support::database::Database;

#[test]
fn a_certificate_said_nothing_of_the_copies_that_stay() {
    let database = Database::sample();
    let run = |arguments: &[&str]| {
        let mut command = command(database.folder(), arguments);
        let output = command.env("FASTCORE_BACKUP_DIR", "backups").output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let seq = || database.one("SELECT cast(max(seq) AS TEXT) FROM audit_log");
    fs::create_dir(database.folder().join("backups")).expect("a folder");
    run(&["backup", "create", "backups/fastcore-20200131T030000Z.db"]);
    run(&["backup", "create", "by-hand.db"]);
    let manual = seq();
    run(&["export", "leads", "-o", "leads.csv"]);
    let leads = seq();
    run(&["export", "audit", "-o", "audit.csv"]);
    let audit = seq();
    let address = database.one("SELECT email FROM lead_inbox WHERE audit_seq = 1");
    run(&["gdpr", "export", "--email", &address, "-o", "person.json"]);
    let person = seq();

    let id = database.lead_id(1);
    let erase = ["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes", "--json"];
    let report: Value = serde_json::from_str(&run(&erase)).expect("JSON");
    // What is made afterwards does not contain the lead.
    run(&["export", "leads", "-o", "later.csv"]);
    run(&["backup", "create", "later.db"]);

    let remains = &report["remains"];
    let seqs = |of: &str| -> Vec<String> {
        let copies = remains[of].as_array().expect(of).iter();
        copies.map(|copy| copy["audit_seq"].to_string()).collect()
    };
    assert!(seqs("manual_backups").contains(&manual), "{remains}");
    assert_eq!(seqs("exports"), [leads.as_str(), &person], "{remains}");
    let backup = &remains["scheduled_backups"];
    assert_eq!(backup[0]["file"], "fastcore-20200131T030000Z.db", "{remains}");
    assert_eq!(backup[0]["taken_at"], "2020-01-31T03:00:00.000000Z", "{remains}");
    assert_eq!(remains["backups_kept_hours"], json!(24 * 14));

    let certificate = run(&["gdpr", "certificate", &id]);
    let rows = |rest: &str| -> Vec<String> {
        let (_, list) = certificate.split_once(rest).expect(rest);
        let lines = list.lines().skip(1).take_while(|line| !line.is_empty());
        lines.map(|line| line.rsplit("  ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(rows("Exports between the receipt and the erasure"), [leads.as_str(), &person]);
    assert_eq!(rows("Backups taken by hand"), seqs("manual_backups"));
    assert!(!rows("Exports between").contains(&audit), "{certificate}");
    assert!(
        certificate.contains("\nfastcore-20200131T030000Z.db  2020-01-31T03:00:00.000000Z\n"),
        "{certificate}"
    );
    for said in [
        "hash of the\n  IP address",
        "Litestream",
        "identifiers of\n  the lead and of its submission",
        "logs and mail of the site, logs of the reverse proxy",
        "journaux et courriels du site",
        "les journaux du serveur mandataire",
    ] {
        assert!(certificate.contains(said), "{said}: {certificate}");
    }
}

#[test]
fn a_certificate_of_a_lead_that_nobody_has_copied_lists_no_copies() {
    let database = Database::sample();
    let id = database.lead_id(1);
    database.succeed(&["gdpr", "erase", "--lead", &id, "--reason", "mistake", "--yes"]);
    let certificate = database.succeed(&["gdpr", "certificate", &id]);
    assert!(certificate.contains("What stays:"), "{certificate}");
    for title in ["Scheduled backups", "Earlier copies", "taken by hand", "Exports between"] {
        assert!(!certificate.contains(title), "{title}: {certificate}");
    }
}

#[test]
fn a_certificate_lists_the_newest_of_many_exports() {
    let database = Database::sample();
    let id = database.lead_id(1);
    for _ in 0..22 {
        database.succeed(&["export", "leads", "-o", "leads.csv"]);
    }
    let last = database.one("SELECT cast(max(seq) AS TEXT) FROM audit_log");
    database.succeed(&["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"]);
    let certificate = database.succeed(&["gdpr", "certificate", &id]);
    let (_, list) = certificate.split_once("Exports between").expect("exports");
    let list: Vec<_> = list.lines().skip(1).take_while(|line| !line.is_empty()).collect();
    assert_eq!(list.len(), 21, "{certificate}");
    assert!(list[0].contains("2 more"), "{certificate}");
    assert!(list[20].ends_with(&last), "{certificate}");
}
