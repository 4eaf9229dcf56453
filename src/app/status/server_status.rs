//! The status of a server for the admin page: sizes, the last lead, the last backup, how far the chain
//! was verified, and warnings.

use std::time::Duration;

use crate::app::backup::monitor::BackupMonitor;
use crate::app::certificate::store::{CertificateStatus, CertificateStore};
use crate::app::db::Db;
use crate::app::retention::{Retention, notice_time};
use crate::app::status::chain_monitor::{ChainMonitor, ChainStatus};
use crate::app::status::conditions::CONDITIONS;
use crate::app::status::facts::{Facts, LastBackup, StatusWarning, warning};
use crate::app::status::one_at_a_time::OneAtATime;
use crate::app::status::server_watch::ServerWatch;
use crate::app::status::silence_monitor::SilenceMonitor;
use crate::app::status::thresholds::Level;
use crate::domain::notice::ChannelState;
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
    /// The channels by which staff hear of new leads; `None` where they cannot be read.
    pub notice_channels: Option<Vec<ChannelState>>,
    /// Where canaries are expected.
    pub canary: Option<CanaryStatus>,
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

/// When canaries come through.
#[derive(Debug)]
pub struct CanaryStatus {
    pub every: Duration,
    pub last_at_utc: Option<Timestamp>,
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
    /// How often a canary is expected.
    canary_every: Option<Duration>,
    /// Where the server speaks HTTPS itself.
    pub(crate) certificate: Option<CertificateStore>,
    pub(crate) watch: ServerWatch,
    pub(crate) silence: SilenceMonitor,
    reads: OneAtATime,
}

impl StatusReader {
    pub(crate) fn new(
        db: &Db,
        chain: ChainMonitor,
        backups: Option<BackupMonitor>,
        retention: Option<Retention>,
        certificate: Option<CertificateStore>,
        watch: ServerWatch,
        silence: SilenceMonitor,
    ) -> Self {
        let reads = OneAtATime::default();
        Self {
            db: db.clone(),
            chain,
            backups,
            retention,
            canary_every: None,
            certificate,
            watch,
            silence,
            reads,
        }
    }

    pub(crate) fn with_canary_every(self, canary_every: Option<Duration>) -> Self {
        Self { canary_every, ..self }
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
                // What is wrong with them is a warning of the facts.
                let channels = tx.channel_states().ok();
                Ok((Facts::read(tx, sizes, now)?, tx.row_counts()?, leaving, channels))
            })
        };
        let (facts, (leads, audit_rows), leaving, notice_channels) =
            self.db.with_readers(read).await??;
        let warnings = self.warnings(Ok(&facts), now);
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
            notice_channels,
            canary: self
                .canary_every
                .map(|every| CanaryStatus { every, last_at_utc: facts.last_canary }),
            certificate: self.certificate.as_ref().map(CertificateStore::status),
            warnings,
        })
    }

    /// What the database and its file system say.
    ///
    /// # Errors
    /// They do not answer.
    async fn facts(&self) -> Result<Facts, StoreError> {
        let database = self.db.path().to_owned();
        let now = self.db.clock().now().into();
        let read = move |readers: &ReadPool| {
            let sizes = DiskUsage::of(&database)?;
            readers.read(|tx| Facts::read(tx, sizes, now))
        };
        self.db.with_readers(read).await?
    }

    /// The same, or why not: in time also where the disk does not answer.
    pub(crate) async fn facts_in_time(&self) -> Result<Facts, String> {
        let status = self.clone();
        let facts = self.reads.run(async move { status.facts().await }).await;
        let late = || Err("the disk has not answered in time".to_owned());
        facts.map_or_else(late, |facts| facts.map_err(|error| error.to_string()))
    }

    /// Whether a condition that is not raised is known to be absent; `has_facts` says whether the database
    /// has answered.
    pub(crate) fn is_known(&self, code: &str, has_facts: bool) -> bool {
        match code {
            "chain_broken" => self.chain.status().at_utc.is_some(),
            "token_refused" => self.watch.knows_token(),
            "silence" => self.silence.has_looked(),
            _ => has_facts,
        }
    }

    /// What needs attention: by the facts, or why they are not known, and by what the server knows without them.
    pub(crate) fn warnings(
        &self,
        facts: Result<&Facts, &str>,
        now: Timestamp,
    ) -> Vec<StatusWarning> {
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
            facts.err().map(|error| warning("database_unreadable", error.to_owned())),
            self.refused_tokens(),
            self.refused_submissions(facts.ok()),
            self.silence.problem().map(|detail| warning("silence", detail)),
            self.rebuilt_index(),
            self.clock_jump(),
            self.dropped_log_lines(),
        ];
        let reserve = self.db.disk_reserve();
        let of_facts = facts
            .map(|facts| facts.warnings(interval, self.canary_every, reserve, now))
            .unwrap_or_default();
        let mut warnings: Vec<_> = own.into_iter().flatten().chain(of_facts).collect();
        let order = |code| CONDITIONS.iter().position(|condition| condition.code == code);
        warnings.sort_by_key(|warning| order(warning.code));
        warnings
    }

    fn refused_tokens(&self) -> Option<StatusWarning> {
        let refused = self.watch.refused_tokens()?;
        let detail = format!(
            "{refused} submissions came without the right token, the last one since the last lead with it"
        );
        Some(warning("token_refused", detail))
    }

    /// By the fields at fault, as the audit log names them, and by why others are not in it.
    fn refused_submissions(&self, facts: Option<&Facts>) -> Option<StatusWarning> {
        let unrecorded = self.watch.unrecorded_refusals();
        let tally = facts.map(|facts| facts.refusals.clone()).unwrap_or_default();
        let others = unrecorded.iter().map(|(_, count)| count).sum::<u64>();
        let refused = tally.refused.saturating_add(others);
        let fields = tally.fields.iter().map(|(name, count)| format!("{name} ({count})"));
        let codes = unrecorded.iter().map(|(code, count)| format!("{code} ({count})"));
        let faults: Vec<String> = fields.chain(codes).collect();
        let at_least = if tally.has_more { "At least " } else { "" };
        let faults = faults.join(", ");
        let detail = format!("{at_least}{refused} in the last 24 hours, by their faults: {faults}");
        (refused > 0).then(|| warning("submissions_refused", detail))
    }

    fn rebuilt_index(&self) -> Option<StatusWarning> {
        let rebuilds = self.watch.index_rebuilds();
        let detail = || format!("The search index was damaged and built again, times: {rebuilds}");
        (rebuilds > 0).then(|| warning("search_index_rebuilt", detail()))
    }

    fn clock_jump(&self) -> Option<StatusWarning> {
        let minutes = (self.watch.clock_jump()?.as_seconds_f64() / 60.0).round();
        Some(warning("clock_jumped", format!("The clock has jumped by {minutes} minutes")))
    }

    fn dropped_log_lines(&self) -> Option<StatusWarning> {
        let lines = self.watch.dropped_log_lines();
        (lines > 0).then(|| warning("log_lines_dropped", format!("{lines} log lines were dropped")))
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
