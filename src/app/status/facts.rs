//! What the database and its file system say about a server, and the warnings that follow from it.

use std::time::Duration;

use crate::app::status::conditions::Condition;
use crate::app::status::thresholds::{self, Level, MIB};
use crate::domain::audit::AuditEvent;
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::store::audit::refusals::RefusalTally;
use crate::store::db::disk_usage::DiskUsage;
use crate::store::error::StoreError;
use crate::store::notices::outbox::NoticeBacklog;
use crate::store::read::ReadTx;

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
    pub(crate) last_canary: Option<Timestamp>,
    /// Or why they cannot be read: a damaged table of notices must not hide everything else.
    pub(crate) notices: Result<NoticeBacklog, String>,
    /// Of the last day.
    pub(crate) refusals: RefusalTally,
    /// When a refused submission was removed before its time.
    refused_evicted_at: Option<Timestamp>,
}

impl Facts {
    pub(crate) fn read(
        tx: &ReadTx<'_>,
        sizes: DiskUsage,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
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
            // Where that table is damaged, `check` says so.
            refused_evicted_at: tx.refused_totals().ok().and_then(|of| of.evicted_at_utc),
            last_canary: tx.last_canary_at()?,
            notices: tx
                .notice_backlog(thresholds::given_up_since(now))
                .map_err(|error| error.to_string()),
            refusals: tx.refusals_since(now.saturating_sub(thresholds::REFUSAL_PERIOD))?,
        })
    }

    /// `backup_interval` is that of the schedule, and `canary_every` that of expected canaries, if there are any.
    pub(crate) fn warnings(
        &self,
        backup_interval: Option<Duration>,
        canary_every: Option<Duration>,
        disk_reserve: u64,
        now: Timestamp,
    ) -> Vec<StatusWarning> {
        let warnings = [
            self.disk_warning(disk_reserve),
            self.backup_warning(backup_interval, now),
            self.wal_warning(),
            self.clock_warning(now),
            self.notice_warning(now),
            canary_every
                .and_then(|every| canary_problem(self.last_canary, every, now))
                .map(|detail| warning("canary_late", detail)),
            self.refused_evicted_at
                .and_then(|at| eviction_problem(at, now))
                .map(|detail| warning("refused_evicted", detail)),
        ];
        warnings.into_iter().flatten().collect()
    }

    fn notice_warning(&self, now: Timestamp) -> Option<StatusWarning> {
        let detail = match &self.notices {
            Ok(backlog) => notice_problem(backlog, now)?,
            Err(error) => format!("The notices of new leads cannot be read: {error}"),
        };
        Some(warning("notices_failing", detail))
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
    let NoticeBacklog { pending, last_error, given_up, ended_channels, .. } = backlog;
    let error = last_error.as_deref().unwrap_or("no answer");
    let is_late = |since: &Timestamp| thresholds::is_notice_late(*since, now);
    if let Some(oldest) = backlog.oldest_at_utc.filter(is_late) {
        return Some(format!("{pending} notices wait, the oldest since {oldest}: {error}"));
    }
    if let Some(since) = backlog.unannounced_since_utc.filter(is_late) {
        return Some(format!("The leads since {since} have no notice yet"));
    }
    if *given_up > 0 {
        return Some(format!("{given_up} notices were given up: {error}"));
    }
    let ended = *ended_channels;
    (ended > 0)
        .then(|| format!("{ended} channels of notices have ended: the receiver answers 410 Gone"))
}

/// That refused submissions were removed before their time, if that was lately.
pub(crate) fn eviction_problem(last: Timestamp, now: Timestamp) -> Option<String> {
    thresholds::is_eviction_recent(last, now).then(|| {
        format!("Refused submissions were removed before their time, for want of room, the last at {last}")
    })
}

/// Since when no canary has come through, if one should have. Of one that is dated in the future, nothing is known.
pub(crate) fn canary_problem(
    last: Option<Timestamp>,
    every: Duration,
    now: Timestamp,
) -> Option<String> {
    let last = last.filter(|last| !thresholds::is_future(*last, now));
    let expected = humantime::format_duration(every);
    match last {
        None => Some(format!("No canary has come through; one is expected every {expected}")),
        Some(last) => thresholds::is_canary_late(last, every, now).then(|| {
            format!("No canary has come through since {last}; one is expected every {expected}")
        }),
    }
}

/// A warning with the code of a [`Condition`].
pub(crate) fn warning(code: &'static str, detail: String) -> StatusWarning {
    debug_assert!(Condition::find(code).is_some(), "{code} is not listed");
    StatusWarning { code, detail }
}
