//! The erasure ledger in folders of backups: what it contains, what a restore makes of it, and what happens
//! where it is damaged or cannot be written.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::backup::{names, scheduled, stderr_text};
use super::disk_faults::Disk;
use super::privacy::{PERSON, files_with, person};
use super::support::admin::{self, Browser, PASSWORD};
use super::support::binary::{ServeProcess, command, succeed, text};
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::{lead, wait_until};

const LEDGER: &str = "fastcore.db.erased";

/// A database with leads, of which the second is the person's, and a folder for backups.
fn with_person() -> (Database, TempDir) {
    let database = Database::with(&[lead(), person("example.com"), lead()]);
    (database, tempfile::tempdir().expect("a folder"))
}

fn back_up(database: &Database, folder: &Path, name: &str) -> Output {
    database.run(&["backup", "create", text(&folder.join(name))])
}

fn erase(database: &Database, id: &str) {
    database.succeed(&["gdpr", "erase", "--lead", id, "--reason", "request", "--yes"]);
}

/// The ids in a ledger.
fn ids(ledger: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(ledger).expect("a ledger");
    let (logs, ids): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("audit_log "));
    assert!(text.ends_with('\n') && logs.iter().all(|line| line.len() == 74), "{text}");
    assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()), "{text}");
    ids.into_iter().map(str::to_owned).collect()
}

/// Restores a backup on a machine that has nothing; what the command reports and says.
fn restore_elsewhere(backup: &Path) -> (Database, Value, String) {
    let machine = Database::without_file();
    let output = machine.run(&["restore", text(backup), "--json"]);
    assert!(output.status.success(), "{}", stderr_text(&output));
    let report = serde_json::from_slice(&output.stdout).expect("JSON");
    (machine, report, stderr_text(&output))
}

/// The person is neither in the database nor in the bytes of a file.
fn assert_person_is_gone(machine: &Database) {
    for needle in PERSON {
        assert_eq!(files_with(machine.folder(), needle), [""; 0], "{needle}");
    }
    assert_eq!(machine.one("SELECT count(*) FROM lead_inbox"), "2");
    machine.succeed(&["audit", "verify"]);
}

#[test]
fn a_backup_from_before_an_erasure_brought_a_person_back_on_another_machine() {
    let (database, kept) = with_person();
    let id = database.lead_id(2);
    assert!(back_up(&database, kept.path(), "monday.db").status.success());
    let ledger = kept.path().join(LEDGER);
    assert_eq!(ids(&ledger), BTreeSet::new(), "nothing was erased, and that is said");
    assert_eq!(fs::metadata(&ledger).expect("a file").permissions().mode() & 0o777, 0o600);
    erase(&database, &id);
    assert!(back_up(&database, kept.path(), "tuesday.db").status.success());
    assert_eq!(ids(&ledger), BTreeSet::from([id.clone()]));
    assert_eq!(names(kept.path()), [LEDGER, "monday.db", "tuesday.db"]);

    let (machine, report, said) = restore_elsewhere(&kept.path().join("monday.db"));
    assert_person_is_gone(&machine);
    assert_eq!(report["erased_again"], 1);
    assert_eq!(report["ledgers"], json!([{ "file": ledger, "ids": 1 }]));
    assert_eq!((&report["ledger_missing"], said.as_str()), (&json!(false), ""));
    // From now on, this machine knows it by itself.
    assert_eq!(ids(&machine.folder().join(LEDGER)), BTreeSet::from([id]));
    fs::remove_file(&ledger).expect("removed");
    machine.succeed(&["restore", text(&kept.path().join("monday.db"))]);
    assert_person_is_gone(&machine);
}

