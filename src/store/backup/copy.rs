//! Copies a database page by page, as it is at one moment.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::domain::hash_chain::ChainPosition;
use crate::store::audit::query;
use crate::store::backup::progress::{CancelFlag, ProgressFn};
use crate::store::db::open;
use crate::store::error::StoreError;

/// Pages copied in one step.
const PAGES_PER_STEP: i32 = 64;
/// How long to wait before the next step if a lock of another process kept one from running.
const RETRY_DELAY: Duration = Duration::from_millis(2);

/// Copies `source`, which must be in a read transaction, into an existing file. Returns the head of its
/// audit log.
///
/// # Errors
/// The database's own; [`StoreError::Cancelled`]; [`StoreError::FullAt`] for the target's disk.
pub(crate) fn copy_pages(
    source: &Connection,
    target: &Path,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<ChainPosition, StoreError> {
    let head = query::head(source)?;
    write_pages(source, target, cancel, progress).map_err(|e| e.naming_disk_of(target))?;
    Ok(head)
}

fn write_pages(
    source: &Connection,
    target: &Path,
    cancel: &CancelFlag,
    progress: &mut ProgressFn<'_>,
) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(target, flags)?;
    // An incomplete copy is worth nothing, so it needs no journal.
    copy.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;",
    )?;
    // SQLite writes the first page last: without this, what a killed process leaves is not recognised.
    open::mark_as_own(&copy)?;
    let backup = Backup::new(source, &mut copy)?;
    loop {
        match backup.step(PAGES_PER_STEP)? {
            StepResult::Done => break,
            StepResult::More => {
                let at = backup.progress();
                let copied = u64::try_from(at.pagecount - at.remaining).unwrap_or(0);
                progress("pages copied", copied);
            }
            _ => std::thread::sleep(RETRY_DELAY),
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(StoreError::Cancelled);
        }
    }
    drop(backup);
    // One file without a WAL, which any tool opens without leaving files next to it.
    let mode: String = copy.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(StoreError::Sqlite(format!("the copy stays in journal mode {mode}")));
    }
    copy.close().map_err(|(_, e)| e)?;
    Ok(())
}
