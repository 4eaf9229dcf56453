//! The servers that are compared, each a process of its own.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use fastcore::app::App;
use fastcore::app::intake::{Answer, Inbox};
use fastcore::clock::Clock;
use fastcore::config::{Environment, Server as Settings, ServerFlags};
use fastcore::domain::hash_chain::ChainPosition;
use fastcore::domain::id::RequestId;
use fastcore::domain::lead::NewLead;
use fastcore::domain::search_terms::TOKENIZER_VERSION;
use fastcore::domain::timestamp::stamp;
use fastcore::http::context::Context;
use fastcore::http::router::routes;
use fastcore::http::server::{Limits, bind, serve as serve_http};
use fastcore::store::health::WriterHealth;
use fastcore::store::leads::{StoredLead, SubmitOutcome};
use fastcore::telemetry;
use fastcore::telemetry::LogFlags;
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use uuid::Uuid;

use super::ordinary::Ordinary;
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

/// A running server; ends with this value.
pub(super) struct Server {
    pub(super) kind: Kind,
    pub(super) address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Starts it in a folder of its own, on the disk that the benchmark runs on.
    pub(super) fn start(kind: Kind) -> Self {
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
        let (child, address) = serve::start(&mut command, folder.path());
        Self { kind, address, child, folder }
    }

    /// Has its search index stay where it is.
    pub(super) fn without_index(self) -> Self {
        let conn = Connection::open(self.folder.path().join("fastcore.db")).expect("a database");
        let sql = "UPDATE lead_search_place SET followed = 1 << 60, rules = ?1";
        conn.execute(sql, [TOKENIZER_VERSION]).expect(sql);
        self
    }

    /// Lets it do nothing until [`Self::resume`]; what was written is on the disk then.
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

    /// The processor time that it has used so far, in microseconds.
    pub(super) fn cpu_us(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("Linux tells");
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

    /// The most memory that it ever held, in MB.
    pub(super) fn peak_mb(&self) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("Linux tells");
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

/// Runs one of the comparison servers in this process, until it is killed.
pub(super) fn run(role: &str) {
    let environment = Environment::load().expect("an environment");
    telemetry::start(&environment, &LogFlags::default()).expect("a log");
    let settings = Settings::load(&environment, &ServerFlags::default()).expect("settings");
    let tokens = settings.tokens().expect("a token");
    let inbox: Arc<dyn Inbox> = match role {
        "nothing" => Arc::new(Nothing),
        _ => Arc::new(Ordinary::open(PathBuf::from("ordinary.db"))),
    };
    let app = App { inbox, health: Arc::new(WriterHealth::default()), state: None };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(telemetry::flush)
        .build()
        .expect("a runtime");
    let _gathering = telemetry::gather();
    runtime.block_on(async {
        let listener = bind(settings.listen).expect("a port");
        let address = listener.local_addr().expect("an address");
        writeln!(std::io::stderr(), r#"{{"address":"{address}"}}"#).expect("a log");
        let routes = routes(&Context::new(app, tokens));
        let origins = settings.cors_origins.into();
        serve_http(listener, routes, origins, Limits::default(), std::future::pending()).await;
    });
}

/// Answers as if the lead were stored.
struct Nothing;

impl Inbox for Nothing {
    fn submit(&self, _: NewLead) -> Answer<SubmitOutcome> {
        let stored = StoredLead {
            lead_id: Uuid::now_v7().to_string(),
            created_at_utc: stamp(Clock::system().now()),
            receipt: ChainPosition::START,
        };
        Box::pin(std::future::ready(Ok(SubmitOutcome::Created(stored))))
    }

    fn reject(&self, _: Vec<&'static str>, _: Option<RequestId>) -> Answer<()> {
        Box::pin(std::future::ready(Ok(())))
    }
}
