//! What the database and its file system say about a server, and the warnings that follow from it.

use std::time::Duration;

use crate::app::status::thresholds::{self, Level, MIB};
use crate::domain::audit::AuditEvent;
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::store::db::disk_usage::DiskUsage;
use crate::store::error::StoreError;
use crate::store::notices::outbox::NoticeBacklog;
use crate::store::read::ReadTx;

/// The codes of all warnings, in the order in which they are shown.
pub(crate) const WARNING_CODES: [&str; 17] = [
    "disk_low",
    "backup_failing",
    "ledger_failing",
    "backup_old",
    "backup_future",
    "chain_broken",
    "writer_failing",
    "search_index_damaged",
    "retention_failing",
    "notices_failing",
    "certificate_missing",
    "certificate_invalid",
    "certificate_renewal_failing",
    "certificate_expiring",
    "wal_large",
    "clock_behind",
    "clock_was_ahead",
];

/// Something that needs attention.
#[derive(Debug)]
pub struct StatusWarning {
    pub code: &'static str,
    pub detail: String,
}

/// The last backup in the audit log.
#[derive(Debug, Clone)]
pub struct LastBackup {
    pub at_utc: Recorded<Timestamp>,
    pub file: Option<String>,
}

/// What the database and its file system say.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) sizes: DiskUsage,
    first_lead: Option<Timestamp>,
    pub(crate) last_lead: Option<Timestamp>,
    /// The `seq` of the last audit row; 0 while there is none.
    pub(crate) head: i64,
    last_row: Option<Timestamp>,
    /// The latest time of a lead, which need not be the last one to arrive.
    latest_lead: Option<Timestamp>,
    pub(crate) last_backup: Option<LastBackup>,
    pub(crate) notices: NoticeBacklog,
}

impl Facts {
    pub(crate) fn read(tx: &ReadTx<'_>, sizes: DiskUsage) -> Result<Self, StoreError> {
        let last_backup = tx.newest_of(AuditEvent::BackupTaken)?.map(|row| LastBackup {
            file: row.details()["file"].as_str().map(str::to_owned),
            at_utc: row.created_at_utc,
        });
        let range = tx.time_range(&Default::default())?;
        let newest_row = tx.newest_row()?;
        Ok(Self {
            sizes,
            first_lead: range.map(|(first, _)| first),
            latest_lead: range.map(|(_, latest)| latest),
            last_lead: tx.last_lead_at()?,
            head: newest_row.as_ref().map_or(0, |row| row.seq),
            last_row: newest_row.and_then(|row| row.created_at_utc.known()),
            last_backup,
            notices: tx.notice_backlog()?,
        })
    }

    /// `backup_interval` is that of the schedule, if there is one.
    pub(crate) fn warnings(
        &self,
        backup_interval: Option<Duration>,
        disk_reserve: u64,
        now: Timestamp,
    ) -> Vec<StatusWarning> {
        let warnings = [
            self.disk_warning(disk_reserve),
            self.backup_warning(backup_interval, now),
            self.wal_warning(),
            self.clock_warning(now),
            notice_problem(&self.notices, now).map(|detail| warning("notices_failing", detail)),
        ];
        warnings.into_iter().flatten().collect()
    }

    fn disk_warning(&self, reserve: u64) -> Option<StatusWarning> {
        let DiskUsage { free, database, .. } = self.sizes;
        let low = thresholds::disk_level(free, database, reserve) > Level::Ok;
        let free = free / MIB;
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

/// Which notices do not reach their receivers, if there are any.
pub(crate) fn notice_problem(backlog: &NoticeBacklog, now: Timestamp) -> Option<String> {
    let NoticeBacklog { pending, oldest_at_utc, last_error, given_up, ended_channels } = backlog;
    let error = last_error.as_deref().unwrap_or("no answer");
    let late = oldest_at_utc.filter(|oldest| thresholds::is_notice_late(*oldest, now));
    if let Some(oldest) = late {
        return Some(format!(
            "{pending} notices of new leads wait, the oldest since {oldest}: {error}"
        ));
    }
    if *given_up > 0 {
        return Some(format!("{given_up} notices of new leads were given up: {error}"));
    }
    let ended = *ended_channels;
    (ended > 0)
        .then(|| format!("{ended} channels of notices have ended: the receiver answers 410 Gone"))
}

/// A warning with one of [`WARNING_CODES`].
pub(crate) fn warning(code: &'static str, detail: String) -> StatusWarning {
    debug_assert!(WARNING_CODES.contains(&code), "{code} is not listed");
    StatusWarning { code, detail }
}
