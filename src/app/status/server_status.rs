//! How the server is: sizes, the last lead, the last backup, how far the chain was proved, and
//! what somebody should look at.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::admin_state::AdminState;
use crate::clock::Clock;
use crate::domain::hash_chain::ChainPosition;
use crate::domain::timestamp::stamp;
use crate::store;
use crate::store::db::disk_usage::DiskUsage;
use crate::store::error::StoreError;

/// The chain is proved at the start and this often.
const PROVED_EVERY: Duration = Duration::from_secs(3600);
/// How much nicer than the rest of the process the proving thread is.
const NICE: i32 = 10;
/// Less room than this on the disk is told.
const LITTLE_ROOM: u64 = 1 << 30;
/// A write-ahead log larger than this is told.
const LARGE_WAL: u64 = 256 << 20;
/// A backup older than this is told; so is none, once there are leads that old.
const OLD_BACKUP: TimeDelta = TimeDelta::hours(48);

/// The state as the page shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServerState)]
pub struct ServerStatus {
    pub version: &'static str,
    pub database: DatabaseStatus,
    #[schema(required, format = DateTime)]
    pub last_lead_at_utc: Option<String>,
    #[schema(required)]
    pub last_backup: Option<LastBackup>,
    pub chain: ChainStatus,
    pub health: StorageStatus,
    pub warnings: Vec<StatusWarning>,
}

/// DiskUsage in bytes, and rows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DatabaseState)]
pub struct DatabaseStatus {
    pub bytes: u64,
    pub wal_bytes: u64,
    pub free_bytes: u64,
    pub leads: i64,
    pub audit_rows: i64,
}

/// The last backup that the audit log tells of.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LastBackup)]
pub struct LastBackup {
    #[schema(format = DateTime)]
    pub at_utc: String,
    #[schema(required)]
    pub file: Option<String>,
}

/// How far the chain was proved, and what was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChainStatus {
    pub verified_to: i64,
    /// The last row now.
    pub head: i64,
    #[schema(required, format = DateTime)]
    pub at_utc: Option<String>,
    pub ok: bool,
    #[schema(required)]
    pub finding: Option<String>,
}

/// Whether leads can be stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoringState)]
pub struct StorageStatus {
    pub ok: bool,
    #[schema(required)]
    pub detail: Option<String>,
}

/// Something that somebody should look at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StateWarning)]
pub struct StatusWarning {
    pub code: &'static str,
    pub detail: String,
}

/// Proves the chain now and then, in a thread of its own that ends with this.
#[derive(Debug)]
pub(crate) struct ChainMonitor {
    proved: Arc<Mutex<ChainStatus>>,
    _end: Sender<()>,
}

impl ChainMonitor {
    pub(crate) fn watch(database: &Path, clock: &Clock) -> Result<Self, StoreError> {
        let nothing =
            ChainStatus { verified_to: 0, head: 0, at_utc: None, ok: true, finding: None };
        let proved = Arc::new(Mutex::new(nothing));
        let (end, ended) = channel();
        let (database, clock, told) = (database.to_owned(), clock.clone(), Arc::clone(&proved));
        let prove = move || {
            // On Linux, of this thread alone; elsewhere the start of a long walk goes unhurried.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::setpriority_process(None, NICE);
            loop {
                let state = prove(&database, clock.now());
                *told.lock().unwrap_or_else(PoisonError::into_inner) = state;
                match ended.recv_timeout(PROVED_EVERY) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => break,
                }
            }
        };
        std::thread::Builder::new()
            .name("prover".to_owned())
            .spawn(prove)
            .map_err(|e| StoreError::Io(e.to_string()))?;
        Ok(Self { proved, _end: end })
    }

    fn status(&self) -> ChainStatus {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn prove(database: &Path, now: DateTime<Utc>) -> ChainStatus {
    let at_utc = Some(stamp(now));
    match store::audit::verify::verify_database(database, &[], &mut |_| {}) {
        Ok(report) => {
            let finding = report.findings.into_iter().next();
            if let Some(finding) = &finding {
                tracing::error!(finding, faults = report.finding_count, "the audit log is broken");
            }
            let head = report.head.as_deref().and_then(ChainPosition::parse).map_or(0, |h| h.seq);
            ChainStatus { verified_to: head, head, at_utc, ok: report.valid, finding }
        }
        Err(error) => {
            tracing::error!(%error, "the audit log could not be proved");
            let finding = Some(format!("it could not be proved: {error}"));
            ChainStatus { verified_to: 0, head: 0, at_utc, ok: false, finding }
        }
    }
}

impl AdminState {
    /// How the server is.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn status(&self) -> Result<ServerStatus, StoreError> {
        let database = self.database().to_owned();
        let (sizes, (leads, audit_rows), last_lead, first_lead, backup) = self
            .with_readers(move |readers| {
                let sizes = DiskUsage::of(&database)?;
                readers.read(|snapshot| {
                    let backup = snapshot.newest_of("BACKUP_TAKEN")?;
                    let first = snapshot.extent(&Default::default())?.map(|(first, _)| first);
                    Ok((sizes, snapshot.row_counts()?, snapshot.last_lead_at()?, first, backup))
                })
            })
            .await??;
        let last_backup = backup.map(|row| LastBackup {
            file: row.details()["file"].as_str().map(str::to_owned),
            at_utc: row.created_at_utc,
        });
        let mut chain = self.chain().status();
        chain.head = audit_rows;
        let obstacle = self.health().unavailable_reason();
        let now = self.clock().now();
        let warnings = [
            (sizes.free < LITTLE_ROOM).then(|| disk_low(sizes.free)),
            backup_old(last_backup.as_ref(), first_lead.as_deref(), now),
            chain.finding.as_ref().map(|finding| {
                warning("chain_broken", format!("The audit log does not hold: {finding}"))
            }),
            obstacle
                .as_ref()
                .map(|why| warning("writer_failing", format!("Leads cannot be stored now: {why}"))),
            (sizes.wal > LARGE_WAL).then(|| wal_large(sizes.wal)),
        ];
        Ok(ServerStatus {
            version: env!("CARGO_PKG_VERSION"),
            database: DatabaseStatus {
                bytes: sizes.database,
                wal_bytes: sizes.wal,
                free_bytes: sizes.free,
                leads,
                audit_rows,
            },
            last_lead_at_utc: last_lead,
            last_backup,
            chain,
            health: StorageStatus { ok: obstacle.is_none(), detail: obstacle },
            warnings: warnings.into_iter().flatten().collect(),
        })
    }
}

fn warning(code: &'static str, detail: String) -> StatusWarning {
    StatusWarning { code, detail }
}

fn disk_low(free: u64) -> StatusWarning {
    warning("disk_low", format!("Only {} MB are free on the database's disk", free >> 20))
}

fn wal_large(wal: u64) -> StatusWarning {
    let detail = format!(
        "The write-ahead log has {} MB: another program may be reading the database without end",
        wal >> 20
    );
    warning("wal_large", detail)
}

fn backup_old(
    backup: Option<&LastBackup>,
    first_lead: Option<&str>,
    now: DateTime<Utc>,
) -> Option<StatusWarning> {
    let limit = stamp(now - OLD_BACKUP);
    match backup {
        Some(backup) if backup.at_utc < limit => {
            Some(warning("backup_old", format!("The last backup is of {}", backup.at_utc)))
        }
        None if first_lead.is_some_and(|first| first < limit.as_str()) => {
            Some(warning("backup_old", "The audit log tells of no backup".to_owned()))
        }
        _ => None,
    }
}
