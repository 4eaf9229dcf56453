//! What stays of a person after an erasure, as far as this machine knows.

use std::path::Path;

use serde::Serialize;

use crate::app::backup::folder::{self, BackupSchedule};
use crate::app::leftovers;
use crate::clock::Clock;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::privacy::copies::RecordedCopies;
use crate::store::privacy::erase::Erasure;
use crate::store::read::ReadPool;

/// What the audit log keeps of an erased lead: the hash chain covers it.
const IN_AUDIT_LOG: [&str; 7] = [
    "lead_id",
    "request_id",
    "email (first 3 characters)",
    "service",
    "ip_hash",
    "times",
    "who opened it or set its status",
];
/// Where copies may be of which this machine knows nothing.
const ELSEWHERE: [&str; 5] = [
    "Litestream replica, until its retention ends",
    "copies of backups on other machines",
    "log and mail of the site",
    "log of the reverse proxy",
    "journal of the server (lead_id, request_id)",
];

/// What stays of the leads of an erasure.
#[derive(Debug, Serialize)]
pub struct Remains {
    in_audit_log: [&'static str; 7],
    /// The scheduled backups that may contain them, oldest first.
    pub(super) scheduled_backups: Vec<FileCopy>,
    /// How long the schedule keeps a backup, in hours, while its server runs.
    pub(super) backups_kept_hours: Option<u64>,
    /// Older copies of the database next to it.
    pub(super) older_databases: Vec<String>,
    #[serde(flatten)]
    pub(super) recorded: RecordedCopies,
    elsewhere: [&'static str; 5],
}

/// A scheduled backup.
#[derive(Debug, Serialize)]
pub(super) struct FileCopy {
    pub(super) file: String,
    pub(super) taken_at: Timestamp,
}

impl Remains {
    /// What stays of the leads of an erasure. `schedule` is that of the server.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn of(
        erasure: &Erasure,
        database: &Path,
        schedule: Option<&BackupSchedule>,
        clock: &Clock,
    ) -> Result<Self, StoreError> {
        let recorded = ReadPool::open(database)?.read(|tx| tx.copies_before(erasure))?;
        let older = leftovers::list(database, clock.now().into()).into_iter();
        Ok(Self {
            in_audit_log: IN_AUDIT_LOG,
            scheduled_backups: schedule
                .map(|schedule| scheduled_backups(erasure, database, schedule, clock))
                .unwrap_or_default(),
            backups_kept_hours: schedule.map(hours_kept),
            older_databases: older.map(|file| file_name(&file.path)).collect(),
            recorded,
            elsewhere: ELSEWHERE,
        })
    }
}

/// The backups in the folder of a schedule that were taken before an erasure, and those dated in the future: they
/// are of a clock that was wrong. A folder that cannot be read has none: `check` reports it.
fn scheduled_backups(
    erasure: &Erasure,
    database: &Path,
    schedule: &BackupSchedule,
    clock: &Clock,
) -> Vec<FileCopy> {
    let listed = folder::list(&schedule.folder, database, clock.now()).unwrap_or_default();
    let erased_at = erasure.erased_at;
    let plausible = listed.plausible.into_iter();
    let before = plausible.filter(|backup| Timestamp::from(backup.taken_at) <= erased_at);
    let copy = |backup: folder::BackupFile| FileCopy {
        file: file_name(&backup.path),
        taken_at: backup.taken_at.into(),
    };
    before.chain(listed.future).map(copy).collect()
}

fn hours_kept(schedule: &BackupSchedule) -> u64 {
    let keep = u64::try_from(schedule.keep).unwrap_or(u64::MAX);
    schedule.every.as_secs().saturating_mul(keep).div_ceil(3600)
}

/// The name of a file, on one line.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().replace(char::is_control, "?")
}
