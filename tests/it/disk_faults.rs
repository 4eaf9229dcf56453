//! A full disk, a failing flush, a held lock: the server answers 503 while it lasts and recovers
//! without a restart.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{StatVfs, statvfs};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::process::{Seen, assert_kept, assert_retries, under_load};
use super::support::admin::{self, Browser, PASSWORD};
use super::support::binary::{ServeProcess, command, free_address, run, succeed, text};
use super::support::database::Database;
use super::support::http::{Client, Response, once, post_lead};
use super::support::{TOKEN, lead, sql, wait_until};

fn health(address: SocketAddr) -> Response {
    once(address, "GET", "/health", &[], b"")
}

#[track_caller]
fn assert_health_becomes(address: SocketAddr, status: u16) {
    let became = wait_until(|| health(address).status == status);
    assert!(became, "it stays {:?}", health(address));
}

/// Posts a lead while nothing can be stored.
#[track_caller]
fn refused(address: SocketAddr) -> Value {
    let lead = lead();
    let answer = post_lead(address, &lead);
    answer.assert_error(503, "unavailable");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    lead
}

/// Posts leads that must be stored.
#[track_caller]
fn stored(address: SocketAddr, count: usize) -> Seen {
    let mut client = Client::connect(address);
    let post = |_| {
        let lead = lead();
        let answer = client.post_lead(&lead);
        assert_eq!(answer.status, 201, "{answer:?}");
        (lead, Some(answer.body))
    };
    (0..count).map(post).collect()
}

/// Large enough for the WAL under load.
const SMALL: &str = "64m";

/// A small file system of its own.
pub(crate) struct Disk(TempDir);

