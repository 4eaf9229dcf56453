//! The status of a server for the admin page: sizes, the last lead, the last backup, how far the chain
//! was verified, and warnings.

use std::time::Duration;

use crate::app::backup::monitor::BackupMonitor;
use crate::app::certificate::store::CertificateStore;
use crate::app::db::Db;
use crate::app::retention::{Retention, notice_time};
use crate::app::status::chain_monitor::{ChainMonitor, ChainStatus};
use crate::app::status::thresholds::{self, Level, MIB};
use crate::domain::audit::AuditEvent;
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::store::db::disk_usage::DiskUsage;
use crate::store::error::StoreError;
use crate::store::read::{ReadPool, ReadTx};

/// The status of a server.
#[derive(Debug)]
pub struct ServerStatus {
    pub version: &'static str,
    pub database: DatabaseStatus,
    pub last_lead_at_utc: Option<Timestamp>,
    pub last_backup: Option<LastBackup>,
    pub chain: ChainStatus,
    pub health: StorageStatus,
    /// Where leads are erased for their age.
    pub retention: Option<RetentionStatus>,
    pub warnings: Vec<StatusWarning>,
}

/// Sizes in bytes, and numbers of rows.
#[derive(Debug)]
pub struct DatabaseStatus {
    pub bytes: u64,
    pub wal_bytes: u64,
    pub free_bytes: u64,
    pub leads: i64,
    pub audit_rows: i64,
}

/// The last backup in the audit log.
#[derive(Debug, Clone)]
pub struct LastBackup {
    pub at_utc: Recorded<Timestamp>,
    pub file: Option<String>,
}

/// How long leads are kept.
#[derive(Debug)]
pub struct RetentionStatus {
    pub days: i64,
    /// Leads that are erased within the next 30 days.
    pub leads_leaving: u64,
}

/// Whether leads can be stored.
#[derive(Debug)]
pub struct StorageStatus {
    pub ok: bool,
    pub detail: Option<String>,
}

/// Something that needs attention.
#[derive(Debug)]
pub struct StatusWarning {
    pub code: &'static str,
    pub detail: String,
}

/// Reads the status of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct StatusReader {
    db: Db,
    chain: ChainMonitor,
    /// The scheduled backups, if there are any.
    backups: Option<BackupMonitor>,
    retention: Option<Retention>,
    /// Where the server speaks HTTPS itself.
    certificate: Option<CertificateStore>,
}

/// What the database and its file system say.
struct Facts {
    sizes: DiskUsage,
    leads: i64,
    audit_rows: i64,
    first_lead: Option<Timestamp>,
    last_lead: Option<Timestamp>,
    last_row: Option<Timestamp>,
    /// The latest time of a lead, which need not be the last one to arrive.
    latest_lead: Option<Timestamp>,
    last_backup: Option<LastBackup>,
}

impl StatusReader {
    pub(crate) fn new(
        db: &Db,
        chain: ChainMonitor,
        backups: Option<BackupMonitor>,
        retention: Option<Retention>,
        certificate: Option<CertificateStore>,
    ) -> Self {
        Self { db: db.clone(), chain, backups, retention, certificate }
    }

