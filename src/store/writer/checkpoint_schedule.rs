//! When the writer checkpoints: a little at a time while no job waits, so that no lead waits long for it.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::db::wal_checkpoint::{self, WalFrames};

/// From this many new frames (pages of 4 KiB) on, the next idle moment is used.
const IDLE_FRAMES: i64 = 1024;
/// From this many on, jobs wait for it; on a disk with little free space, from a quarter of that on.
const BUSY_FRAMES: i64 = 4096;
const FRAME_BYTES: u64 = 4096;
/// How long a checkpoint waits for those who read from a WAL of up to [`BUSY_FRAMES`]. Leads wait as well.
const MIN_READERS_TIMEOUT: Duration = Duration::from_millis(5);
/// How much longer for each further [`BUSY_FRAMES`] of its size …
const READERS_TIMEOUT: Duration = Duration::from_millis(25);
/// … up to so many.
const MAX_READERS_TIMEOUTS: i64 = 4;
/// The WAL is truncated after this long without a commit.
const TRUNCATE_DELAY: Duration = Duration::from_secs(1);

/// The checkpoints that are due.
pub(super) struct CheckpointSchedule {
    /// A command leaves the WAL to the server, or to SQLite if there is none, unless it becomes large.
    is_server: bool,
    /// The size of the WAL at the last checkpoint. A reader may have kept some of it.
    checkpointed_at: i64,
    /// The size of a WAL that is to be checkpointed when no job waits.
    due: Option<i64>,
    /// When to truncate the WAL, unless it is empty.
    truncate_at: Option<Instant>,
}

impl CheckpointSchedule {
    pub(super) fn new(is_server: bool) -> Self {
        let truncate_at = is_server.then(Instant::now);
        Self { is_server, checkpointed_at: 0, due: None, truncate_at }
    }

    /// Plans the next checkpoint, or makes it if the WAL is large. `free` is the free disk space in bytes.
    pub(super) fn after_commit(&mut self, conn: &Connection, free: u64) {
        self.truncate_at = self.is_server.then(|| Instant::now() + TRUNCATE_DELAY);
        let Some(WalFrames { total, checkpointed }) = wal_checkpoint::frames(conn) else { return };
        if total < self.checkpointed_at {
            // SQLite writes the WAL from its start again.
            self.checkpointed_at = 0;
        }
        let new = total - checkpointed.max(self.checkpointed_at);
        self.due = Some(total).filter(|_| self.is_server && new >= IDLE_FRAMES);
        let free_frames = i64::try_from(free / FRAME_BYTES).unwrap_or(i64::MAX);
        if new >= BUSY_FRAMES.min(free_frames / 4) {
            self.checkpoint(conn, total);
        }
    }

    /// When something is to be done unless a job comes first.
    pub(super) fn next(&self) -> Option<Instant> {
        if self.due.is_some() { Some(Instant::now()) } else { self.truncate_at }
    }

    /// Does what is due while no job waits.
    pub(super) fn on_idle(&mut self, conn: &Connection) {
        if let Some(total) = self.due {
            self.checkpoint(conn, total);
        } else if self.truncate_at.is_some_and(|at| at <= Instant::now()) {
            // While others read, it is tried again.
            let retry_at = Instant::now() + TRUNCATE_DELAY;
            self.truncate_at = (!wal_checkpoint::try_truncate(conn)).then_some(retry_at);
        }
    }

    fn checkpoint(&mut self, conn: &Connection, total: i64) {
        self.due = None;
        self.checkpointed_at = total;
        if self.is_server {
            let timeouts = (total / BUSY_FRAMES).clamp(0, MAX_READERS_TIMEOUTS) as u32;
            wal_checkpoint::restart(conn, MIN_READERS_TIMEOUT + READERS_TIMEOUT * timeouts);
        } else {
            wal_checkpoint::checkpoint_passively(conn);
        }
    }
}
