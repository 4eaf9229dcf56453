//! Backups: a snapshot taken while a server runs, refused after any change to the file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, FlockOperation, Mode, flock, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::process::{assert_kept, under_load};
use super::support::admin::{self, Browser, PASSWORD};
use super::support::binary::{ServeProcess, command, run, sqlite3, succeed};
use super::support::database::Database;
use super::support::http::post_lead;
use super::support::{TOKEN, lead, wait_until};

pub(crate) fn stderr_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort();
    names
}

#[test]
fn a_backup_is_one_complete_file_that_any_sqlite_tool_opens() {
    let database = Database::sample();
    let before = database.dump();
    fs::create_dir(database.folder().join("kept")).expect("a folder");
    database.succeed(&["backup", "create", "kept/backup.db"]);
    let kept = database.folder().join("kept");
    let backup = kept.join("backup.db");
    assert_eq!(fs::metadata(&backup).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(sqlite3(&backup, "SELECT count(*) FROM lead_inbox").as_deref(), Ok("5"));
    assert_eq!(sqlite3(&backup, "PRAGMA integrity_check").as_deref(), Ok("ok"));
    assert_eq!(names(&kept), ["backup.db", "fastcore.db.erased"]);
    let proved = database.succeed(&["backup", "verify", "kept/backup.db"]);
    assert!(proved.contains("audit rows: 9, leads: 5"), "{proved}");
    let last = database.one(
        "SELECT event || ' ' || (details_json ->> 'file') || ' ' || (details_json ->> 'sha256')
         FROM audit_log ORDER BY seq DESC LIMIT 1",
    );
    use sha2::{Digest, Sha256};
    let sha256 = Sha256::digest(fs::read(&backup).expect("a file"));
    let sha256: String = sha256.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(last, format!("BACKUP_TAKEN backup.db {sha256}"));
    // Without the checksum trailer it is a database equal to the original.
    let copy = Database::without_file();
    fs::copy(&backup, copy.path()).expect("a copy");
    assert_eq!(copy.dump(), before);
}

#[test]
fn a_truncated_or_bit_flipped_backup_is_refused() {
    let database = Database::sample();
    database.succeed(&["backup", "create", "backup.db"]);
    let path = database.folder().join("backup.db");
    let whole = fs::read(&path).expect("a backup");
    let refused = |bytes: &[u8], what: &str| {
        fs::write(database.folder().join("bad.db"), bytes).expect("written");
        let output = database.run(&["backup", "verify", "bad.db"]);
        assert_eq!(output.status.code(), Some(4), "{what}: {}", stderr_text(&output));
        assert!(
            stderr_text(&output).contains("not a complete backup"),
            "{what}: {}",
            stderr_text(&output)
        );
    };
    for cut in [1, 2, 100, whole.len() - 4096, whole.len() - 1] {
        refused(&whole[..cut], &format!("cut at {cut}"));
    }
    refused(&[&whole[..], b"\n"].concat(), "with something after it");
    for _ in 0..40 {
        let at = rand::random_range(0..whole.len() * 8);
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        refused(&bytes, &format!("bit {at}"));
    }
    for at in (whole.len() - 150) * 8..whole.len() * 8 {
        if at % 7 == 0 {
            let mut bytes = whole.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            refused(&bytes, &format!("bit {at} of the checksum trailer"));
        }
    }
}

#[test]
fn no_checksum_accepts_another_tool_s_copy_but_never_a_newer_schema() {
    let database = Database::sample();
    let copy = database.folder().join("copy.db");
    sqlite3(&database.path(), &format!("VACUUM INTO '{}'", copy.display())).expect("a copy");
    assert_eq!(database.run(&["backup", "verify", "copy.db"]).status.code(), Some(4));
    let proved = database.succeed(&["backup", "verify", "copy.db", "--no-checksum"]);
    assert!(proved.contains("are not verified"), "{proved}");
    sqlite3(
        &copy,
        "INSERT INTO refinery_schema_history SELECT 900, 'later', applied_on, checksum
         FROM refinery_schema_history LIMIT 1",
    )
    .expect("a later version");
    let output = database.run(&["backup", "verify", "copy.db", "--no-checksum"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_text(&output).contains("newer than this binary"), "{}", stderr_text(&output));
}

#[test]
fn a_backup_replaces_only_a_backup() {
    let database = Database::sample();
    fs::write(database.folder().join("letter.txt"), "Dear Sir").expect("written");
    for target in ["letter.txt", "fastcore.db", "fastcore.db-wal", ".", "/dev/null", "none/x.db"] {
        let output = database.run(&["backup", "create", target]);
        assert_eq!(output.status.code(), Some(1), "{target}: {}", stderr_text(&output));
    }
    database.succeed(&["backup", "create", "backup.db"]);
    database.succeed(&["backup", "create", "backup.db"]);
    let rows = sqlite3(&database.folder().join("backup.db"), "SELECT count(*) FROM audit_log");
    assert_eq!(rows.as_deref(), Ok("10"));
    let there = ["backup.db", "fastcore.db", "fastcore.db.erased", "letter.txt"];
    assert_eq!(names(database.folder()), there);
}

#[test]
fn a_backup_to_standard_output_is_identical() {
    let database = Database::sample();
    let output = database.run(&["backup", "create", "-"]);
    assert!(output.status.success(), "{}", stderr_text(&output));
    fs::write(database.folder().join("streamed.db"), &output.stdout).expect("written");
    database.succeed(&["backup", "verify", "streamed.db"]);
    assert_eq!(names(database.folder()), ["fastcore.db", "streamed.db"]);
}

#[test]
fn a_corrupt_database_is_not_backed_up() {
    let database = Database::sample();
    database.succeed(&["backup", "create", "backup.db"]);
    let before = fs::read(database.folder().join("backup.db")).expect("a backup");
    database.tamper_sql("UPDATE lead_inbox SET name = 'Someone' WHERE audit_seq = 2");
    let output = database.run(&["backup", "create", "backup.db"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr_text(&output));
    assert_eq!(fs::read(database.folder().join("backup.db")).expect("a backup"), before);
    assert!(!names(database.folder()).iter().any(|name| name.contains("partial")));
}

#[test]
fn a_backup_under_load_verifies_and_a_killed_one_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut served = ServeProcess::start(folder);
    let ((), seen) = under_load(served.address, 8, || {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(200));
            succeed(folder, &["backup", "create", "backup.db"]);
            succeed(folder, &["backup", "verify", "backup.db"]);
        }
        let end = Instant::now() + Duration::from_secs(8);
        for round in 0..24 {
            if Instant::now() > end {
                break;
            }
            let name = format!("killed-{round}.db");
            let mut child = command(folder, &["backup", "create", &name])
                .stderr(Stdio::null())
                .spawn()
                .expect("it runs");
            std::thread::sleep(Duration::from_micros(rand::random_range(0..300_000)));
            child.kill().expect("killed");
            child.wait().expect("ended");
            if folder.join(&name).exists() {
                succeed(folder, &["backup", "verify", &name]);
            }
            // What it left is taken over by the next of that name.
            if round == 0 {
                succeed(folder, &["backup", "create", &name]);
                assert!(!folder.join("killed-0.db.partial").exists());
            }
        }
    });
    served.terminate();
    assert_kept(folder, &seen);
    let report: Value =
        serde_json::from_slice(&run(folder, &["backup", "verify", "backup.db", "--json"]).stdout)
            .expect("JSON");
    assert_eq!(report["valid"], true);
}