#[test]
fn an_erasure_after_the_newest_scheduled_backup_did_not_reach_the_other_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut served = scheduled(folder.path());
    for lead in [&lead(), &person("example.com"), &lead()] {
        assert_eq!(post_lead(served.address, lead).status, 201);
    }
    served.read_until("a backup was taken");
    served.read_until("a backup was taken");
    served.terminate();
    let kept = folder.path().join("kept");
    let newest = names(&kept).into_iter().rfind(|name| name.ends_with("Z.db")).expect("a backup");

    // No backup is taken any more, and the folder is known from what the server has left.
    let erase = ["gdpr", "erase", "--email", "trace.unique@example.com", "--reason", "request"];
    succeed(folder.path(), &[&erase[..], &["--yes"]].concat());
    let (machine, report, _) = restore_elsewhere(&kept.join(&newest));
    assert_eq!(report["erased_again"], 1, "{report}");
    assert_person_is_gone(&machine);

    succeed(folder.path(), &["gdpr", "purge", "--older-than", "0s", "--yes"]);
    assert_eq!(ids(&kept.join(LEDGER)).len(), 3);
    // The folder is away: the erasure is done, and it is said that the ledger is not there.
    let mut served = ServeProcess::start(folder.path());
    assert_eq!(post_lead(served.address, &lead()).status, 201);
    served.terminate();
    let mut purge = command(folder.path(), &["gdpr", "purge", "--older-than", "0s", "--yes"]);
    let output = purge.env("FASTCORE_BACKUP_DIR", "away").output().expect("it runs");
    assert!(output.status.success() && stderr_text(&output).contains("the next backup adds it"));
}

