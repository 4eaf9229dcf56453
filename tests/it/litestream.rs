//! Next to a program that replicates the database. It is imitated here; `.ci/litestream` runs Litestream.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::process::{assert_kept, assert_retries, under_load};
use super::support::binary::{ServeProcess, command, run, succeed};
use super::support::http::post_lead;
use super::support::{lead, wait_until};

/// Does to a database what Litestream 0.5 does: tables of its own, a read transaction all the time, and
/// checkpoints at which nobody can write.
struct Replicator {
    reading: Connection,
    writing: Connection,
}

impl Replicator {
    fn attach(folder: &Path) -> Self {
        let open = || {
            let conn = Connection::open(folder.join("fastcore.db")).expect("the database");
            conn.busy_timeout(Duration::from_secs(60)).expect("a timeout");
            conn.execute_batch("PRAGMA wal_autocheckpoint = 0").expect("a setting");
            conn
        };
        let (reading, writing) = (open(), open());
        writing
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
                 CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);",
            )
            .expect("its tables");
        let replicator = Self { reading, writing };
        replicator.read();
        replicator
    }

    fn read(&self) {
        let sql = "BEGIN; SELECT count(1) FROM _litestream_seq";
        self.reading.execute_batch(sql).expect("a read transaction");
    }

    fn checkpoint(&self) {
        let sql = "BEGIN; INSERT INTO _litestream_lock (id) VALUES (1)";
        self.writing.execute_batch(sql).expect("the write lock");
        self.reading.execute_batch("ROLLBACK").expect("the end of its reading");
        let sql = "PRAGMA wal_checkpoint(PASSIVE)";
        self.reading.query_row(sql, [], |_| Ok(())).expect("a checkpoint");
        self.read();
        self.writing
            .execute_batch(
                "ROLLBACK;
                 INSERT INTO _litestream_seq (id, seq) VALUES (1, 1)
                 ON CONFLICT (id) DO UPDATE SET seq = seq + 1",
            )
            .expect("a first frame");
    }
}

const NAME: &str = "Marguerite Trace-Unique";

/// Which of a database's files contain the person.
fn files_with_person(folder: &Path) -> Vec<&'static str> {
    let contains = |file: &&str| {
        let bytes = fs::read(folder.join(file)).unwrap_or_default();
        bytes.windows(NAME.len()).any(|bytes| bytes == NAME.as_bytes())
    };
    ["fastcore.db", "fastcore.db-wal"].into_iter().filter(contains).collect()
}

fn store_person(server: &ServeProcess) -> String {
    let mut person = lead();
    person["name"] = json!(NAME);
    let answer = post_lead(server.address, &person);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["leadId"].as_str().expect("an id").to_owned()
}

fn erase(folder: &Path, id: &str) -> Value {
    let arguments = ["gdpr", "erase", "--lead", id, "--reason", "request", "--yes", "--json"];
    serde_json::from_str(&succeed(folder, &arguments)).expect("JSON")
}

#[test]
fn copies_of_an_erased_person_stayed_in_the_wal_as_long_as_litestream_ran() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut server = ServeProcess::start(folder);
    let replicator = Replicator::attach(folder);
    let id = store_person(&server);
    // The tail of the WAL: nothing that comes later is written over it.
    let (_, seen) = under_load(server.address, 2, || std::thread::sleep(Duration::from_secs(1)));

    let began = Instant::now();
    assert_eq!(erase(folder, &id)["wiped"], json!(false));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let wiped =
        || succeed(folder, &["gdpr", "certificate", &id]).contains("Nothing of them is left");
    std::thread::sleep(Duration::from_secs(3));
    assert!(!wiped() && files_with_person(folder) == ["fastcore.db-wal"]);

    // Whenever the server has found the erasure: Litestream makes a checkpoint every minute.
    assert!(wait_until(|| {
        replicator.checkpoint();
        std::thread::sleep(Duration::from_secs(1));
        wiped()
    }));
    assert_eq!(files_with_person(folder), [""; 0]);
    assert_kept(folder, &seen);
    assert_retries(server.address, &seen);
    drop(replicator);
    server.terminate();
    assert_kept(folder, &seen);
}

#[test]
fn litestreams_tables_disturb_neither_check_nor_backup_nor_restore_nor_migrate() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut server = ServeProcess::start(folder);
    let replicator = Replicator::attach(folder);
    let id = store_person(&server);
    replicator.checkpoint();
    let findings = succeed(folder, &["check"]);
    assert!(!findings.contains("ERROR") && !findings.contains("litestream"), "{findings}");
    succeed(folder, &["backup", "create", "backup.db"]);
    succeed(folder, &["backup", "verify", "backup.db"]);
    // What Litestream restores is a copy like this one: no checksum trailer, and its tables in it.
    let copy = folder.join("copy.db");
    replicator.writing.execute("VACUUM INTO ?1", [copy.to_str().expect("a path")]).expect("a copy");
    erase(folder, &id);
    server.terminate();
    assert_eq!(run(folder, &["restore", "backup.db"]).status.code(), Some(5));
    drop(replicator);
    for arguments in [&["restore", "backup.db"][..], &["restore", "--no-checksum", "copy.db"]] {
        let restored = command(folder, arguments).arg("--json").output().expect("it runs");
        assert!(restored.status.success(), "{restored:?}");
        let restored: Value = serde_json::from_slice(&restored.stdout).expect("JSON");
        assert_eq!(restored["erased_again"], json!(1), "{restored}");
    }
    succeed(folder, &["migrate"]);
    succeed(folder, &["audit", "verify"]);
    let findings = succeed(folder, &["check"]);
    assert!(!findings.contains("ERROR"), "{findings}");
    let mut server = ServeProcess::start(folder);
    store_person(&server);
    server.terminate();
}