#[test]
fn an_interrupted_backup_left_an_unfinished_file_with_leads() {
    let database = Database::sample();
    let mut interrupted = 0;
    for round in 0..30 {
        let arguments: &[&str] =
            if round % 3 == 0 { &["restore", "x.db"] } else { &["backup", "create", "x.db"] };
        let mut child =
            command(database.folder(), arguments).stderr(Stdio::piped()).spawn().expect("it runs");
        std::thread::sleep(Duration::from_millis(rand::random_range(0..60)));
        let signal = if round % 2 == 0 { Signal::INT } else { Signal::TERM };
        kill_process(Pid::from_child(&child), signal).expect("it lives");
        let stderr = child.stderr.take().expect("a pipe");
        let status = child.wait().expect("ended");
        let said = std::io::read_to_string(stderr).expect("text");
        interrupted += usize::from(said.contains("it was interrupted; nothing was changed"));
        let left = names(database.folder());
        assert!(!left.iter().any(|name| name.contains(".partial")), "{status}: {said} {left:?}");
    }
    println!("{interrupted} were interrupted in their work");
    database.succeed(&["audit", "verify"]);
}

#[test]
fn the_unfinished_file_of_a_killed_backup_stayed_for_ever() {
    let database = Database::sample();
    database.succeed(&["backup", "create", "first.db"]);
    let path = |name: &str| database.folder().join(name);
    // As a process that was killed leaves it, and one that is still at work.
    fs::copy(path("first.db"), path("killed.db.partial")).expect("a copy");
    fs::copy(path("first.db"), path("running.db.partial")).expect("a copy");
    fs::write(path("letter.partial"), "Dear Sir").expect("written");
    let running = fs::File::open(path("running.db.partial")).expect("a file");
    flock(&running, FlockOperation::LockExclusive).expect("a lock");
    database.succeed(&["backup", "create", "second.db"]);
    let mut left = names(database.folder());
    left.retain(|name| !name.starts_with("fastcore.db"));
    assert_eq!(left, ["first.db", "letter.partial", "running.db.partial", "second.db"]);
}