#[test]
fn a_restore_without_the_ledger_of_its_database_said_nothing() {
    let (database, kept) = with_person();
    let id = database.lead_id(2);
    assert!(back_up(&database, kept.path(), "backup.db").status.success());
    erase(&database, &id);
    let apart = tempfile::tempdir().expect("a folder");
    let backup = apart.path().join("backup.db");
    fs::copy(kept.path().join("backup.db"), &backup).expect("a copy");

    // A new machine has stored a lead, and backed it up to the same place, before the restore.
    let machine = Database::with(&[lead()]);
    assert!(back_up(&machine, apart.path(), "other.db").status.success());
    assert!(apart.path().join(LEDGER).exists());
    for round in 0..2 {
        let output = machine.run(&["restore", text(&backup), "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let said = stderr_text(&output);
        assert_eq!(report["ledger_missing"], true, "round {round}");
        assert!(said.starts_with("WARNING: no erasure ledger"), "{said}");
        assert!(said.contains(text(apart.path())) && said.contains(LEDGER), "{said}");
    }
    let details =
        "SELECT details_json ->> 'ledger_missing' FROM audit_log ORDER BY seq DESC LIMIT 1";
    assert_eq!(machine.one(details), "1");
    // What it says helps.
    fs::copy(database.folder().join(LEDGER), apart.path().join("old-machine.erased")).expect("it");
    let output = machine.run(&["restore", text(&backup)]);
    let said = stderr_text(&output);
    assert!(said.contains("old-machine.erased: 1 leads") && !said.contains("WARNING"), "{said}");
    assert_eq!(machine.one("SELECT count(*) FROM lead_inbox"), "2");

    // Of a database in which nothing ever happened, nothing is missing.
    let empty = Database::empty();
    assert!(back_up(&empty, kept.path(), "empty.db").status.success());
    fs::rename(kept.path().join("empty.db"), apart.path().join("empty.db")).expect("moved");
    fs::remove_file(apart.path().join(LEDGER)).expect("removed");
    fs::remove_file(apart.path().join("old-machine.erased")).expect("removed");
    let (_, report, _) = restore_elsewhere(&apart.path().join("empty.db"));
    assert_eq!(report["ledger_missing"], false);
}

#[test]
fn a_restore_with_a_lost_ledger_brought_back_what_the_replaced_audit_log_knew() {
    let (database, kept) = with_person();
    let id = database.lead_id(2);
    assert!(back_up(&database, kept.path(), "backup.db").status.success());
    erase(&database, &id);
    fs::remove_file(database.folder().join(LEDGER)).expect("removed");
    let report = database.succeed(&["restore", text(&kept.path().join("backup.db")), "--json"]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["erased_again"], 1);
    assert_eq!(database.one("SELECT count(*) FROM lead_inbox"), "2");
}

#[test]
fn concurrent_backups_of_two_databases_into_one_folder_lost_erasures() {
    let kept = tempfile::tempdir().expect("a folder");
    let databases: Vec<Database> =
        (0..2).map(|_| Database::with(&std::array::from_fn::<_, 4, _>(|_| lead()))).collect();
    let mut expected = BTreeSet::new();
    for database in &databases {
        for place in 1..=3 {
            let id = database.lead_id(place);
            erase(database, &id);
            expected.insert(id);
        }
    }
    std::thread::scope(|scope| {
        for (n, database) in databases.iter().cycle().take(6).enumerate() {
            let kept = kept.path();
            scope.spawn(move || {
                let output = back_up(database, kept, &format!("{n}.db"));
                assert!(output.status.success(), "{}", stderr_text(&output));
            });
        }
    });
    let ledger = kept.path().join(LEDGER);
    assert_eq!(ids(&ledger), expected);
    assert_eq!(fs::read_to_string(&ledger).expect("text").lines().count(), 8);
    let (machine, report, said) = restore_elsewhere(&kept.path().join("1.db"));
    assert_eq!((&report["erased_again"], &report["ledger_missing"]), (&json!(0), &json!(false)));
    assert_eq!((machine.one("SELECT count(*) FROM lead_inbox").as_str(), said.as_str()), ("1", ""));
}

/// A backup that cannot add to the ledger in its folder is taken all the same, and the failure is told.
#[track_caller]
fn assert_backup_without_ledger(database: &Database, folder: &Path, cause: &str) {
    let output = back_up(database, folder, "backup.db");
    let said = stderr_text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the backup was taken, but the erasure ledger"), "{said}");
    assert!(said.contains(cause), "{cause}: {said}");
    database.succeed(&["backup", "verify", text(&folder.join("backup.db"))]);
}

#[test]
fn a_ledger_that_could_not_be_written_kept_the_backup_from_being_taken_or_was_lost() {
    let (database, kept) = with_person();
    let ledger = kept.path().join(LEDGER);
    erase(&database, &database.lead_id(2));

    let damaged = "0198a6f2-0000-7000-8000-000000000001\nnot an id\n";
    fs::write(&ledger, damaged).expect("written");
    assert_backup_without_ledger(&database, kept.path(), "fastcore.db.erased: line 2");
    assert_eq!(fs::read_to_string(&ledger).expect("text"), damaged, "it keeps what it contains");
    fs::write(&ledger, [b"\xff\xfe\n".as_slice(), damaged.as_bytes()].concat()).expect("written");
    assert_backup_without_ledger(&database, kept.path(), "fastcore.db.erased: line 1");

    let elsewhere = database.folder().join("elsewhere");
    fs::write(&elsewhere, "").expect("written");
    fs::remove_file(&ledger).expect("removed");
    symlink(&elsewhere, &ledger).expect("a link");
    assert_backup_without_ledger(&database, kept.path(), text(&ledger));
    assert_eq!(fs::read_to_string(&elsewhere).expect("text"), "", "the link was not followed");

    fs::remove_file(&ledger).expect("removed");
    mknodat(CWD, &ledger, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    assert_backup_without_ledger(&database, kept.path(), "not a regular file");
    assert!(database.run(&["check"]).status.success());
    let mut check = command(database.folder(), &["check"]);
    let output = check.env("FASTCORE_BACKUP_DIR", kept.path()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));

    // The disk has room for the backup, and for a part of the ledger.
    let many: String = (0..2000).map(|_| format!("{}\n", uuid::Uuid::new_v4())).collect();
    fs::write(database.folder().join(LEDGER), &many).expect("written");
    let size = fs::metadata(kept.path().join("backup.db")).expect("a backup").len();
    let Some(disk) = Disk::mount(&(size + many.len() as u64 / 2).to_string()) else { return };
    let ledger = disk.path().join(LEDGER);
    fs::write(&ledger, &many[..370]).expect("written");
    assert_backup_without_ledger(&database, disk.path(), "No space left on device");
    assert_eq!(fs::read_to_string(&ledger).expect("text"), &many[..370]);
}

#[test]
fn a_damaged_ledger_in_the_backup_folder_was_not_on_the_status_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let kept = folder.join("kept");
    fs::create_dir(&kept).expect("a folder");
    fs::write(kept.join(LEDGER), "not an id\n").expect("written");
    let mut served = scheduled(folder);
    served.read_until("the erasure ledger in the backup folder could not be completed");
    served.read_until("a backup was taken");
    admin::add_account(folder, "jean");
    let mut browser = Browser::new(served.address);
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    let warnings = browser.read("/admin/api/status")["warnings"].to_string();
    assert!(warnings.contains("ledger_failing") && warnings.contains("line 1"), "{warnings}");
    fs::remove_file(kept.join(LEDGER)).expect("removed");
    assert!(wait_until(|| browser.read("/admin/api/status")["warnings"] == json!([])));
    served.terminate();
}

#[test]
fn a_ledger_that_was_cut_short_was_restored_from_as_if_it_were_whole() {
    let (database, kept) = with_person();
    let id = database.lead_id(2);
    let (ledger, backup) = (kept.path().join(LEDGER), kept.path().join("backup.db"));
    assert!(back_up(&database, kept.path(), "backup.db").status.success());
    erase(&database, &id);
    assert!(back_up(&database, kept.path(), "backup.db").status.success());
    let whole = fs::read_to_string(&ledger).expect("text");

    fs::write(&ledger, &whole[..whole.len() - 5]).expect("cut");
    let machine = Database::without_file();
    let output = machine.run(&["restore", text(&backup)]);
    let said = stderr_text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("fastcore.db.erased: line 2 is not one of an erasure ledger"), "{said}");
    assert_eq!(names(machine.folder()), ["fastcore.db.lock"]);
    // The next backup repairs it.
    assert!(back_up(&database, kept.path(), "backup.db").status.success());
    assert_eq!(fs::read_to_string(&ledger).expect("text"), whole);
    // Without its last line break it is whole.
    fs::write(&ledger, whole.trim_end()).expect("written");
    let (_, report, _) = restore_elsewhere(&backup);
    assert_eq!(report["ledgers"][0]["ids"], 1);
    assert!(back_up(&database, kept.path(), "backup.db").status.success());
    assert_eq!(fs::read_to_string(&ledger).expect("text"), whole);
}

