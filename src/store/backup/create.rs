//! Copies of a database that others go on writing to: of one moment, checked, and with an end mark.

use crate::store::backup::partial_file::PartialBackup;
use crate::store::db::schema;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use crate::domain::hash_chain::ChainPosition;
use crate::store::audit::verify::VerifyReport;
use crate::store::audit::{query, verify};
use crate::store::backup::checksum_trailer;
use crate::store::backup::checksum_trailer::ChecksumTrailer;
use crate::store::db::open;
use crate::store::error::StoreError;

/// Pages copied at a time.
const STEP: i32 = 64;
/// Steps of SQLite's virtual machine between two looks at whether to stop.
const OPERATIONS: i32 = 1000;
/// How long a check that does not hurry works before it rests, and the most that it rests then.
const STINT: Duration = Duration::from_millis(5);
const REST: Duration = Duration::from_millis(100);
/// Before the next step, where another process was in the way of one.
const BREATH: Duration = Duration::from_millis(2);

/// Told how far long work has come: what is counted, and how many.
pub type ProgressFn<'t> = dyn FnMut(&'static str, u64) + Send + 't;

/// Set where a copy is to end early.
pub type CancelFlag = Arc<AtomicBool>;

/// A backup that was made and checked.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BackupSummary {
    pub audit_rows: u64,
    pub leads: u64,
    /// The last audit row, as `SEQ:HASH`; none where the log is empty.
    pub head: Option<String>,
    /// Of the whole file, in lower-case hexadecimal digits.
    pub sha256: String,
    pub bytes: u64,
}

/// Makes a backup: written beside its place, checked, flushed, and only then put there; in a thread
/// of its own, which has the processor while nobody else wants it.
pub(crate) fn create(
    source: &Path,
    target: &Path,
    stop: &CancelFlag,
    tell: &mut ProgressFn<'_>,
) -> Result<BackupSummary, StoreError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("backup".to_owned());
        let work = || create_here(source, target, stop, tell);
        let thread = thread.spawn_scoped(scope, work).map_err(|e| StoreError::Io(e.to_string()))?;
        thread.join().unwrap_or_else(|_| Err(StoreError::Io("the backup ended by a panic".into())))
    })
}

fn create_here(
    source: &Path,
    target: &Path,
    stop: &CancelFlag,
    tell: &mut ProgressFn<'_>,
) -> Result<BackupSummary, StoreError> {
    in_background();
    let mut draft = PartialBackup::of(target)?;
    let (head, leads) = copy(source, &draft.path, stop, tell)?;
    let report = check(&draft.path, unhurried(stop), tell)?;
    if stop.load(Ordering::Relaxed) {
        return Err(StoreError::Closed);
    }
    if !report.valid {
        let cause = report.findings.into_iter().next().unwrap_or_default();
        return Err(StoreError::Corrupt(format!("`fastcore check` tells more; {cause}")));
    }
    if report.head != head.map(|h| h.to_string()) || report.leads != leads {
        return Err(not_the_same());
    }
    let ChecksumTrailer { sha256, bytes } = draft.append_trailer(tell)?;
    draft.put_in_place(target)?;
    let (audit_rows, head) = (report.audit_rows, report.head);
    Ok(BackupSummary { audit_rows, leads, head, sha256, bytes })
}

/// A copy as it is before a migration: what it holds is of an older version, so only the file
/// and the end of the chain are checked.
pub(crate) fn create_plain(conn: &Connection, target: &Path) -> Result<(), StoreError> {
    let stop = CancelFlag::default();
    let mut draft = PartialBackup::of(target)?;
    let snapshot = conn.unchecked_transaction()?;
    let head = copy_from(&snapshot, &draft.path, &stop, &mut |_, _| ())?;
    drop(snapshot);
    let copied = open::read_only(&draft.path)?;
    if let Some(fault) = crate::store::db::integrity::check(&copied)?.into_iter().next() {
        return Err(StoreError::Corrupt(fault));
    }
    if query::head(&copied)? != head {
        return Err(not_the_same());
    }
    drop(copied);
    draft.append_trailer(&mut |_, _| ())?;
    draft.put_in_place(target)
}

