//! Whether the search index is in order, as readers and its task have seen it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::error::StoreError;

/// The state of the search index; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct SearchIndexHealth {
    state: Arc<Mutex<IndexState>>,
    rebuilds: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
enum IndexState {
    #[default]
    Sound,
    /// Somebody has met damage that the task has not seen yet.
    Damaged(StoreError),
    Rebuilding,
    /// Damaged again soon after it was rebuilt.
    Broken(StoreError),
}

impl SearchIndexHealth {
    /// A reader has met damage.
    pub(crate) fn report(&self, error: &StoreError) {
        let mut state = self.state();
        if !matches!(*state, IndexState::Rebuilding) {
            *state = IndexState::Damaged(error.clone());
        }
    }

    /// Damage that the task has not dealt with.
    pub(crate) fn damage(&self) -> Option<StoreError> {
        match &*self.state() {
            IndexState::Damaged(error) => Some(error.clone()),
            _ => None,
        }
    }

    pub(crate) fn set_rebuilding(&self) {
        self.rebuilds.fetch_add(1, Ordering::Relaxed);
        *self.state() = IndexState::Rebuilding;
    }

    /// How often it had to be built again.
    pub(crate) fn rebuilds(&self) -> u64 {
        self.rebuilds.load(Ordering::Relaxed)
    }

    /// Every lead is indexed. Returns whether it was being rebuilt.
    pub(crate) fn set_complete(&self) -> bool {
        let mut state = self.state();
        let was_rebuilding = matches!(*state, IndexState::Rebuilding);
        if was_rebuilding {
            *state = IndexState::Sound;
        }
        was_rebuilding
    }

    /// It stays damaged. Returns whether that is new.
    pub(crate) fn set_broken(&self, error: &StoreError) -> bool {
        !matches!(
            std::mem::replace(&mut *self.state(), IndexState::Broken(error.clone())),
            IndexState::Broken(_)
        )
    }

    /// What is wrong, for the status page.
    pub(crate) fn warning(&self) -> Option<String> {
        match &*self.state() {
            IndexState::Sound => None,
            IndexState::Damaged(error) => Some(error.to_string()),
            IndexState::Rebuilding => Some(
                "The search index was damaged and is built again; searching may be slow".into(),
            ),
            IndexState::Broken(error) => {
                Some(format!("{error}; it was damaged again: run `fastcore check`"))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, IndexState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
