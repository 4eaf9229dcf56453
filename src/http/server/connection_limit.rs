//! The cap on open connections. At the cap, one that is being closed anyway goes first, then the one that
//! has waited longest without delivering a complete request: slow clients cannot lock out others, even
//! when a proxy makes all of them share one address.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::task::AbortHandle;

/// Has been answered for the last time; what the client still sends is discarded. Phases are in the
/// order in which connections are closed at the cap.
const CLOSING: u8 = 0;
/// Has not delivered a complete request yet.
const NEW: u8 = 1;
/// Has delivered one before, and is idle or sending another.
const IDLE: u8 = 2;
/// Its request is being processed or answered: never closed.
const BUSY: u8 = 3;

/// The open connections.
#[derive(Debug)]
pub(crate) struct ConnectionLimiter {
    cap: usize,
    start: Instant,
    open: Mutex<HashMap<u64, (Arc<ConnectionSlot>, AbortHandle)>>,
    next_id: AtomicU64,
}

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    id: u64,
    phase: AtomicU8,
    /// When the phase began, in milliseconds since `start`.
    since: AtomicU64,
    start: Instant,
    /// Counts the heads that have arrived and the responses that are ready.
    steps: AtomicU64,
}

impl ConnectionSlot {
    /// A request head has arrived.
    pub(crate) fn mark_head_received(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes with each head that arrives and each response that is ready; even while the next head is
    /// awaited.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// A complete request has arrived.
    pub(crate) fn mark_busy(&self) {
        self.phase.store(BUSY, Ordering::Relaxed);
    }

    /// The response is ready; the next request may come.
    pub(crate) fn mark_idle(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.wait_in(IDLE);
    }

    /// Everything has been sent to the client.
    pub(crate) fn mark_closing(&self) {
        self.wait_in(CLOSING);
    }

    fn wait_in(&self, phase: u8) {
        self.since.store(millis(self.start), Ordering::Relaxed);
        self.phase.store(phase, Ordering::Relaxed);
    }
}

impl ConnectionLimiter {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap: cap.max(1),
            start: Instant::now(),
            open: Mutex::default(),
            next_id: AtomicU64::new(0),
        }
    }

    /// Creates the slot of a connection that is about to be served.
    pub(crate) fn new_slot(&self) -> Arc<ConnectionSlot> {
        Arc::new(ConnectionSlot {
            id: self.next_id.fetch_add(1, Ordering::Relaxed),
            phase: AtomicU8::new(NEW),
            since: AtomicU64::new(millis(self.start)),
            start: self.start,
            steps: AtomicU64::new(0),
        })
    }

    /// Registers the task that serves the connection of a slot.
    pub(crate) fn register(&self, slot: &Arc<ConnectionSlot>, task: AbortHandle) {
        self.lock().insert(slot.id, (Arc::clone(slot), task));
    }

    /// Releases the slot of a closed connection.
    pub(crate) fn release(&self, slot: &ConnectionSlot) {
        self.lock().remove(&slot.id);
    }

    /// Makes room for one more connection, if need be by closing the one that has waited longest.
    /// Returns false if all connections are busy.
    pub(crate) fn make_room(&self) -> bool {
        let mut open = self.lock();
        // A task may end before it is registered; its slot is free.
        if open.len() >= self.cap {
            open.retain(|_, (_, task)| !task.is_finished());
        }
        if open.len() < self.cap {
            return true;
        }
        let waiting = open.values().filter_map(|(slot, _)| {
            let phase = slot.phase.load(Ordering::Relaxed);
            (phase != BUSY).then(|| (phase, slot.since.load(Ordering::Relaxed), slot.id))
        });
        let Some((_, _, id)) = waiting.min() else {
            return false;
        };
        if let Some((_, task)) = open.remove(&id) {
            task.abort();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, (Arc<ConnectionSlot>, AbortHandle)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