/// A server that takes backups every second into the folder `kept` next to its database.
pub(crate) fn scheduled(folder: &Path) -> ServeProcess {
    let mut command = command(folder, &["serve", "--backup-every", "1s", "--backup-keep", "2"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_BACKUP_DIR", "kept");
    ServeProcess::spawn(&mut command)
}

#[test]
fn the_scheduler_keeps_the_newest_backups_and_deletes_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let kept = folder.join("kept");
    fs::create_dir(&kept).expect("a folder");
    let others = ["fastcore-mine.db", "fastcore-20200101T000000Z.db", "other-20200101T000000Z.db"];
    for other in others {
        fs::write(kept.join(other), "not a backup of the schedule").expect("written");
    }
    fs::write(kept.join("fastcore-20200101T000001Z.db.partial"), "cut off").expect("written");
    let mut served = scheduled(folder);
    assert_eq!(post_lead(served.address, &lead()).status, 201);
    for _ in 0..4 {
        served.read_until("a backup was taken");
    }
    served.terminate();
    let mut taken = names(&kept);
    taken.retain(|name| !others.contains(&name.as_str()));
    assert_eq!(taken.pop().as_deref(), Some("fastcore.db.erased"));
    assert_eq!(taken.len(), 2, "{taken:?}");
    for name in &taken {
        succeed(folder, &["backup", "verify", &format!("kept/{name}")]);
    }
    let actors = "SELECT count(*) >= 4, min(actor) FROM audit_log WHERE event = 'BACKUP_TAKEN'";
    assert_eq!(sqlite3(&folder.join("fastcore.db"), actors).as_deref(), Ok("1|schedule"));
    assert!(others.iter().all(|other| kept.join(other).exists()));
}

#[test]
fn a_failed_scheduled_backup_is_logged_and_retried_while_leads_are_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("kept"), "a file where the folder should be").expect("written");
    let mut served = scheduled(folder);
    served.read_until("no backup could be taken");
    assert_eq!(post_lead(served.address, &lead()).status, 201);
    fs::remove_file(folder.join("kept")).expect("removed");
    served.read_until("a backup was taken");
    served.terminate();
}

#[test]
fn backups_that_fail_were_not_on_the_status_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("kept"), "a file where the folder should be").expect("written");
    let mut served = scheduled(folder);
    admin::add_account(folder, "jean");
    let mut browser = Browser::new(served.address);
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    let mut codes = || {
        let status = browser.read("/admin/api/status");
        let warnings = status["warnings"].as_array().expect("a list").iter();
        warnings.map(|warning| warning["code"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(codes(), ["\"backup_failing\""], "from the start on");
    fs::remove_file(folder.join("kept")).expect("removed");
    served.read_until("a backup was taken");
    assert!(wait_until(|| codes().is_empty()));
    served.terminate();
}

#[test]
fn shutdown_does_not_wait_for_a_running_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::create_dir(folder.join("kept")).expect("a folder");
    // Whoever opens this to read waits for one who writes.
    let endless = folder.join("kept/fastcore-20200101T000000Z.db");
    mknodat(CWD, &endless, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let mut served = scheduled(folder);
    assert_eq!(post_lead(served.address, &lead()).status, 201);
    served.signal(Signal::TERM);
    served.read_until("a backup does not end");
    assert!(served.wait().success());
    let report = succeed(folder, &["audit", "verify"]);
    assert!(report.starts_with("valid; audit rows: 1, leads: 1,"), "{report}");
}
