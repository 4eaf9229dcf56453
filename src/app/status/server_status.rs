//! How the server is: sizes, the last lead, the last backup, how far the chain was proved, and
//! what somebody should look at.

use chrono::TimeDelta;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::db::Db;
use crate::app::status::chain_monitor::{ChainMonitor, ChainStatus};
use crate::domain::audit::AuditEvent;
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::store::db::disk_usage::DiskUsage;
use crate::store::error::StoreError;

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
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub last_lead_at_utc: Option<Timestamp>,
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
    #[schema(value_type = String, format = DateTime)]
    pub at_utc: Recorded<Timestamp>,
    #[schema(required)]
    pub file: Option<String>,
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

/// Reads the status of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct StatusReader {
    db: Db,
    chain: ChainMonitor,
}

impl StatusReader {
    pub(crate) fn new(db: &Db) -> Result<Self, StoreError> {
        Ok(Self { db: db.clone(), chain: ChainMonitor::watch(db.path(), db.clock())? })
    }

    /// The status now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn read(&self) -> Result<ServerStatus, StoreError> {
        let database = self.db.path().to_owned();
        let (sizes, (leads, audit_rows), last_lead, first_lead, backup) = self
            .db
            .with_readers(move |readers| {
                let sizes = DiskUsage::of(&database)?;
                readers.read(|snapshot| {
                    let backup = snapshot.newest_of(AuditEvent::BackupTaken)?;
                    let first = snapshot.time_range(&Default::default())?.map(|(first, _)| first);
                    Ok((sizes, snapshot.row_counts()?, snapshot.last_lead_at()?, first, backup))
                })
            })
            .await??;
        let last_backup = backup.map(|row| LastBackup {
            file: row.details()["file"].as_str().map(str::to_owned),
            at_utc: row.created_at_utc,
        });
        let mut chain = self.chain.status();
        chain.head = audit_rows;
        let obstacle = self.db.health().unavailable_reason();
        let now = self.db.clock().now().into();
        let warnings = [
            (sizes.free < LITTLE_ROOM).then(|| disk_low(sizes.free)),
            backup_old(last_backup.as_ref(), first_lead, now),
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
    first_lead: Option<Timestamp>,
    now: Timestamp,
) -> Option<StatusWarning> {
    let limit = now.saturating_sub(OLD_BACKUP);
    match backup {
        Some(backup) if backup.at_utc.known().is_some_and(|at| at < limit) => {
            Some(warning("backup_old", format!("The last backup is of {}", backup.at_utc)))
        }
        None if first_lead.is_some_and(|first| first < limit) => {
            Some(warning("backup_old", "The audit log tells of no backup".to_owned()))
        }
        _ => None,
    }
}
