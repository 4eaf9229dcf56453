//! Checkpoints of the write-ahead log (WAL). Only the writer's connection checkpoints.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::db::open::BUSY_TIMEOUT;
use crate::store::error::StoreError;

/// From this many frames (pages of 4 KiB) on, the WAL is checkpointed under load too.
const LARGE_WAL_FRAMES: i64 = 16_384;
/// How long the start waits for readers, and how often it looks.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// Truncates the WAL if nobody reads from it, without waiting: leads must not wait for a long export.
/// Returns whether the WAL is empty now.
pub(crate) fn try_truncate(conn: &Connection) -> bool {
    let result = conn.busy_timeout(Duration::ZERO).and_then(|()| {
        let result = checkpoint(conn, "TRUNCATE");
        conn.busy_timeout(BUSY_TIMEOUT)?;
        result
    });
    match result {
        Ok(Checkpoint { busy, .. }) => !busy,
        Err(error) => {
            tracing::debug!(error = %StoreError::from(error), "the WAL could not be truncated");
            false
        }
    }
}

/// Checkpoints a large WAL; SQLite then writes the file from its start again.
pub(crate) fn checkpoint_if_large(conn: &Connection) {
    let result = checkpoint(conn, "NOOP").and_then(|current| {
        let is_large = current.frames >= LARGE_WAL_FRAMES;
        if is_large { checkpoint(conn, "PASSIVE").map(drop) } else { Ok(()) }
    });
    if let Err(error) = result {
        tracing::warn!(error = %StoreError::from(error), "the WAL could not be checkpointed");
    }
}

/// Truncates the WAL before anything is accepted. After a failed flush and a mere restart, the tail of
/// the WAL may be readable but not on the disk; a power cut would then lose what is appended to it.
///
/// # Errors
/// [`StoreError::WalInUse`] if another process goes on reading from it.
pub(crate) fn truncate_at_start(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let deadline = Instant::now() + START_TIMEOUT;
    let mut is_logged = false;
    loop {
        match checkpoint(conn, "TRUNCATE").map_err(StoreError::from) {
            Ok(Checkpoint { busy: false, .. }) => return Ok(()),
            Ok(_) | Err(StoreError::Locked) => {}
            Err(error) => return Err(error),
        }
        if Instant::now() > deadline {
            return Err(StoreError::WalInUse(path.into()));
        }
        if !is_logged {
            tracing::warn!("waiting for another process to finish reading the database");
            is_logged = true;
        }
        // SQLite waits for readers by itself, but not for the checkpoint of another process.
        std::thread::sleep(RETRY_DELAY);
    }
}

struct Checkpoint {
    /// Whether a reader or another checkpoint kept it from finishing.
    busy: bool,
    /// The size of the WAL.
    frames: i64,
}

fn checkpoint(conn: &Connection, mode: &str) -> rusqlite::Result<Checkpoint> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok(Checkpoint { busy: row.get::<_, i64>(0)? != 0, frames: row.get(1)? })
    })
}
