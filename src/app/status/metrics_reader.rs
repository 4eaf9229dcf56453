//! The values that are read when metrics are scraped, next to what is counted all the time.

use std::path::Path;
use std::sync::Arc;

use crate::app::certificate::store::CertificateStore;
use crate::app::db::blocking;
use crate::app::status::conditions::CONDITIONS;
use crate::app::status::facts::Facts;
use crate::app::status::one_at_a_time::OneAtATime;
use crate::app::status::server_status::StatusReader;
use crate::domain::timestamp::Timestamp;
use crate::metrics::scrape::Scrape;
use crate::store::db::disk_usage;
use crate::store::writer::QUEUE_LEN;

/// Reads the metrics of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct MetricsReader {
    status: StatusReader,
    /// The folder of the scheduled backups, if there are any.
    backup_folder: Option<Arc<Path>>,
    started_at: Timestamp,
    backup_disk: OneAtATime,
}

impl MetricsReader {
    pub(crate) fn new(status: &StatusReader, backup_folder: Option<&Path>) -> Self {
        Self {
            status: status.clone(),
            backup_folder: backup_folder.map(Arc::from),
            started_at: status.db.clock().now().into(),
            backup_disk: OneAtATime::default(),
        }
    }

    /// All metrics in Prometheus's text format. While a disk does not answer, what it would say is left out.
    ///
    /// # Errors
    /// None: a text takes all that is written to it.
    pub async fn text(&self) -> Result<String, std::fmt::Error> {
        let (facts, backups_free) = tokio::join!(self.status.facts_in_time(), self.backups_free());
        let mut scrape = Scrape::default();
        self.add_server(&mut scrape, facts.as_ref().map_err(String::as_str));
        let facts = facts.ok();
        self.add_checks(&mut scrape);
        self.add_facts(&mut scrape, facts.as_ref());
        let database_free = facts.map(|facts| ("database", facts.sizes.free as f64));
        let backups_free = backups_free.map(|free| ("backups", free as f64));
        scrape.add_each(
            "fastcore_disk_free_bytes",
            "Free space on the disk of the database, and of the scheduled backups",
            "disk",
            database_free.into_iter().chain(backups_free),
        );
        scrape.text(self.status.db.metrics())
    }

    async fn backups_free(&self) -> Option<u64> {
        let folder = Arc::clone(self.backup_folder.as_ref()?);
        let read = blocking(move || disk_usage::free_bytes(&folder));
        self.backup_disk.run(read).await?.ok()?.ok()
    }

    /// What the server knows of itself.
    fn add_server(&self, scrape: &mut Scrape, facts: Result<&Facts, &str>) {
        let db = &self.status.db;
        scrape.add_each(
            "fastcore_build_info",
            "1, with the version of the server",
            "version",
            [(env!("CARGO_PKG_VERSION"), 1.0)],
        );
        scrape.add(
            "process_start_time_seconds",
            "When the server was started, in seconds since 1970",
            Some(seconds(self.started_at)),
        );
        scrape.add(
            "fastcore_healthy",
            "Whether leads can be stored, as /health says",
            Some(flag(db.health().unavailable_reason().is_none())),
        );
        scrape.add(
            "fastcore_database_readable",
            "Whether the database and its disk have answered this scrape in time",
            Some(flag(facts.is_ok())),
        );
        scrape.add(
            "fastcore_writer_queue_jobs",
            "Jobs that wait for the writer",
            Some(db.queued() as f64),
        );
        scrape.add(
            "fastcore_writer_queue_limit_jobs",
            "Jobs that may wait for the writer; more are refused",
            Some(QUEUE_LEN as f64),
        );
        scrape.add(
            "fastcore_disk_reserve_bytes",
            "Free space on the database's disk below which leads are refused",
            Some(db.disk_reserve() as f64),
        );
        let now = db.clock().now().into();
        let raised = self.status.warnings(facts, now);
        let is_raised = |code: &str| raised.iter().any(|warning| warning.code == code);
        // Without the facts, a warning that is not raised is not known to be absent.
        let codes = CONDITIONS.iter().map(|condition| condition.code);
        let known = codes.filter(|code| facts.is_ok() || is_raised(code));
        scrape.add_each(
            "fastcore_warning",
            "Whether the status page shows this warning",
            "code",
            known.map(|code| (code, flag(is_raised(code)))),
        );
    }

    /// What the server verifies and watches by itself.
    fn add_checks(&self, scrape: &mut Scrape) {
        let chain = self.status.chain.status();
        scrape.add(
            "fastcore_chain_valid",
            "Whether the last verification of the audit log found it valid",
            chain.at_utc.map(|_| flag(chain.ok)),
        );
        scrape.add(
            "fastcore_chain_verified_timestamp_seconds",
            "When the audit log was verified last",
            chain.at_utc.map(seconds),
        );
        scrape.add(
            "fastcore_chain_verified_row",
            "Number of the audit row up to which it was verified",
            chain.at_utc.map(|_| chain.verified_to as f64),
        );
        let backups = self.status.backups.as_ref();
        scrape.add(
            "fastcore_backup_interval_seconds",
            "Interval of the scheduled backups",
            backups.map(|backups| backups.interval().as_secs_f64()),
        );
        let certificate = self.status.certificate.as_ref();
        let expiry = certificate.and_then(CertificateStore::expires_at);
        scrape.add(
            "fastcore_certificate_expiry_timestamp_seconds",
            "When the certificate of HTTPS expires",
            expiry.map(|expiry| seconds(expiry.into())),
        );
    }

    /// What the database and its file system say.
    fn add_facts(&self, scrape: &mut Scrape, facts: Option<&Facts>) {
        scrape.add(
            "fastcore_database_size_bytes",
            "Size of the database file",
            facts.map(|facts| facts.sizes.database as f64),
        );
        scrape.add(
            "fastcore_wal_size_bytes",
            "Size of the write-ahead log",
            facts.map(|facts| facts.sizes.wal as f64),
        );
        scrape.add(
            "fastcore_audit_head_row",
            "Number of the newest audit row: the head of the hash chain",
            facts.map(|facts| facts.head as f64),
        );
        scrape.add(
            "fastcore_last_lead_timestamp_seconds",
            "When the last lead was stored",
            facts.and_then(|facts| facts.last_lead).map(seconds),
        );
        scrape.add(
            "fastcore_last_canary_timestamp_seconds",
            "When the last canary was stored",
            facts.and_then(|facts| facts.last_canary).map(seconds),
        );
        let notices = facts.and_then(|facts| facts.notices.as_ref().ok());
        scrape.add(
            "fastcore_notices_pending",
            "Notices of new leads that wait for their receiver",
            notices.map(|notices| notices.pending as f64),
        );
        scrape.add(
            "fastcore_notices_given_up",
            "Notices that were given up in the last seven days and not tried again",
            notices.map(|notices| notices.given_up as f64),
        );
        let last_backup = facts.and_then(|facts| facts.last_backup.as_ref()?.at_utc.known());
        scrape.add(
            "fastcore_last_backup_timestamp_seconds",
            "When the last backup was taken",
            last_backup.map(seconds),
        );
    }
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// Seconds since 1970.
fn seconds(time: Timestamp) -> f64 {
    time.to_datetime().timestamp_micros() as f64 / 1e6
}