#[test]
fn a_restore_from_a_read_only_disk_or_by_a_link_did_not_find_the_ledger() {
    let (database, _) = with_person();
    let Some(disk) = Disk::mount("64m") else { return };
    assert!(back_up(&database, disk.path(), "backup.db").status.success());
    erase(&database, &database.lead_id(2));
    assert!(back_up(&database, disk.path(), "later.db").status.success());
    disk.remount("ro");
    let links = tempfile::tempdir().expect("a folder");
    let latest = links.path().join("latest.db");
    symlink(disk.path().join("backup.db"), &latest).expect("a link");
    for backup in [disk.path().join("backup.db"), latest] {
        let (machine, report, _) = restore_elsewhere(&backup);
        assert_eq!(report["erased_again"], 1, "{report}");
        assert_person_is_gone(&machine);
    }
}

#[test]
fn a_backup_took_the_name_of_a_ledger() {
    let (database, kept) = with_person();
    let output = back_up(&database, kept.path(), "other.erased");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_text(&output).contains("only erasure ledgers"), "{}", stderr_text(&output));
    assert_eq!(names(kept.path()), [""; 0]);
}

#[test]
fn check_did_not_look_at_the_ledger_in_the_backup_folder() {
    let (database, kept) = with_person();
    let name = "fastcore-20260101T000000Z.db";
    assert!(back_up(&database, kept.path(), name).status.success());
    let ledger: PathBuf = kept.path().join(LEDGER);
    let ledger_findings = || {
        let mut check = command(database.folder(), &["check", "--json"]);
        let output = check.env("FASTCORE_BACKUP_DIR", kept.path()).output().expect("it runs");
        let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let findings = findings.as_array().expect("a list").iter();
        let of_ledger = findings.filter(|finding| {
            finding["level"] == "error"
                && finding["detail"].as_str().is_some_and(|text| text.contains(LEDGER))
        });
        of_ledger.map(|finding| finding["check"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ledger_findings(), [""; 0]);
    fs::set_permissions(&ledger, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(ledger_findings(), ["\"modes\""]);
    fs::set_permissions(&ledger, fs::Permissions::from_mode(0o600)).expect("a mode");
    // This erasure does not know of the folder.
    erase(&database, &database.lead_id(2));
    assert_eq!(ledger_findings(), ["\"ledger\""]);
    assert!(back_up(&database, kept.path(), name).status.success());
    assert_eq!(ledger_findings(), [""; 0]);
    fs::write(&ledger, "not an id\n").expect("written");
    assert_eq!(ledger_findings(), ["\"ledger\""]);
}