fn not_the_same() -> StoreError {
    StoreError::Corrupt("the copy is not what the database was".to_owned())
}

/// Proves a file that [`create`] made; one that another tool made has no end mark, and is taken
/// with `no_checksum` alone: then a bit in a part that no row uses may have changed unseen.
pub(crate) fn prove(
    path: &Path,
    no_checksum: bool,
    tell: &mut ProgressFn<'_>,
) -> Result<VerifyReport, StoreError> {
    if !no_checksum {
        checksum_trailer::verify(path, &mut |_| Ok(()), &mut |bytes| {
            tell("MB read", bytes / 1_000_000)
        })?;
    }
    check(path, || false, tell)
}

/// Whether a file may be replaced by a backup: one that is a backup itself.
pub(crate) fn may_replace(path: &Path) -> bool {
    !path.exists() || checksum_trailer::has_trailer(path)
}

/// Proves a file; `interrupt` is asked again and again whether to break that off.
fn check(
    path: &Path,
    interrupt: impl FnMut() -> bool + Send + 'static,
    tell: &mut ProgressFn<'_>,
) -> Result<VerifyReport, StoreError> {
    let conn = open::read_only(path)?;
    schema::check_known(&conn, path)?;
    conn.progress_handler(OPERATIONS, Some(interrupt))?;
    verify::verify(&conn, &[], true, &mut |rows| tell("audit rows checked", rows))
}

/// Rests for as long as it worked, and says whether to stop: a finished copy holds nothing, and
/// even a processor that nobody else wants shares its caches and the memory with the others.
fn unhurried(stop: &CancelFlag) -> impl FnMut() -> bool + Send + 'static {
    let stop = Arc::clone(stop);
    let mut since = Instant::now();
    move || {
        let worked = since.elapsed();
        if worked >= STINT {
            std::thread::sleep(worked.min(REST));
            since = Instant::now();
        }
        stop.load(Ordering::Relaxed)
    }
}

/// From now on this thread has the processor only while nobody else wants it (`SCHED_IDLE`), or, on
/// a machine that is never idle, a three-hundredth of it. Where the system refuses that, it goes on
/// as before.
fn in_background() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
}

/// Copies one moment's state; the last audit row and the number of leads in it.
fn copy(
    source: &Path,
    target: &Path,
    stop: &CancelFlag,
    tell: &mut ProgressFn<'_>,
) -> Result<(Option<ChainPosition>, u64), StoreError> {
    let source_conn = open::read_only(source)?;
    schema::check_current(&source_conn, source)?;
    // Held to the end, so that every step copies from the same state, whatever is written meanwhile.
    let snapshot = source_conn.unchecked_transaction()?;
    let leads = "SELECT count(*) FROM lead_inbox";
    let leads: i64 = snapshot.query_row(leads, [], |row| row.get(0))?;
    let head = copy_from(&snapshot, target, stop, tell)?;
    Ok((Some(head).filter(|head| head.seq > 0), leads.unsigned_abs()))
}

pub(crate) fn copy_from(
    source: &Connection,
    target: &Path,
    stop: &CancelFlag,
    tell: &mut ProgressFn<'_>,
) -> Result<ChainPosition, StoreError> {
    let head = query::head(source)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copied = Connection::open_with_flags(target, flags)?;
    // Nothing of the copy counts before it is whole.
    copied.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;",
    )?;
    let backup = Backup::new(source, &mut copied)?;
    loop {
        match backup.step(STEP)? {
            StepResult::Done => break,
            StepResult::More => {
                let at = backup.progress();
                tell("pages copied", u64::try_from(at.pagecount - at.remaining).unwrap_or(0));
            }
            _ => std::thread::sleep(BREATH),
        }
        if stop.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
    }
    drop(backup);
    // One file without a write-ahead log, which any tool opens without leaving something beside it.
    let mode: String = copied.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(StoreError::Sqlite(format!("the copy stays in journal mode {mode}")));
    }
    copied.close().map_err(|(_, e)| e)?;
    Ok(head)
}
