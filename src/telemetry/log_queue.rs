//! The log lines of a server that wait to be written. A thread writes them, so that a log reader that
//! stalls stops nothing else. What does not fit in the queue is dropped and counted.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics;

/// The size of the queue, some 5,000 lines.
const MAX_BYTES: usize = 1024 * 1024;
/// The lines of this time are written at once: a write for each line wakes the reader of the log each
/// time, which takes a fifth of the time of a lead.
const BATCH_TIME: Duration = Duration::from_millis(5);
/// How long the end of the process waits for the reader.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The queue of this process.
static QUEUE: LogQueue = LogQueue::new();

/// While this value lives, log lines are written by a thread; when it is dropped, those that wait are
/// written first, if the reader allows.
#[derive(Debug)]
pub struct LogThread(());

impl LogThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub fn start() -> io::Result<Self> {
        std::thread::Builder::new().name("log".to_owned()).spawn(|| QUEUE.write_lines())?;
        QUEUE.lock().is_active = true;
        Ok(Self(()))
    }
}

impl Drop for LogThread {
    fn drop(&mut self) {
        QUEUE.lock().is_active = false;
        QUEUE.flush(FLUSH_TIMEOUT);
    }
}

/// Waits until the lines so far are written, for a second at most.
pub fn flush() {
    QUEUE.flush(FLUSH_TIMEOUT);
}

/// Writes a line to standard error, or queues it while there is a [`LogThread`].
pub(crate) fn write_line(line: &[u8]) {
    if !QUEUE.push(line) {
        // Its reader may have gone, or its disk may be full: leads are stored regardless.
        let _ = io::stderr().write_all(line);
    }
}

struct LogQueue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

struct QueueState {
    /// Whether the thread takes lines.
    is_active: bool,
    /// Whether the thread waits for lines, or there is none yet.
    is_idle: bool,
    lines: Vec<u8>,
    /// Lines that were dropped and not yet reported.
    dropped: u64,
}

impl LogQueue {
    const fn new() -> Self {
        let state = QueueState { is_active: false, is_idle: true, lines: Vec::new(), dropped: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a line, or drops it where there is no room. Returns false if the caller is to write it.
    fn push(&self, line: &[u8]) -> bool {
        let mut state = self.lock();
        if !state.is_active {
            return false;
        }
        if state.lines.len() + line.len() > MAX_BYTES {
            state.dropped += 1;
            metrics::count_dropped_log_lines(1);
            return true;
        }
        state.lines.extend_from_slice(line);
        if std::mem::take(&mut state.is_idle) {
            self.changed.notify_all();
        }
        true
    }

    /// The thread: writes what is queued, batch by batch.
    fn write_lines(&self) {
        let mut batch = Vec::new();
        loop {
            self.await_lines();
            std::thread::sleep(BATCH_TIME);
            let dropped = {
                let mut state = self.lock();
                std::mem::swap(&mut batch, &mut state.lines);
                std::mem::take(&mut state.dropped)
            };
            let written = io::stderr().write_all(&batch);
            let lost = match written {
                Ok(()) => 0,
                Err(_) => batch.iter().filter(|byte| **byte == b'\n').count() as u64,
            };
            batch.clear();
            if lost > 0 {
                metrics::count_dropped_log_lines(lost);
                self.lock().dropped += dropped + lost;
            } else if dropped > 0 {
                tracing::warn!(
                    dropped,
                    "log lines were dropped: the reader of the log was too slow"
                );
            }
        }
    }

    fn await_lines(&self) {
        let mut state = self.lock();
        while state.lines.is_empty() {
            state.is_idle = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_idle = false;
    }

    /// Waits until all lines are written.
    fn flush(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        while !state.lines.is_empty() || !state.is_idle {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
