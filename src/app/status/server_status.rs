//! The status of a server for the admin page: sizes, the last lead, the last backup, how far the chain
//! was verified, and warnings.

use crate::app::backup::monitor::BackupMonitor;
use crate::app::certificate::store::{CertificateStatus, CertificateStore};
use crate::app::db::Db;
use crate::app::retention::{Retention, notice_time};
use crate::app::status::chain_monitor::{ChainMonitor, ChainStatus};
use crate::app::status::facts::{Facts, LastBackup, StatusWarning, WARNING_CODES, warning};
use crate::app::status::thresholds::Level;
use crate::domain::timestamp::Timestamp;
use crate::store::db::disk_usage::DiskUsage;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;

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
    /// Where the server speaks HTTPS itself.
    pub certificate: Option<CertificateStatus>,
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

/// Reads the status of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct StatusReader {
    pub(crate) db: Db,
    pub(crate) chain: ChainMonitor,
    /// The scheduled backups, if there are any.
    pub(crate) backups: Option<BackupMonitor>,
    retention: Option<Retention>,
    /// Where the server speaks HTTPS itself.
    pub(crate) certificate: Option<CertificateStore>,
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
                let leaving = leaving.map(|(leads, _)| leads);
                Ok((Facts::read(tx, sizes)?, tx.row_counts()?, leaving))
            })
        };
        let (facts, (leads, audit_rows), leaving) = self.db.with_readers(read).await??;
        let warnings = self.warnings(Some(&facts), now);
        let unavailable = self.db.health().unavailable_reason();
        Ok(ServerStatus {
            version: env!("CARGO_PKG_VERSION"),
            database: DatabaseStatus {
                bytes: facts.sizes.database,
                wal_bytes: facts.sizes.wal,
                free_bytes: facts.sizes.free,
                leads,
                audit_rows,
            },
            last_lead_at_utc: facts.last_lead,
            last_backup: facts.last_backup,
            chain: ChainStatus { head: audit_rows, ..self.chain.status() },
            health: StorageStatus { ok: unavailable.is_none(), detail: unavailable },
            retention: self.retention.as_ref().zip(leaving).map(|(retention, leads_leaving)| {
                RetentionStatus { days: retention.period.num_days(), leads_leaving }
            }),
            certificate: self.certificate.as_ref().map(CertificateStore::status),
            warnings,
        })
    }

    /// What the database and its file system say.
    ///
    /// # Errors
    /// They do not answer.
    pub(crate) async fn facts(&self) -> Result<Facts, StoreError> {
        let database = self.db.path().to_owned();
        let read = move |readers: &ReadPool| {
            let sizes = DiskUsage::of(&database)?;
            readers.read(|tx| Facts::read(tx, sizes))
        };
        self.db.with_readers(read).await?
    }

    /// What needs attention: by the facts, if they are known, and by what the server knows without them.
    pub(crate) fn warnings(&self, facts: Option<&Facts>, now: Timestamp) -> Vec<StatusWarning> {
        let interval = self.backups.as_ref().map(BackupMonitor::interval);
        let own = [
            self.backup_failure(),
            self.ledger_failure(),
            self.future_backups(),
            self.chain.status().finding.map(|finding| {
                warning("chain_broken", format!("The audit log is invalid: {finding}"))
            }),
            self.db.health().unavailable_reason().map(|reason| {
                warning("writer_failing", format!("Leads cannot be stored now: {reason}"))
            }),
            self.db.index_health().warning().map(|detail| warning("search_index_damaged", detail)),
            self.retention_failure(),
            self.certificate_warning(),
            self.renewal_failure(),
        ];
        let reserve = self.db.disk_reserve();
        let of_facts =
            facts.map(|facts| facts.warnings(interval, reserve, now)).unwrap_or_default();
        let mut warnings: Vec<_> = own.into_iter().flatten().chain(of_facts).collect();
        warnings.sort_by_key(|warning| WARNING_CODES.iter().position(|code| *code == warning.code));
        warnings
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
        let certificate = self.certificate.as_ref()?;
        let (level, detail) = certificate.warning()?;
        let code = match level {
            Level::Error if certificate.current().is_none() => "certificate_missing",
            Level::Error => "certificate_invalid",
            _ => "certificate_expiring",
        };
        Some(warning(code, format!("The certificate of HTTPS: {detail}")))
    }

    fn renewal_failure(&self) -> Option<StatusWarning> {
        let failure = self.certificate.as_ref()?.failure()?;
        let detail = format!("The certificate of HTTPS is not renewed: {}", failure.describe());
        Some(warning("certificate_renewal_failing", detail))
    }

    fn future_backups(&self) -> Option<StatusWarning> {
        let files = self.backups.as_ref()?.future_files();
        let detail = || format!("{files} scheduled backups are dated in the future");
        (files > 0).then(|| warning("backup_future", detail()))
    }
}
