//! Keeping the write-ahead log small. Only the writer's connection checkpoints.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::db::open::BUSY_TIMEOUT;
use crate::store::error::StoreError;

/// Above this many frames (pages of 4 KiB) the log is copied into the database under load too.
const LARGE: i64 = 16384;
const PAUSE: Duration = Duration::from_millis(200);
/// How long the start waits for others to end their reading.
const PATIENCE: Duration = Duration::from_secs(30);

/// Empties the log if nobody is reading from it; says whether it is empty now.
pub(crate) fn empty(conn: &Connection) -> bool {
    // Without waiting: leads must not queue up behind a long export.
    let unhurried = conn.busy_timeout(Duration::ZERO).and_then(|()| {
        let done = checkpoint(conn, "TRUNCATE");
        conn.busy_timeout(BUSY_TIMEOUT)?;
        done
    });
    match unhurried {
        Ok((busy, _)) => !busy,
        Err(error) => {
            tracing::debug!(error = %StoreError::from(error), "the write-ahead log could not be emptied");
            false
        }
    }
}

/// Copies a large log into the database; its file is then written from the start again.
pub(crate) fn keep_small(conn: &Connection) {
    let done = checkpoint(conn, "NOOP").and_then(|(_, frames)| {
        if frames >= LARGE { checkpoint(conn, "PASSIVE") } else { Ok((false, frames)) }
    });
    if let Err(error) = done {
        tracing::warn!(error = %StoreError::from(error), "the write-ahead log could not be copied into the database");
    }
}

/// Empties the log before anything is accepted. After a failed flush and a mere restart the log's
/// tail may be readable yet not on the disk; what is appended behind it would be lost by a power
/// cut, so the start does not go on before the log is empty.
pub(crate) fn empty_at_start(conn: &Connection, path: &std::path::Path) -> Result<(), StoreError> {
    let deadline = Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        match checkpoint(conn, "TRUNCATE") {
            Ok((false, _)) => return Ok(()),
            Ok((true, _)) => {}
            Err(e) => match e.into() {
                StoreError::Locked => {}
                other => return Err(other),
            },
        }
        if Instant::now() > deadline {
            return Err(StoreError::WalHeld(path.into()));
        }
        if !told {
            tracing::warn!("waiting for another process to end its reading of the database");
            told = true;
        }
        // SQLite waits for readers by itself, but not for another's checkpoint.
        std::thread::sleep(PAUSE);
    }
}

/// Whether it was kept from finishing, and how many frames the log has.
fn checkpoint(conn: &Connection, mode: &str) -> rusqlite::Result<(bool, i64)> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok((row.get::<_, i64>(0)? != 0, row.get(1)?))
    })
}