    /// The status now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn read(&self) -> Result<ServerStatus, StoreError> {
        let database = self.db.path().to_owned();
        let now = self.db.clock().now().into();
        let leaving_before =
            (self.retention.as_ref()).map(|retention| notice_time(retention.period, now));
        let read = move |readers: &ReadPool| {
            let sizes = DiskUsage::of(&database)?;
            readers.read(|tx| {
                let leaving = leaving_before.map(|time| tx.count_before(time)).transpose()?;
                Ok((Facts::read(tx, sizes)?, leaving.map(|(leads, _)| leads)))
            })
        };
        let (facts, leaving) = self.db.with_readers(read).await??;
        let chain = ChainStatus { head: facts.audit_rows, ..self.chain.status() };
        let unavailable = self.db.health().unavailable_reason();
        let warnings = [
            facts.disk_warning(),
            self.backup_failure(),
            self.ledger_failure(),
            facts.backup_warning(self.backups.as_ref().map(BackupMonitor::interval), now),
            self.future_backups(),
            chain.finding.as_ref().map(|finding| {
                warning("chain_broken", format!("The audit log is invalid: {finding}"))
            }),
            unavailable.as_ref().map(|reason| {
                warning("writer_failing", format!("Leads cannot be stored now: {reason}"))
            }),
            self.db.index_health().warning().map(|detail| warning("search_index_damaged", detail)),
            self.retention_failure(),
            self.certificate_warning(),
            facts.wal_warning(),
            facts.clock_warning(now),
        ];
        Ok(ServerStatus {
            version: env!("CARGO_PKG_VERSION"),
            database: DatabaseStatus {
                bytes: facts.sizes.database,
                wal_bytes: facts.sizes.wal,
                free_bytes: facts.sizes.free,
                leads: facts.leads,
                audit_rows: facts.audit_rows,
            },
            last_lead_at_utc: facts.last_lead,
            last_backup: facts.last_backup,
            chain,
            health: StorageStatus { ok: unavailable.is_none(), detail: unavailable },
            retention: self.retention.as_ref().zip(leaving).map(|(retention, leads_leaving)| {
                RetentionStatus { days: retention.period.num_days(), leads_leaving }
            }),
            warnings: warnings.into_iter().flatten().collect(),
        })
    }

    fn backup_failure(&self) -> Option<StatusWarning> {
        let failure = self.backups.as_ref()?.failure()?;
        Some(warning("backup_failing", format!("The last scheduled backup failed: {failure}")))
    }

    fn ledger_failure(&self) -> Option<StatusWarning> {
        let failure = self.backups.as_ref()?.ledger_failure()?;
        let detail = format!("The erasure ledger in the backup folder is incomplete: {failure}");
        Some(warning("ledger_failing", detail))
    }

    fn retention_failure(&self) -> Option<StatusWarning> {
        let failure = self.retention.as_ref()?.failure()?;
        let detail = format!("Leads past their retention period are not erased: {failure}");
        Some(warning("retention_failing", detail))
    }

    fn certificate_warning(&self) -> Option<StatusWarning> {
        let (level, detail) = self.certificate.as_ref()?.warning()?;
        let code =
            if level == Level::Error { "certificate_invalid" } else { "certificate_expiring" };
        Some(warning(code, format!("The certificate of HTTPS: {detail}")))
    }

    fn future_backups(&self) -> Option<StatusWarning> {
        let files = self.backups.as_ref()?.future_files();
        let detail = || format!("{files} scheduled backups are dated in the future");
        (files > 0).then(|| warning("backup_future", detail()))
    }
}

impl Facts {
    fn read(tx: &ReadTx<'_>, sizes: DiskUsage) -> Result<Self, StoreError> {
        let (leads, audit_rows) = tx.row_counts()?;
        let last_backup = tx.newest_of(AuditEvent::BackupTaken)?.map(|row| LastBackup {
            file: row.details()["file"].as_str().map(str::to_owned),
            at_utc: row.created_at_utc,
        });
        let range = tx.time_range(&Default::default())?;
        Ok(Self {
            sizes,
            leads,
            audit_rows,
            first_lead: range.map(|(first, _)| first),
            latest_lead: range.map(|(_, latest)| latest),
            last_lead: tx.last_lead_at()?,
            last_row: tx.newest_row_at()?,
            last_backup,
        })
    }

    fn disk_warning(&self) -> Option<StatusWarning> {
        let low = thresholds::disk_level(self.sizes.free, self.sizes.database) > Level::Ok;
        let free = self.sizes.free / MIB;
        low.then(|| warning("disk_low", format!("Only {free} MiB are free on the database's disk")))
    }

    fn wal_warning(&self) -> Option<StatusWarning> {
        let large = thresholds::wal_level(self.sizes.wal) > Level::Ok;
        let size = self.sizes.wal / MIB;
        large.then(|| {
            let detail = format!("The WAL has {size} MiB: another program may keep reading");
            warning("wal_large", detail)
        })
    }

    /// A missing backup is reported once the first lead is as old as a late backup: a new
    /// installation has none yet.
    fn backup_warning(&self, interval: Option<Duration>, now: Timestamp) -> Option<StatusWarning> {
        let taken_at = self.last_backup.as_ref().and_then(|backup| backup.at_utc.known());
        // While the clock is behind everything, it says nothing of the backup either.
        let is_behind = thresholds::clock_level(self.last_row, now) > Level::Ok;
        let plausible = taken_at.filter(|at| is_behind || !thresholds::is_future(*at, now));
        let since = plausible.or(self.first_lead)?;
        thresholds::is_backup_late(since, interval, now).then(|| {
            let detail = match taken_at {
                Some(taken_at) => format!("The last backup was taken at {taken_at}"),
                None => "The audit log has no backup".to_owned(),
            };
            warning("backup_old", detail)
        })
    }

    fn clock_warning(&self, now: Timestamp) -> Option<StatusWarning> {
        if thresholds::clock_level(self.last_row, now) > Level::Ok {
            let detail = "The clock is behind the newest audit row".to_owned();
            return Some(warning("clock_behind", detail));
        }
        let latest = self.latest_lead.filter(|latest| thresholds::is_future(*latest, now))?;
        let detail = format!("Leads are dated in the future, up to {latest}");
        Some(warning("clock_was_ahead", detail))
    }
}

fn warning(code: &'static str, detail: String) -> StatusWarning {
    StatusWarning { code, detail }
}
