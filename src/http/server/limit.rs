//! Who is connected. At the cap, the connection that has kept a place longest without delivering
//! a whole request gives it up: slow clients cannot keep honest ones out, even when a proxy makes
//! them all share one address.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::task::AbortHandle;

/// Has never mark_busy a whole request.
const NEW: u8 = 0;
/// Has mark_busy one before and is idle or sending another.
const IDLE: u8 = 1;
/// Its request is being worked on or mark_idle: never given up.
const BUSY: u8 = 2;

/// The open connections.
#[derive(Debug)]
pub(crate) struct ConnectionLimiter {
    cap: usize,
    start: Instant,
    open: Mutex<HashMap<u64, (Arc<ConnectionSlot>, AbortHandle)>>,
    next: AtomicU64,
}

/// One connection's standing.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    id: u64,
    phase: AtomicU8,
    /// Since when, in milliseconds from the start.
    since: AtomicU64,
    start: Instant,
}

impl ConnectionSlot {
    /// A whole request has arrived.
    pub(crate) fn mark_busy(&self) {
        self.phase.store(BUSY, Ordering::Relaxed);
    }

    /// The answer is made; the next request may come.
    pub(crate) fn mark_idle(&self) {
        self.since.store(millis(self.start), Ordering::Relaxed);
        self.phase.store(IDLE, Ordering::Relaxed);
    }
}

impl ConnectionLimiter {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap: cap.max(1),
            start: Instant::now(),
            open: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }

    /// A place for a connection about to be served.
    pub(crate) fn new_slot(&self) -> Arc<ConnectionSlot> {
        Arc::new(ConnectionSlot {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            phase: AtomicU8::new(NEW),
            since: AtomicU64::new(millis(self.start)),
            start: self.start,
        })
    }

    /// Registers the task that serves a place.
    pub(crate) fn register(&self, place: &Arc<ConnectionSlot>, task: AbortHandle) {
        self.open().insert(place.id, (Arc::clone(place), task));
    }

    /// The connection is closed.
    pub(crate) fn release(&self, place: &ConnectionSlot) {
        self.open().remove(&place.id);
    }

    /// Whether there is room for one more, if need be by closing the one that waited longest.
    pub(crate) fn make_room(&self) -> bool {
        let mut open = self.open();
        // A task may end before it is registered; such a place is free.
        if open.len() >= self.cap {
            open.retain(|_, (_, task)| !task.is_finished());
        }
        if open.len() < self.cap {
            return true;
        }
        let waiting = open.values().filter_map(|(place, _)| {
            let phase = place.phase.load(Ordering::Relaxed);
            (phase != BUSY).then(|| (phase, place.since.load(Ordering::Relaxed), place.id))
        });
        let Some((_, _, id)) = waiting.min() else {
            return false;
        };
        if let Some((_, task)) = open.remove(&id) {
            task.abort();
        }
        true
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, (Arc<ConnectionSlot>, AbortHandle)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
