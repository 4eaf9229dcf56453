//! Copies of a database that others go on writing to: of one moment, checked, and with an end mark.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{FlockOperation, flock};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use super::error::StoreError;
use super::seal::{self, Sealed};
use super::verify::Report;
use super::{audit, beside, migrate, open, verify};
use crate::domain::chain::Receipt;

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
pub type Tell<'t> = dyn FnMut(&'static str, u64) + Send + 't;

/// Set where a copy is to end early.
pub type Stop = Arc<AtomicBool>;

/// A backup that was made and checked.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Taken {
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
pub(super) fn create(
    source: &Path,
    target: &Path,
    stop: &Stop,
    tell: &mut Tell<'_>,
) -> Result<Taken, StoreError> {
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
    stop: &Stop,
    tell: &mut Tell<'_>,
) -> Result<Taken, StoreError> {
    in_background();
    let mut draft = Draft::of(target)?;
    let (head, leads) = copy(source, &draft.path, stop, tell)?;
    let report = check(&draft.path, unhurried(stop), tell)?;
    if stop.load(Ordering::Relaxed) {
        return Err(StoreError::Closed);
    }
    if !report.sound {
        let cause = report.findings.into_iter().next().unwrap_or_default();
        return Err(StoreError::Corrupt(format!("`fastcore check` tells more; {cause}")));
    }
    if report.head != head.map(|h| h.to_string()) || report.leads != leads {
        return Err(not_the_same());
    }
    let Sealed { sha256, bytes } = draft.seal(tell)?;
    draft.put_in_place(target)?;
    let (audit_rows, head) = (report.audit_rows, report.head);
    Ok(Taken { audit_rows, leads, head, sha256, bytes })
}

/// A copy as it is before a migration: what it holds is of an older version, so only the file
/// and the end of the chain are checked.
pub(super) fn create_plain(conn: &Connection, target: &Path) -> Result<(), StoreError> {
    let stop = Stop::default();
    let mut draft = Draft::of(target)?;
    let snapshot = conn.unchecked_transaction()?;
    let head = copy_from(&snapshot, &draft.path, &stop, &mut |_, _| ())?;
    drop(snapshot);
    let copied = open::read_only(&draft.path)?;
    if let Some(fault) = super::check::file(&copied)?.into_iter().next() {
        return Err(StoreError::Corrupt(fault));
    }
    if audit::head(&copied)? != head {
        return Err(not_the_same());
    }
    drop(copied);
    draft.seal(&mut |_, _| ())?;
    draft.put_in_place(target)
}

fn not_the_same() -> StoreError {
    StoreError::Corrupt("the copy is not what the database was".to_owned())
}

/// Proves a file that [`create`] made; one that another tool made has no end mark, and is taken
/// with `unsealed` alone: then a bit in a part that no row uses may have changed unseen.
pub(super) fn prove(
    path: &Path,
    unsealed: bool,
    tell: &mut Tell<'_>,
) -> Result<Report, StoreError> {
    if !unsealed {
        seal::unseal(path, &mut |_| Ok(()), &mut |bytes| tell("MB read", bytes / 1_000_000))?;
    }
    check(path, || false, tell)
}

/// Whether a file may be replaced by a backup: one that is a backup itself.
pub(super) fn may_replace(path: &Path) -> bool {
    !path.exists() || seal::has_mark(path)
}

/// Proves a file; `interrupt` is asked again and again whether to break that off.
fn check(
    path: &Path,
    interrupt: impl FnMut() -> bool + Send + 'static,
    tell: &mut Tell<'_>,
) -> Result<Report, StoreError> {
    let conn = open::read_only(path)?;
    migrate::check_known(&conn, path)?;
    conn.progress_handler(OPERATIONS, Some(interrupt))?;
    verify::verify(&conn, &[], true, &mut |rows| tell("audit rows checked", rows))
}

/// Rests for as long as it worked, and says whether to stop: a finished copy holds nothing, and
/// even a processor that nobody else wants shares its caches and the memory with the others.
fn unhurried(stop: &Stop) -> impl FnMut() -> bool + Send + 'static {
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
    stop: &Stop,
    tell: &mut Tell<'_>,
) -> Result<(Option<Receipt>, u64), StoreError> {
    let source_conn = open::read_only(source)?;
    migrate::check_current(&source_conn, source)?;
    // Held to the end, so that every step copies from the same state, whatever is written meanwhile.
    let snapshot = source_conn.unchecked_transaction()?;
    let leads = "SELECT count(*) FROM lead_inbox";
    let leads: i64 = snapshot.query_row(leads, [], |row| row.get(0))?;
    let head = copy_from(&snapshot, target, stop, tell)?;
    Ok((Some(head).filter(|head| head.seq > 0), leads.unsigned_abs()))
}

pub(super) fn copy_from(
    source: &Connection,
    target: &Path,
    stop: &Stop,
    tell: &mut Tell<'_>,
) -> Result<Receipt, StoreError> {
    let head = audit::head(source)?;
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

/// A file that is not finished, beside its place; its name tells so. What a process that was
/// killed has left there is taken over.
pub(super) struct Draft {
    pub(super) path: PathBuf,
    /// Locked for as long as it is written.
    pub(super) file: File,
    done: bool,
}

impl Draft {
    pub(super) fn of(target: &Path) -> Result<Self, StoreError> {
        let path = beside(target, ".partial");
        let fail = StoreError::at(&path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
            .open(&path)
            .map_err(fail)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| fail(io::Error::other("another process is writing it")))?;
        file.set_len(0).map_err(fail)?;
        for suffix in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(beside(&path, suffix));
        }
        Ok(Self { path, file, done: false })
    }

    fn seal(&mut self, tell: &mut Tell<'_>) -> Result<Sealed, StoreError> {
        let tell = &mut |bytes| tell("MB sealed", bytes / 1_000_000);
        seal::seal(&self.path, &mut self.file, tell)
    }

    /// Puts the finished file, flushed before, in its place.
    pub(super) fn put_in_place(mut self, target: &Path) -> Result<(), StoreError> {
        let fail = StoreError::at(target);
        fs::rename(&self.path, target).map_err(fail)?;
        self.done = true;
        sync_folder(target).map_err(fail)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Flushes the names in the folder of a file.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
