//! Creates backups of a database that others go on writing to.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use crate::domain::hash_chain::ChainPosition;
use crate::store::audit::query;
use crate::store::audit::verify::VerifyReport;
use crate::store::backup::checksum_trailer::{self, ChecksumTrailer};
use crate::store::backup::copy::copy_pages;
use crate::store::backup::partial_file::PartialBackup;
use crate::store::backup::progress::{CancelFlag, ProgressFn};
use crate::store::backup::verify::verify_file;
use crate::store::db::{integrity, open, schema};
use crate::store::error::StoreError;
use crate::store::file_owner::FileOwner;
use crate::store::paths::folder_of;
use crate::store::privacy::backup_ledger;

/// How long the verification of a copy works before it pauses, and the longest pause.
const WORK_SLICE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_millis(100);

/// A backup that was created and verified.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BackupSummary {
    pub audit_rows: u64,
    pub leads: u64,
    /// The last audit row, as `SEQ:HASH`; `None` if the log is empty.
    pub head: Option<String>,
    /// Of the whole file, in lower-case hexadecimal digits.
    pub sha256: String,
    pub bytes: u64,
    /// A fault of the search index: the backup is good, the index must be built again.
    #[serde(skip)]
    pub index_fault: Option<String>,
    /// Why the ledger in the folder of the backup could not be completed, if so.
    pub ledger_error: Option<String>,
}

/// Creates a backup: written under another name, verified, flushed, and only then renamed. The erasures so
/// far are added to the ledger in its folder. It runs in a thread of its own with the lowest priority.
///
/// # Errors
/// The database cannot be read or does not verify; the target cannot be written;
/// [`StoreError::Cancelled`].
pub fn create(
    source: &Path,
    target: &Path,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<BackupSummary, StoreError> {
    on_backup_thread(|| {
        let (partial, mut summary) = create_partial(source, target, cancel, progress)?;
        // Before the backup has its name: a crash in between leaves a ledger that contains more than the
        // backups need, and not a backup without one. After the copy, so that an erasure meanwhile is in it.
        // The leads are more important: if it fails, the backup is there all the same.
        let added = backup_ledger::add_erasures(source, folder_of(target));
        summary.ledger_error = added.err().map(|error| error.to_string());
        partial.rename_to(target)?;
        Ok(summary)
    })
}

/// Creates a backup in a file that has no name once it is complete; until then it is next to `place`.
///
/// # Errors
/// As [`create`].
pub fn create_unnamed(
    source: &Path,
    place: &Path,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<(BackupSummary, File), StoreError> {
    on_backup_thread(|| {
        let (partial, summary) = create_partial(source, place, cancel, progress)?;
        Ok((summary, partial.into_unnamed()?))
    })
}

fn on_backup_thread<T: Send>(
    work: impl FnOnce() -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("backup".to_owned());
        let thread = thread.spawn_scoped(scope, work).map_err(|e| StoreError::Io(e.to_string()))?;
        let panicked = || Err(StoreError::Io("the backup ended with a panic".into()));
        thread.join().unwrap_or_else(|_| panicked())
    })
}

/// Whether a backup may replace this file: only if it is a backup itself.
#[must_use]
pub fn may_replace(path: &Path) -> bool {
    !path.exists() || checksum_trailer::has_trailer(path)
}

/// A copy before a migration. Its rows are of an older version, so only the file and the head of the
/// chain are verified.
pub(crate) fn copy_before_migration(
    conn: &Connection,
    database: &Path,
    target: &Path,
) -> Result<(), StoreError> {
    let owner = FileOwner::of_database(database).map_err(StoreError::at(database))?;
    let mut partial = PartialBackup::create(target, owner)?;
    let tx = conn.unchecked_transaction()?;
    let head = copy_pages(&tx, &partial.path, &CancelFlag::default(), &mut |_, _| ())?;
    drop(tx);
    let copy = open::read_only(&partial.path)?;
    if let Some(fault) = integrity::check(&copy)?.faults.into_iter().next() {
        return Err(StoreError::Corrupt(fault));
    }
    if query::head(&copy)? != head {
        return Err(copy_differs());
    }
    drop(copy);
    partial.append_trailer(&mut |_, _| ())?;
    partial.rename_to(target)
}

/// Writes and verifies a complete backup, which has no name of its own yet.
fn create_partial(
    source: &Path,
    target: &Path,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<(PartialBackup, BackupSummary), StoreError> {
    lower_priority();
    let owner = FileOwner::of_replaced(target, source).map_err(StoreError::at(source))?;
    let mut partial = PartialBackup::create(target, owner)?;
    let (head, leads) = copy(source, &partial.path, cancel, progress)?;
    let report = verify_file(&partial.path, throttle(cancel), progress);
    if cancel.load(Ordering::Relaxed) {
        return Err(StoreError::Cancelled);
    }
    let report = report?;
    if !report.valid {
        let finding = report.findings.into_iter().next().unwrap_or_default();
        return Err(StoreError::Corrupt(format!("{finding}; `fastcore check` lists every fault")));
    }
    if report.head != head.map(|head| head.to_string()) || report.leads != leads {
        return Err(copy_differs());
    }
    let ChecksumTrailer { sha256, bytes } = partial.append_trailer(progress)?;
    let VerifyReport { audit_rows, head, index_fault, .. } = report;
    let ledger_error = None;
    let summary =
        BackupSummary { audit_rows, leads, head, sha256, bytes, index_fault, ledger_error };
    Ok((partial, summary))
}

/// Copies the database; returns its last audit row and its number of leads.
fn copy(
    source: &Path,
    target: &Path,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<(Option<ChainPosition>, u64), StoreError> {
    let conn = open::read_only(source)?;
    schema::check_current(&conn, source)?;
    // One transaction, so that every step copies the same state, whatever is written meanwhile.
    let tx = conn.unchecked_transaction()?;
    let leads: i64 = tx.query_row("SELECT count(*) FROM lead_inbox", [], |row| row.get(0))?;
    let head = copy_pages(&tx, target, cancel, progress)?;
    Ok((Some(head).filter(|head| head.seq > 0), leads.unsigned_abs()))
}

fn copy_differs() -> StoreError {
    StoreError::Corrupt("the copy differs from the database".to_owned())
}

/// Pauses for as long as it worked, and returns whether to stop. A complete copy holds no lock, so nobody
/// waits for it; and even a processor that nobody else wants shares its caches and memory with others.
fn throttle(cancel: &CancelFlag) -> impl FnMut() -> bool + Send + 'static {
    let cancel = Arc::clone(cancel);
    let mut since = Instant::now();
    move || {
        let worked = since.elapsed();
        if worked >= WORK_SLICE {
            std::thread::sleep(worked.min(MAX_PAUSE));
            since = Instant::now();
        }
        cancel.load(Ordering::Relaxed)
    }
}

/// Gives this thread the processor only while nobody else wants it (`SCHED_IDLE`), or about a
/// three-hundredth of it on a machine that is never idle. If the system refuses, nothing changes.
fn lower_priority() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
}
