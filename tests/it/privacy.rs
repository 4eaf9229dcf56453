//! A person's leads: exported, erased from every file, purged after the retention period.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rand::seq::SliceRandom;
use serde_json::{Value, json};

use super::backup::stderr_text;
use super::process::{assert_kept, under_load};
use super::support::binary::{ServeProcess, command, run, sqlite3, succeed, text};
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::{lead, wait_until};
use super::tampering::{rewrite_chain, verify};

/// What is searched for in the files: text that no other lead contains.
pub(crate) const PERSON: [&str; 5] = [
    "Marguerite Trace-Unique",
    "trace.unique",
    "+33699887766",
    "Unique Traces SARL",
    "Mon pont élévateur de trace unique ne monte plus",
];

pub(crate) fn person(domain: &str) -> Value {
    let mut lead = lead();
    lead["name"] = json!(PERSON[0]);
    lead["email"] = json!(format!("{}@{domain}", PERSON[1]));
    lead["phone"] = json!(PERSON[2]);
    lead["company"] = json!(PERSON[3]);
    lead["message"] = json!(format!("{} depuis hier. {}", PERSON[4], "Encore. ".repeat(200)));
    lead
}

/// In which files of a folder these bytes stand.
pub(crate) fn files_with(folder: &Path, needle: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = fs::read(&path).unwrap_or_default();
        if String::from_utf8_lossy(&bytes).contains(needle) {
            files.push(path.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    files
}

/// No other files have it, once nobody reads the last copies any more and the server has overwritten them.
#[track_caller]
pub(crate) fn assert_only_in(folder: &Path, needle: &str, files: &[&str]) {
    wait_until(|| files_with(folder, needle) == files);
    assert_eq!(files_with(folder, needle), files, "{needle}");
}

fn count(folder: &Path, sql: &str) -> i64 {
    sqlite3(&folder.join("fastcore.db"), sql).expect(sql).parse().expect("a number")
}

const ERASED: &str = "SELECT count(*) FROM audit_log WHERE event = 'LEAD_ERASED'";

#[test]
fn no_file_contains_an_erased_person_while_a_server_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let address = served.address;
    let mut leads = [person("example.com"), person("EXAMPLE.com"), person("example.com")];
    leads[2]["email"] = json!("TRACE.Unique@example.com");
    let ((), seen) = under_load(address, 4, || {
        for lead in &leads {
            std::thread::sleep(Duration::from_millis(150));
            assert_eq!(post_lead(address, lead).status, 201);
        }
        let needles = || PERSON.into_iter().chain(["TRACE.Unique"]);
        for needle in needles() {
            assert!(!files_with(folder, needle).is_empty(), "{needle} is there before");
        }
        let arguments = [
            "gdpr",
            "erase",
            "--email",
            "Trace.UNIQUE@Example.COM",
            "--reason",
            "request",
            "--yes",
            "--certificate",
            "certificate.txt",
        ];
        succeed(folder, &arguments);
        for needle in needles() {
            assert_only_in(folder, needle, &[]);
        }
    });
    assert_eq!(count(folder, ERASED), 3);
    let certificate = fs::read_to_string(folder.join("certificate.txt")).expect("a certificate");
    let ids = "SELECT lead_id FROM audit_log WHERE event = 'LEAD_ERASED' ORDER BY seq";
    let ids = sqlite3(&folder.join("fastcore.db"), ids).expect("ids");
    let ledger = fs::read_to_string(folder.join("fastcore.db.erased")).expect("a ledger");
    for id in ids.lines() {
        assert!(certificate.contains(id), "{certificate}");
        assert!(ledger.lines().any(|line| line == id), "{ledger}");
    }
    for lead in &leads {
        post_lead(address, lead).assert_error(410, "lead_erased");
    }
    served.terminate();
    assert_kept(folder, &seen);
}

/// SQLite moves rows from page to page as others are deleted, and at times leaves copies in
/// the middle of pages (of one row in some thousands); those must not outlive the rows.
#[test]
fn no_copy_of_an_erased_row_remains_whatever_the_order_of_erasures() {
    let sizes = [20, 180, 700, 1900];
    let leads: Vec<Value> = (0..160)
        .map(|n| {
            let mut lead = lead();
            lead["message"] = json!(format!("<{n:04}>").repeat(sizes[n % 4] / 6 + 4));
            lead["email"] = json!(format!("n{n:04}@example.com"));
            lead
        })
        .collect();
    let database = Database::with(&leads);
    let mut order: Vec<usize> = (1..=leads.len()).collect();
    order.shuffle(&mut rand::rng());
    let (deleted, erased) = order.split_at(100);
    // Deletes like an erasure, but without wiping the pages afterwards.
    let conn = database.sqlite();
    conn.execute_batch("PRAGMA secure_delete = ON").expect("a pragma");
    for place in deleted {
        let id = database.lead_id(i64::try_from(*place).expect("small"));
        conn.execute_batch(&format!(
            "INSERT INTO audit_log (id, created_at_utc, event, lead_id, hash)
             VALUES ('{}', '2026-01-01T00:00:00.000000Z', 'LEAD_ERASED', '{id}', '{:064}');
             DELETE FROM lead_inbox WHERE id = '{id}'",
            uuid::Uuid::new_v4(),
            0
        ))
        .expect("deleted");
    }
    drop(conn);
    // The command refuses to continue a log whose last hash does not follow.
    database.tamper(rewrite_chain);
    leave_copies(&database.path(), deleted[0] - 1);
    let copies = |places: &[usize]| {
        let file = fs::read(database.path()).expect("the database");
        let held = String::from_utf8_lossy(&file);
        let marks = |n: usize| [format!("<{n:04}>"), format!("n{n:04}@")];
        let there = |place: &&usize| marks(**place - 1).iter().any(|mark| held.contains(mark));
        places.iter().filter(there).count()
    };
    assert_eq!(copies(&deleted[..1]), 1);
    assert_eq!(copies(erased), erased.len());
    for (done, place) in erased.iter().enumerate().take(6) {
        let id = database.lead_id(i64::try_from(*place).expect("small"));
        database.succeed(&["gdpr", "erase", "--lead", &id, "--reason", "mistake", "--yes"]);
        assert_eq!(copies(deleted) + copies(&erased[..=done]), 0, "after {done} of {order:?}");
    }
    assert_eq!(copies(&erased[6..]), erased.len() - 6);
    assert_eq!(database.one("PRAGMA integrity_check"), "ok");
}

/// Puts a row's text where SQLite leaves copies, so that one is sure to be there: into the unused
/// middle of every leaf page.
fn leave_copies(database: &Path, n: usize) {
    let mut file = fs::read(database).expect("the database");
    let mut pages = 0;
    for page in file.chunks_exact_mut(4096).filter(|page| page[0] == 0x0d) {
        let word = |at: usize| usize::from(page[at]) << 8 | usize::from(page[at + 1]);
        let (unused, cells) = (8 + 2 * word(3), word(5));
        if cells >= unused + 6 {
            page[unused..unused + 6].copy_from_slice(format!("<{n:04}>").as_bytes());
            pages += 1;
        }
    }
    assert!(pages > 10, "{pages}");
    fs::write(database, file).expect("written");
}

/// A database with one lead for each value of a field.
fn with_each(field: &str, values: &[&str]) -> Database {
    let leads: Vec<Value> = values
        .iter()
        .map(|value| {
            let mut lead = lead();
            lead[field] = json!(value);
            lead
        })
        .collect();
    Database::with(&leads)
}

fn stored(database: &Database) -> String {
    database.one("SELECT coalesce(group_concat(audit_seq), '') FROM lead_inbox")
}

#[test]
fn an_address_in_another_case_or_form_survived_the_erasure_of_its_person() {
    let database = with_each(
        "email",
        &[
            "Jean@Électricité.fr",
            "JEAN@xn--lectricit-93aj.fr",
            "jean@XN--LECTRICIT-93AJ.FR",
            "jean@électricité.fr",
            "jean@electricite.fr",
            "jean.x@électricité.fr",
            "je.an+devis@électricité.fr",
            "jéan@électricité.fr",
        ],
    );
    let export = database.run(&["gdpr", "export", "--email", "JeAn@ÉLECTRICITÉ.FR"]);
    let held: Value = serde_json::from_slice(&export.stdout).expect("JSON");
    assert_eq!(held["leads"].as_array().map(Vec::len), Some(4), "{held}");
    let near = ["jean@electricite.fr", "je.an+devis@électricité.fr", "jéan@électricité.fr"];
    for address in near {
        let line = format!("Similar, not included: {address}\n");
        assert!(stderr_text(&export).contains(&line), "{}", stderr_text(&export));
    }
    assert!(!stderr_text(&export).contains("jean.x@"));
    let erase = |address: &str| {
        let erase = ["gdpr", "erase", "--email", address, "--reason", "request", "--yes"];
        database.run(&[&erase[..], &["--certificate", "certificate.txt"]].concat())
    };
    assert!(erase("JEAN@xn--lectricit-93aj.FR").status.success());
    assert_eq!(stored(&database), "5,6,7,8");
    let certificate = database.folder().join("certificate.txt");
    assert!(fs::read_to_string(&certificate).expect("a file").contains("4 lead(s)"));
    fs::remove_file(&certificate).expect("removed");
    assert_eq!(verify(&database, &[]).0, Some(0));

    // A certificate of nothing said that somebody's data had been erased.
    let again = erase("jean@électricité.fr");
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr_text(&again).contains("no lead has the email"), "{}", stderr_text(&again));
    assert!(stderr_text(&again).contains(near[0]), "{}", stderr_text(&again));
    assert!(!certificate.exists());
    let rows = database.one("SELECT count(*) FROM audit_log");
    let none =
        database.run(&["gdpr", "export", "--email", "nobody@example.com", "-o", "none.json"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(!database.folder().join("none.json").exists());
    assert_eq!(database.one("SELECT count(*) FROM audit_log"), rows);
}

#[test]
fn a_person_could_not_be_found_by_a_telephone_number_that_was_written_otherwise() {
    let database = with_each(
        "phone",
        &[
            "06 12 34 56 78",
            "+33 (0)6.12.34.56.78",
            "0033612345678",
            "06-12-34-56-78 poste 12",
            "0612345678 / 04 72 11 22 33",
            "+41 61 234 56 78",
            "07 12 34 56 78",
            "aucun",
        ],
    );
    for number in ["+33612345678", "06.12.34.56.78"] {
        let held = database.succeed(&["gdpr", "export", "--phone", number]);
        let held: Value = serde_json::from_str(&held).expect("JSON");
        assert_eq!(held["leads"].as_array().map(Vec::len), Some(5), "{held}");
        let details = database.one("SELECT details_json FROM audit_log ORDER BY seq DESC LIMIT 1");
        assert!(details.contains(r#""filter":{"phone":"***"}"#), "{details}");
    }
    let erase = ["gdpr", "erase", "--phone", "0612345678", "--reason", "request", "--yes"];
    database.succeed(&erase);
    assert_eq!(stored(&database), "6,7,8");
    assert_eq!(database.run(&erase).status.code(), Some(1));
    let invalid = ["gdpr", "export", "--phone", "aucun"];
    assert_eq!(database.run(&invalid).status.code(), Some(2));
    let two = ["gdpr", "export", "--phone", "0612345678", "--email", "a@example.com"];
    assert_eq!(database.run(&two).status.code(), Some(2));
}

#[test]
fn a_search_for_the_other_spelling_of_a_domain_found_nothing() {
    let database = with_each("email", &["jean@Électricité.fr", "anne@xn--lectricit-93aj.fr"]);
    for query in ["électricité.fr", "xn--lectricit-93aj.fr"] {
        let found = database.succeed(&["lead", "list", "--query", query]);
        assert_eq!(found.lines().count(), 2, "{query}: {found}");
    }
}

#[test]
fn an_unconfirmed_erasure_erases_nothing() {
    let database = Database::sample();
    let before = database.dump();
    for arguments in [
        &["gdpr", "erase", "--email", "jean@example.com", "--reason", "request"][..],
        &["gdpr", "purge", "--older-than", "0s"],
        &["gdpr", "erase", "--email", "jean@example.com", "--reason", "because", "--yes"],
        &["gdpr", "erase", "--reason", "request", "--yes"],
        &["gdpr", "purge", "--older-than", "long", "--yes"],
    ] {
        assert_eq!(database.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let id = uuid::Uuid::new_v4().to_string();
    let unknown = ["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes"];
    assert_eq!(database.run(&unknown).status.code(), Some(1));
    assert_eq!(database.dump(), before);
}

#[test]
fn a_subject_export_is_complete_and_audited_without_the_address() {
    let database = Database::sample();
    database.succeed(&["gdpr", "export", "--email", "jean@EXAMPLE.com", "-o", "jean.json"]);
    let held = fs::read_to_string(database.folder().join("jean.json")).expect("a file");
    let held: Value = serde_json::from_str(&held).expect("JSON");
    assert_eq!(held["leads"].as_array().map(Vec::len), Some(5));
    assert_eq!(held["leads"][1]["status"], "processing");
    let events = held["leads"][0]["audit_log"].as_array().expect("rows");
    let events: Vec<_> = events.iter().map(|row| row["event"].as_str().expect("text")).collect();
    assert_eq!(events, ["LEAD_RECEIVED", "LEAD_DUPLICATE", "LEAD_CONFLICT"]);
    let details = database.one("SELECT details_json FROM audit_log ORDER BY seq DESC LIMIT 1");
    assert!(details.contains(r#""what":"person""#) && !details.contains("jean@"), "{details}");
}

#[test]
fn a_purge_erases_older_leads_and_a_dry_run_counts_them() {
    let database = Database::with(&std::array::from_fn::<_, 7, _>(|_| lead()));
    database.tamper_sql(
        "UPDATE lead_inbox SET created_at_utc = '2019-12-31T00:00:00.000000Z' WHERE audit_seq <= 3",
    );
    let would = database.succeed(&["gdpr", "purge", "--older-than", "1095d", "--dry-run"]);
    assert!(would.starts_with("3 leads"), "{would}");
    assert_eq!(database.one("SELECT count(*) FROM lead_inbox"), "7");
    let done = database.succeed(&["gdpr", "purge", "--older-than", "3y", "--yes", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&done).expect("JSON"), json!({ "erased": 3 }));
    assert_eq!(database.one("SELECT group_concat(audit_seq) FROM lead_inbox"), "4,5,6,7");
    let reasons = "SELECT DISTINCT details_json FROM audit_log WHERE event = 'LEAD_ERASED'";
    assert_eq!(database.one(reasons), r#"{"reason":"retention"}"#);
}

#[test]
fn an_erasure_killed_at_any_point_is_all_or_nothing_and_the_next_one_completes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let arguments =
        ["gdpr", "erase", "--email", "Trace.UNIQUE@example.com", "--reason", "request", "--yes"];
    let mut cut_off = 0;
    for round in 0..30 {
        for _ in 0..3 {
            assert_eq!(post_lead(served.address, &person("example.com")).status, 201);
        }
        let mut child = command(folder, &arguments).stderr(Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(Duration::from_micros(rand::random_range(0..120_000)));
        cut_off += u32::from(child.try_wait().expect("a child").is_none());
        child.kill().expect("killed");
        child.wait().expect("ended");
        let left = count(folder, "SELECT count(*) FROM lead_inbox");
        let erased = count(folder, ERASED);
        assert!(left % 3 == 0 && left + erased == 3 * (round + 1), "{left} and {erased}");
        let ledger = fs::read_to_string(folder.join("fastcore.db.erased")).unwrap_or_default();
        assert!(i64::try_from(ledger.lines().count()).expect("few") >= erased, "none is left out");
    }
    println!("{cut_off} of 30 were cut off");
    // It may have nothing left to erase, and finishes what was interrupted.
    assert!(matches!(run(folder, &arguments).status.code(), Some(0 | 1)));
    for needle in PERSON {
        assert_only_in(folder, needle, &[]);
    }
    served.terminate();
    assert!(
        run(folder, &["audit", "verify", "--database-url", text(&folder.join("fastcore.db"))])
            .status
            .success()
    );
}

/// Another process that reads the database as it was kept the whole erasure from being done, and its second
/// run said that there was nothing to erase.
#[test]
fn an_erasure_failed_while_another_process_was_reading() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let answer = post_lead(served.address, &person("example.com"));
    let id = answer.json()["leadId"].as_str().expect("an id").to_owned();
    let reader = rusqlite::Connection::open(folder.join("fastcore.db")).expect("the database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM lead_inbox;").expect("a read transaction");

    let report = folder.join("report.json");
    let arguments = ["gdpr", "erase", "--lead", &id, "--reason", "request", "--yes", "--json"];
    let erasure: Value = serde_json::from_str(&succeed(folder, &arguments)).expect("JSON");
    assert_eq!(
        (erasure["leads"].as_array().map(Vec::len), &erasure["wiped"]),
        (Some(1), &json!(false))
    );
    assert_eq!(count(folder, "SELECT count(*) FROM lead_inbox"), 0);
    let certificate = || succeed(folder, &["gdpr", "certificate", &id]);
    assert!(certificate().contains("Copies may be left"), "{}", certificate());

    drop(reader);
    let wiped = || certificate().contains("Nothing of them is left");
    assert!(wait_until(wiped), "{}", certificate());
    for needle in PERSON {
        assert_only_in(folder, needle, &[]);
    }
    served.terminate();
    succeed(folder, &["gdpr", "certificate", &id, "-o", text(&report)]);
    assert_eq!(fs::read_to_string(report).expect("a certificate"), certificate());
    let unknown = run(folder, &["gdpr", "certificate", "0198a6f2-0000-7000-8000-000000000001"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
}

#[test]
fn a_purged_lead_s_certificate_named_the_leads_of_other_people() {
    let database = Database::with(&[lead(), person("example.com"), person("example.com"), lead()]);
    let leads = [1, 2, 3, 4].map(|place| database.lead_id(place));
    let email = "trace.unique@example.com";
    database.succeed(&["gdpr", "erase", "--email", email, "--reason", "request", "--yes"]);
    database.succeed(&["gdpr", "purge", "--older-than", "0s", "--yes"]);
    let named = |id: &str| {
        let certificate = database.succeed(&["gdpr", "certificate", id]);
        leads.each_ref().map(|lead| certificate.contains(lead.as_str()))
    };
    assert_eq!(named(&leads[0]), [true, false, false, false]);
    assert_eq!(named(&leads[1]), [false, true, true, false], "one person's leads");
    assert_eq!(named(&leads[3]), [false, false, false, true]);
    let certificate = database.succeed(&["gdpr", "certificate", &leads[0]]);
    assert!(certificate.contains("1 lead(s) were erased for the address jea***"), "{certificate}");
}
