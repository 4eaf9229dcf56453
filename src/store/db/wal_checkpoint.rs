//! Checkpoints of the write-ahead log (WAL). Only the writer's connection checkpoints.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::db::open::BUSY_TIMEOUT;
use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;

/// How long the start waits for another process's transaction.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that are written again at once.
const REWRITE_BLOCK: usize = 1024 * 1024;

/// Truncates the WAL if nobody reads from it, without waiting: leads must not wait for a long export.
/// Returns whether the WAL is empty now.
pub(crate) fn try_truncate(conn: &Connection) -> bool {
    match with_timeout(conn, Duration::ZERO, |conn| checkpoint(conn, "TRUNCATE")) {
        Ok(Checkpoint { busy, .. }) => !busy,
        Err(error) => {
            tracing::debug!(error = %StoreError::from(error), "the WAL could not be truncated");
            false
        }
    }
}

/// Runs a statement that waits only so long for the locks of others.
fn with_timeout<T>(
    conn: &Connection,
    timeout: Duration,
    run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    conn.busy_timeout(timeout)?;
    let result = run(conn);
    conn.busy_timeout(BUSY_TIMEOUT)?;
    result
}

/// The size of the WAL in frames (pages of 4 KiB), and how many of them are in the database file already.
pub(crate) struct WalFrames {
    pub(crate) total: i64,
    pub(crate) checkpointed: i64,
}

/// What the WAL has now; `None` if it cannot be read.
pub(crate) fn frames(conn: &Connection) -> Option<WalFrames> {
    checkpoint(conn, "NOOP").ok().map(|checkpoint| checkpoint.frames)
}

/// Copies what no reader keeps of the WAL into the database file; SQLite then writes the WAL from its start
/// again, if that was all.
pub(crate) fn checkpoint_passively(conn: &Connection) {
    if let Err(error) = checkpoint(conn, "PASSIVE") {
        tracing::warn!(error = %StoreError::from(error), "the WAL could not be checkpointed");
    }
}

/// Copies the WAL into the database file and makes SQLite write it from its start again, if those who read from
/// it end in time. Those who begin meanwhile read the database file alone: however many there are, only the
/// slowest of the present ones matters.
pub(crate) fn restart(conn: &Connection, timeout: Duration) {
    match with_timeout(conn, timeout, |conn| checkpoint(conn, "RESTART")) {
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(error = %StoreError::from(error), "the WAL could not be checkpointed");
        }
    }
}

/// Makes sure that what is in the WAL is on the disk, before anything is appended to it. After a failed
/// flush and a mere restart, its tail may be readable from the page cache and yet not be on the disk, and a
/// flush of what the kernel takes for written does nothing: a power cut would then lose the tail, and with
/// it all that follows.
///
/// Truncates the WAL; its content is then in the database file. While another process reads, that is not
/// possible: then writes the same bytes again, which makes the kernel write them, and flushes. The write
/// lock keeps the WAL as it is meanwhile; readers see no difference.
///
/// # Errors
/// Another process keeps the database locked, or the disk fails.
pub(crate) fn secure_at_start(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let deadline = Instant::now() + START_TIMEOUT;
    let mut is_logged = false;
    loop {
        match secure(conn, path) {
            Err(StoreError::Locked) if Instant::now() < deadline => {}
            result => return result,
        }
        if !is_logged {
            tracing::warn!("waiting for another process that keeps the database locked");
            is_logged = true;
        }
    }
}

fn secure(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    if with_timeout(conn, Duration::ZERO, |conn| checkpoint(conn, "TRUNCATE"))
        .is_ok_and(|done| !done.busy)
    {
        return Ok(());
    }
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let rewritten = rewrite(&sidecar_path(path, "-wal"));
    conn.execute_batch("ROLLBACK")?;
    rewritten
}

/// Writes a file's bytes over themselves and flushes them.
fn rewrite(path: &Path) -> Result<(), StoreError> {
    let failed = StoreError::at(path);
    // SQLite locks the database file and the shared-memory file, never this one: to close it drops no lock.
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    let mut buffer = vec![0; REWRITE_BLOCK];
    let mut offset = 0;
    loop {
        match file.read_at(&mut buffer, offset).map_err(failed)? {
            0 => break,
            read => {
                file.write_all_at(&buffer[..read], offset).map_err(failed)?;
                offset += read as u64;
            }
        }
    }
    file.sync_all().map_err(failed)
}

struct Checkpoint {
    /// Whether a reader or another checkpoint kept it from finishing.
    busy: bool,
    frames: WalFrames,
}

fn checkpoint(conn: &Connection, mode: &str) -> rusqlite::Result<Checkpoint> {
    let mut statement = conn.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    statement.query_row([], |row| {
        let frames = WalFrames { total: row.get(1)?, checkpointed: row.get(2)? };
        Ok(Checkpoint { busy: row.get::<_, i64>(0)? != 0, frames })
    })
}
