//! The servers that are compared, each in its own process.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use fastcore::domain::search::TOKENIZER_VERSION;
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::serve;

/// Its backup, in its folder.
const BACKUP: &str = "backup.db";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    FastCore,
    Nothing,
    Ordinary,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FastCore => "fastcore",
            Self::Nothing => "nothing",
            Self::Ordinary => "ordinary",
        }
    }
}

/// A running server; dropping it ends the process.
pub(super) struct Server {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Starts it in a new folder on the disk of the benchmark.
    pub(super) fn start(kind: Kind) -> Self {
        Self::start_with(kind, &[])
    }

    /// FASTCore with two recipients of notices, and a mail server where nothing listens.
    pub(super) fn start_mailing() -> Self {
        let settings = [
            ("FASTCORE_SMTP_URL", "smtp://127.0.0.1:9"),
            ("FASTCORE_MAIL_FROM", "leads@example.com"),
            ("FASTCORE_NOTIFY_EMAIL", "claire@example.com,paul@example.com"),
        ];
        Self::start_with(Kind::FastCore, &settings)
    }

    fn start_with(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("ingest-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("a folder");
        let mut command = match kind {
            Kind::FastCore => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_fastcore"));
                command.arg("serve");
                command
            }
            other => {
                let mut command = Command::new(std::env::current_exe().expect("this program"));
                command.args(["--serve", other.name()]);
                command
            }
        };
        command.envs(settings.iter().copied());
        let (child, address) = serve::start(&mut command, folder.path());
        Self { kind, address, child, folder }
    }

    /// Stops its search indexer, by a mark that everything is indexed.
    pub(super) fn without_index(self) -> Self {
        let conn = Connection::open(self.folder.path().join("fastcore.db")).expect("a database");
        let sql = "UPDATE search_index_state SET indexed_through = 1 << 60, tokenizer_version = ?1";
        conn.execute(sql, [TOKENIZER_VERSION]).expect(sql);
        self
    }

    /// Pauses the process until [`Self::resume`], and flushes what was written.
    pub(super) fn pause(&self) {
        self.signal(Signal::STOP);
        rustix::fs::sync();
    }

    pub(super) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a process"), signal).expect("it is ours");
    }

    /// The processor time used so far, in microseconds.
    pub(super) fn cpu_us(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("Linux's /proc");
        let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
        let ticks: f64 = fields.skip(11).take(2).map(|n| n.parse::<f64>().expect("ticks")).sum();
        ticks * 1e6 / rustix::param::clock_ticks_per_second() as f64
    }

    /// Takes a backup of its database.
    pub(super) fn take_backup(&self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fastcore"));
        command.args(["backup", "create", BACKUP]).current_dir(&self.folder);
        assert!(command.stderr(Stdio::null()).status().expect("it runs").success());
    }

    /// The size of that backup, in MB.
    pub(super) fn backup_mb(&self) -> f64 {
        let meta = std::fs::metadata(self.folder.path().join(BACKUP));
        meta.expect("a backup").len() as f64 / 1e6
    }

    /// The peak memory, in MB.
    pub(super) fn peak_mb(&self) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("Linux's /proc");
        let line = status.lines().find(|l| l.starts_with("VmHWM")).expect("a peak");
        let kib: f64 = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
        kib / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