impl Disk {
    /// `None` where this process may not mount one.
    pub(crate) fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={size}");
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .output();
        if done.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        let required = geteuid().is_root() && std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!required, "a disk could not be mounted, and here it should be");
        println!("skipped: this process may not mount a disk to fill");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn free_bytes(&self) -> u64 {
        let StatVfs { f_bavail, f_frsize, .. } = statvfs(self.path()).expect("a disk");
        f_bavail * f_frsize
    }

    /// Takes space, with a file `filler`, until this much is left.
    pub(crate) fn leave_free(&self, bytes: u64) {
        let mut filler = File::create(self.path().join("filler")).expect("a filler");
        let size = self.free_bytes() - bytes;
        let zeros = vec![0; 1 << 20];
        for _ in 0..size / (1 << 20) {
            filler.write_all(&zeros).expect("space");
        }
    }

    /// Mounts it again, `ro` or `rw`.
    pub(crate) fn remount(&self, mode: &str) {
        let remount = format!("remount,{mode}");
        let done = Command::new("mount").args(["-o", &remount]).arg(self.path()).status();
        assert!(done.expect("mount runs").success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Takes every free block until `stop` is set.
fn fill(file: &Path, stop: &AtomicBool) {
    let mut filler = File::create(file).expect("a filler");
    let mut block = vec![0; 64 * 1024];
    while !stop.load(Ordering::Relaxed) {
        match filler.write(&block) {
            Ok(_) => {}
            Err(_) if block.len() > 4096 => block.truncate(4096),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

#[test]
fn a_full_disk_answers_503_until_space_is_free() {
    let Some(disk) = Disk::mount(SMALL) else { return };
    let filler = disk.path().join("filler");
    let mut server = ServeProcess::spawn(&mut serve(disk.path()));
    let address = server.address;
    let mut seen = stored(address, 20);
    let full = AtomicBool::new(false);
    let mut late = Vec::new();
    let ((), under) = under_load(address, 4, || {
        std::thread::scope(|scope| {
            scope.spawn(|| fill(&filler, &full));
            assert_health_becomes(address, 503);
            late.extend((0..3).map(|_| refused(address)));
            assert!(health(address).json()["detail"].is_string());
            full.store(true, Ordering::Relaxed);
        });
        fs::remove_file(&filler).expect("the filler goes");
        assert_health_becomes(address, 200);
        seen.extend(stored(address, 20));
    });
    seen.extend(under);
    seen.extend(late.into_iter().map(|lead| (lead, None)));
    assert_kept(disk.path(), &seen);
    assert_retries(address, &seen);
    assert_kept(disk.path(), &seen);
    server.terminate();
}

#[test]
fn serve_on_a_full_disk_fails_with_that_reason() {
    let Some(disk) = Disk::mount(SMALL) else { return };
    let mut server = ServeProcess::spawn(&mut serve(disk.path()));
    let seen = stored(server.address, 20);
    server.terminate();
    let (filler, full) = (disk.path().join("filler"), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| fill(&filler, &full));
        assert!(wait_until(|| disk.free_bytes() == 0), "{}", disk.free_bytes());
        let output = serve(disk.path()).output().expect("the binary runs");
        full.store(true, Ordering::Relaxed);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("the disk is full"), "{said}");
    });
    fs::remove_file(&filler).expect("the filler goes");
    let server = ServeProcess::spawn(&mut serve(disk.path()));
    assert_retries(server.address, &seen);
}

#[test]
fn a_restore_without_space_names_the_file_it_could_not_write() {
    let Some(disk) = Disk::mount("64k") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    succeed(folder.path(), &["migrate"]);
    succeed(folder.path(), &["backup", "create", "backup.db"]);
    let backup = folder.path().join("backup.db");
    let output = run(disk.path(), &["restore", text(&backup)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("fastcore.db.restore.partial: No space left"), "{said}");
    let left = super::backup::names(disk.path());
    assert!(
        !left.iter().any(|name| name.ends_with(".db") || name.ends_with(".partial")),
        "{left:?}"
    );
}

/// What an operator does to get the leads off a disk that cannot be written.
#[track_caller]
fn assert_readable(disk: &Disk, leads: usize) {
    let other = tempfile::tempdir().expect("another disk");
    let target = |name: &str| text(&other.path().join(name)).to_owned();
    let list = succeed(disk.path(), &["lead", "list", "--json"]);
    let listed: Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(listed.as_array().expect("leads").len(), leads);
    succeed(disk.path(), &["audit", "verify"]);
    succeed(disk.path(), &["export", "leads", "--format", "jsonl", "-o", &target("leads.jsonl")]);
    let exported = fs::read_to_string(other.path().join("leads.jsonl")).expect("an export");
    assert_eq!(exported.lines().count(), leads);
    succeed(disk.path(), &["export", "leads", "--format", "xlsx", "-o", &target("leads.xlsx")]);
    succeed(disk.path(), &["backup", "create", &target("backup.db")]);
    let report = succeed(other.path(), &["backup", "verify", &target("backup.db")]);
    assert!(report.contains(&format!("leads: {leads}")), "{report}");
}

/// A disk with the database of 20 leads of a server that was ended, without the shared-memory file of its WAL.
fn disk_with_leads(signal: Signal) -> Option<Disk> {
    let disk = Disk::mount(SMALL)?;
    let mut server = ServeProcess::spawn(&mut serve(disk.path()));
    stored(server.address, 20);
    server.signal(signal);
    server.wait();
    let _ = fs::remove_file(disk.path().join("fastcore.db-shm"));
    Some(disk)
}

#[test]
fn commands_could_not_read_a_database_on_a_full_disk() {
    for signal in [Signal::TERM, Signal::KILL] {
        let Some(disk) = disk_with_leads(signal) else { return };
        let _ = fs::remove_file(disk.path().join("fastcore.db.lock"));
        let (filler, full) = (disk.path().join("filler"), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| fill(&filler, &full));
            std::thread::sleep(Duration::from_secs(1));
            full.store(true, Ordering::Relaxed);
        });
        assert_readable(&disk, 20);
    }
}

#[test]
fn commands_could_not_read_a_database_on_a_read_only_disk() {
    for signal in [Signal::TERM, Signal::KILL] {
        let Some(disk) = disk_with_leads(signal) else { return };
        disk.remount("ro");
        assert_readable(&disk, 20);
    }
}

#[test]
fn a_full_disk_was_not_named() {
    let Some(disk) = Disk::mount("400k") else { return };
    let database = Database::sample();
    // Whichever of the two disks is full, the error says which.
    let target = disk.path().join("fastcore.db");
    fs::copy(database.path(), &target).expect("a copy");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("a mode");
    let filler = disk.path().join("filler");
    let mut file = File::create(&filler).expect("a filler");
    while file.write(&[0; 4096]).is_ok() {}
    let on_disk = text(&target);
    let folder = database.folder();
    let id = database.lead_id(1);
    for (arguments, named) in [
        (&["backup", "create", &format!("{}/b.db", text(disk.path()))][..], text(disk.path())),
        (&["lead", "set-status", &id, "resolved", "--database-url", on_disk], on_disk),
    ] {
        let output = run(folder, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
        assert!(said.contains("full") || said.contains("No space left"), "{arguments:?}: {said}");
    }
}

#[test]
fn check_advised_a_restore_on_a_read_only_disk() {
    let Some(disk) = Disk::mount(SMALL) else { return };
    succeed(disk.path(), &["migrate"]);
    disk.remount("ro");
    let output = run(disk.path(), &["check"]);
    disk.remount("rw");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is read-only") && said.contains("mount -o remount,rw"), "{said}");
    assert!(!said.contains("fastcore restore"), "{said}");
}

#[test]
fn check_reports_a_nearly_full_disk() {
    for (size, level) in [(SMALL, "error"), ("400m", "warning"), ("1g", "ok")] {
        let Some(disk) = Disk::mount(size) else { return };
        succeed(disk.path(), &["migrate"]);
        // SQLite ignores what follows its last page, and a sparse file takes no space.
        let file = OpenOptions::new().write(true).open(disk.path().join("fastcore.db"));
        file.and_then(|file| file.set_len(250 << 20)).expect("a larger file");
        let output = run(disk.path(), &["check", "--json"]);
        let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let findings = findings.as_array().expect("a list");
        let found = findings.iter().find(|finding| finding["check"] == "disk").expect("a line");
        assert_eq!(found["level"], level, "{size}: {findings:?}");
        assert_eq!(found["hint"].is_null(), level == "ok", "{found}");
    }
}

/// A `serve` that is about to run, and takes leads until its disk is full.
fn serve(folder: &Path) -> Command {
    let mut command = command(folder, &["serve", "--listen", "127.0.0.1:0"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_DISK_RESERVE", "0");
    command
}

#[test]
fn leads_took_the_disk_space_that_the_operator_needs() {
    let Some(disk) = Disk::mount("200m") else { return };
    let folder = disk.path();
    let mut server = ServeProcess::start(folder);
    let address = server.address;
    let known = lead();
    assert_eq!(post_lead(address, &known).status, 201);
    disk.leave_free(62 << 20);

    let late = refused(address);
    let reason = "less than 64 MiB is free on its disk (FASTCORE_DISK_RESERVE)";
    let health = health(address);
    assert_eq!((health.status, &health.json()["detail"]), (503, &reason.into()), "{health:?}");
    // What is stored already is not sent again and again; what cannot be recorded is.
    assert_eq!(post_lead(address, &known).status, 200);
    let invalid = serde_json::json!({"name": ""});
    post_lead(address, &invalid).assert_error(503, "unavailable");
    // Staff and the operator go on, and that says nothing about leads.
    admin::add_account(folder, "jean");
    assert_eq!(Browser::new(address).sign_in("jean", PASSWORD).status, 200);
    assert_eq!(self::health(address).status, 503);
    succeed(folder, &["backup", "create", "backup.db"]);
    let list = succeed(folder, &["lead", "list", "--json"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let id = list[0]["id"].as_str().expect("an id");
    succeed(folder, &["lead", "set-status", id, "resolved"]);
    succeed(folder, &["gdpr", "erase", "--lead", id, "--reason", "request", "--yes"]);
    let check = run(folder, &["check"]);
    let check = String::from_utf8_lossy(&check.stdout);
    assert!(check.contains("leads are refused below 64 MiB"), "{check}");

    fs::remove_file(folder.join("filler")).expect("the filler");
    assert_health_becomes(address, 200);
    assert_eq!(post_lead(address, &late).status, 201);
    assert_eq!(post_lead(address, &invalid).status, 422);
    server.terminate();
    let said = server.log.join("\n");
    assert_eq!(said.matches("a transaction failed").count(), 1, "{said}");
}

#[test]
fn the_wal_filled_a_small_disk() {
    let Some(disk) = Disk::mount("12m") else { return };
    let mut server = ServeProcess::spawn(&mut serve(disk.path()));
    stored(server.address, 1500);
    server.terminate();
}

/// A disk whose flushes fail while a file is there.
pub(crate) struct BadDisk {
    folder: TempDir,
    library: PathBuf,
    flag: PathBuf,
}

impl BadDisk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let library = folder.path().join("faulty_disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/faulty_disk.c");
        let arguments = ["-shared", "-fPIC", "-o", text(&library), text(&source), "-ldl"];
        let done = Command::new("cc").args(arguments).status().expect("a C compiler");
        assert!(done.success(), "{}", source.display());
        let flag = folder.path().join("flushes-fail");
        Self { folder, library, flag }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A `serve` on this disk. Only that process is given the library.
    pub(crate) fn serve(&self) -> Command {
        let mut command = serve(self.path());
        self.load_into(&mut command).env("FAILING_FSYNC", &self.flag);
        command
    }

    /// Gives a command the library.
    pub(crate) fn load_into<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("LD_PRELOAD", &self.library)
    }

    pub(crate) fn breaks(&self) {
        OpenOptions::new().create(true).append(true).open(&self.flag).expect("a flag");
    }

    pub(crate) fn works(&self) {
        fs::remove_file(&self.flag).expect("the flag goes");
    }
}

#[test]
fn failed_flushes_answer_503_and_lose_no_acknowledged_lead() {
    let disk = BadDisk::new();
    let mut server = ServeProcess::spawn(&mut disk.serve());
    let address = server.address;
    let mut seen = stored(address, 20);
    for _ in 0..2 {
        let mut late = Vec::new();
        let ((), under) = under_load(address, 4, || {
            std::thread::sleep(Duration::from_millis(300));
            disk.breaks();
            assert_health_becomes(address, 503);
            late.extend((0..3).map(|_| refused(address)));
            disk.works();
            assert_health_becomes(address, 200);
            seen.extend(stored(address, 20));
        });
        seen.extend(under);
        seen.extend(late.into_iter().map(|lead| (lead, None)));
        assert_kept(disk.path(), &seen);
    }
    assert_retries(address, &seen);
    server.terminate();
    assert_kept(disk.path(), &seen);
}

/// What the site sends in vain: no lead, no JSON, another media type.
fn send_in_vain(address: SocketAddr) -> impl Iterator<Item = (Response, u16)> {
    let cases = [
        ("application/json", "{\"name\": \"\"}", 422),
        ("application/json", "{\"name\"", 400),
        ("text/plain", "jean@example.com", 415),
    ];
    cases.into_iter().map(move |(media_type, body, status)| {
        let token = format!("Bearer {TOKEN}");
        let headers = [("Authorization", token.as_str()), ("Content-Type", media_type)];
        (once(address, "POST", "/inbound/leads", &headers, body.as_bytes()), status)
    })
}

#[test]
fn a_submission_was_refused_for_good_while_it_could_not_be_kept() {
    let disk = BadDisk::new();
    let mut server = ServeProcess::spawn(&mut disk.serve());
    let address = server.address;
    let assert_unavailable = |count| {
        for (answer, status) in send_in_vain(address).take(count) {
            println!("instead of {status}");
            answer.assert_error(503, "unavailable");
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
        }
    };
    disk.breaks();
    assert_unavailable(3);
    disk.works();
    stored(address, 1);

    let other = rusqlite::Connection::open(disk.path().join("fastcore.db")).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    assert_unavailable(1);
    other.execute_batch("ROLLBACK").expect("the lock goes");

    for (answer, status) in send_in_vain(address) {
        assert_eq!((answer.status, &answer.json()["kept"]), (status, &true.into()), "{answer:?}");
    }
    let kept = "SELECT sum(times) FROM refused_submission";
    let kept: i64 = other.query_row(kept, [], |row| row.get(0)).expect("a sum");
    server.terminate();
    assert_eq!(kept, 3, "{:?}", server.log);
    assert!(!server.log.join("\n").contains("is not kept"), "{:?}", server.log);
}

#[test]
fn commands_can_write_while_a_server_is_busy_with_a_slow_disk() {
    let disk = BadDisk::new();
    let mut server = ServeProcess::spawn(disk.serve().env("SLOW_FSYNC_MS", "60"));
    let seen = stored(server.address, 1);
    let id = seen[0].0["meta"]["request_id"].as_str().expect("an id");
    let ((), under) = under_load(server.address, 4, || {
        for status in ["processing", "resolved", "archived"] {
            succeed(disk.path(), &["lead", "set-status", id, status]);
        }
    });
    assert_kept(disk.path(), &[seen, under].concat());
    server.terminate();
}

/// The log's tail may then be readable without being on the disk: the start must not build on it.
#[test]
fn a_restart_after_a_failed_flush_keeps_acknowledged_leads() {
    for signal in [Signal::KILL, Signal::TERM] {
        let disk = BadDisk::new();
        let mut server = ServeProcess::spawn(&mut disk.serve());
        let mut seen = stored(server.address, 20);
        disk.breaks();
        seen.push((refused(server.address), None));
        server.signal(signal);
        server.wait();

        if signal == Signal::KILL {
            // Nothing can be flushed on this disk yet, so the start must fail.
            let output = disk.serve().output().expect("the binary runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("disk"), "{said}");
        }
        disk.works();
        let mut server = ServeProcess::spawn(&mut disk.serve());
        assert_kept(disk.path(), &seen);
        assert_retries(server.address, &seen);
        server.terminate();
        assert_kept(disk.path(), &seen);
    }
}

/// A read transaction of another process, as Litestream or an analyst's `sqlite3` keeps one.
fn open_reader(folder: &Path) -> rusqlite::Connection {
    let reader = rusqlite::Connection::open(folder.join("fastcore.db")).expect("the database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM lead_inbox;").expect("a read transaction");
    reader
}

#[test]
fn an_open_reader_kept_the_server_from_starting() {
    for signal in [Signal::TERM, Signal::KILL] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = ServeProcess::start(folder.path());
        let mut seen = stored(server.address, 20);
        let before = open_reader(folder.path());
        seen.extend(stored(server.address, 20));
        let after = open_reader(folder.path());
        server.signal(signal);
        server.wait();
        let mut server = ServeProcess::start(folder.path());
        seen.extend(stored(server.address, 20));
        assert_kept(folder.path(), &seen);
        assert_retries(server.address, &seen);
        server.terminate();
        drop((before, after));
        assert_kept(folder.path(), &seen);
    }
}

/// Posts submissions that are refused, and must be kept; their bodies.
#[track_caller]
fn kept(address: SocketAddr, count: usize) -> Vec<String> {
    let mut client = Client::connect(address);
    let post = |_| {
        let mut lead = lead();
        lead["email"] = Value::from("nobody");
        let answer = client.post_lead(&lead);
        assert_eq!(
            (answer.status, &answer.json()["kept"]),
            (422, &Value::from(true)),
            "{answer:?}"
        );
        lead.to_string()
    };
    (0..count).map(post).collect()
}

/// The tail of the WAL that a failed flush has left is in the page cache alone. While somebody reads, it
/// cannot be moved to the database file, and what is appended to it must not be lost with it.
#[test]
fn a_power_cut_after_a_start_with_an_open_reader_lost_leads() {
    let disk = BadDisk::new();
    let serve = || ServeProcess::spawn(disk.serve().env("POWER_CUT", "1"));
    let mut server = serve();
    let mut seen = stored(server.address, 20);
    disk.breaks();
    seen.push((refused(server.address), None));
    server.signal(Signal::KILL);
    server.wait();
    disk.works();
    let _reader = open_reader(disk.path());
    let mut server = serve();
    seen.extend(stored(server.address, 20));
    let bodies = kept(server.address, 20);
    server.signal(Signal::KILL);
    server.wait();

    let after = tempfile::tempdir().expect("a folder");
    for name in ["fastcore.db", "fastcore.db-wal"] {
        let durable = disk.path().join(format!("{name}.durable"));
        fs::copy(durable, after.path().join(name)).expect("what is on the disk");
    }
    assert_kept(after.path(), &seen);
    let conn = rusqlite::Connection::open(after.path().join("fastcore.db")).expect("a database");
    let on_disk =
        "SELECT CAST(body AS TEXT) FROM refused_submission JOIN refused_body USING (audit_seq)
                   ORDER BY audit_seq";
    let on_disk: Vec<_> = sql::rows(&conn, on_disk).into_iter().flatten().flatten().collect();
    assert!(on_disk == bodies, "{} of {}", on_disk.len(), bodies.len());
}

#[test]
fn connections_were_accepted_before_leads_could_be_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    server.terminate();
    let other = rusqlite::Connection::open(folder.path().join("fastcore.db")).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let address = free_address();
    let mut server = command(folder.path(), &["serve", "--listen", &address.to_string()])
        .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
        .spawn()
        .expect("the binary runs");
    std::thread::sleep(Duration::from_millis(1500));
    let refused = std::net::TcpStream::connect(address).is_err();
    other.execute_batch("ROLLBACK").expect("the lock goes");
    let connect = || std::net::TcpStream::connect(address).is_ok();
    let accepted = wait_until(connect);
    let _ = kill_process(Pid::from_child(&server), Signal::TERM);
    server.wait().expect("it ends");
    assert!(refused && accepted, "refused while locked: {refused}, accepted after: {accepted}");
}

#[test]
fn a_lock_held_by_another_process_is_awaited_then_answered_503() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let address = server.address;
    let mut seen = stored(address, 20);
    let other = rusqlite::Connection::open(folder.path().join("fastcore.db")).expect("a database");

    // Shorter than the patience of a statement: nobody notices but by the clock.
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let waiting = std::thread::spawn(move || stored(address, 1));
    std::thread::sleep(Duration::from_millis(500));
    other.execute_batch("ROLLBACK").expect("the lock goes");
    seen.extend(waiting.join().expect("it is stored"));

    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let lead = refused(address);
    assert_health_becomes(address, 503);
    other.execute_batch("ROLLBACK").expect("the lock goes");
    assert_health_becomes(address, 200);
    let answer = post_lead(address, &lead);
    assert_eq!(answer.status, 201, "{answer:?}");
    seen.push((lead, Some(answer.body)));
    assert_kept(folder.path(), &seen);

    // Nor does the lock keep the server from ending.
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    server.terminate();
    drop(other);
    assert_kept(folder.path(), &seen);
}
