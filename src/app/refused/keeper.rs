//! Keeps what the intake refuses, as far as its budget goes, and counts the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::app::db::Db;
use crate::app::refused::budget::RefusalBudget;
use crate::app::refused::retention::RefusedRetention;
use crate::domain::refused::RefusedSubmission;
use crate::store::error::StoreError;
use crate::store::refused::keep;
use crate::store::tx::WriteTx;
use crate::store::writer::QUEUE_LEN;

/// While more jobs than this wait for the writer, what is refused is only counted: the room is for leads.
const MAX_QUEUED: usize = QUEUE_LEN / 4;

/// Keeps refused submissions of a server; cheap to clone.
#[derive(Debug, Clone)]
pub struct RefusedKeeper(Arc<KeeperState>);

#[derive(Debug)]
struct KeeperState {
    db: Db,
    budget: RefusalBudget,
    retention: RefusedRetention,
    /// Not yet added to the counts in the database.
    over_budget: AtomicU64,
    too_large: AtomicU64,
}

impl RefusedKeeper {
    pub(crate) fn new(db: &Db, retention: RefusedRetention) -> Self {
        Self(Arc::new(KeeperState {
            db: db.clone(),
            budget: RefusalBudget::default(),
            retention,
            over_budget: AtomicU64::new(0),
            too_large: AtomicU64::new(0),
        }))
    }

    /// Whether a submission of this size may be written; if not, it is counted.
    pub(crate) fn admit(&self, bytes: usize) -> bool {
        let state = &self.0;
        let is_admitted = state.db.queued() <= MAX_QUEUED && state.budget.take(bytes);
        if !is_admitted {
            state.over_budget.fetch_add(1, Ordering::Relaxed);
            state.db.metrics().count_refusal("over_budget");
        }
        is_admitted
    }

    /// Records a refused submission that was admitted, and keeps it. Returns whether it is kept: on the disk,
    /// for staff to see.
    ///
    /// # Errors
    /// The database cannot be written now, or whether it was is unknown: the submission is to come again. A row
    /// that the database does not take is logged, and the submission is refused all the same.
    pub(crate) async fn keep(&self, refused: RefusedSubmission) -> Result<bool, StoreError> {
        let state = &self.0;
        let fingerprint = state.retention.keeps_any().then(|| refused.fingerprint());
        let is_kept = fingerprint.is_some();
        let job = move |tx: &mut WriteTx<'_>| keep::reject(tx, &refused, fingerprint.as_ref());
        match state.db.write(job).await {
            Ok(()) => {
                state.db.metrics().count_refusal(if is_kept { "kept" } else { "not_kept" });
                Ok(is_kept)
            }
            Err(error @ (StoreError::Refused(_) | StoreError::Sqlite(_))) => {
                state.db.metrics().count_refusal("not_kept");
                tracing::warn!(%error, "a refused submission is not kept, and missing from the audit log");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Counts a submission that was too large to be read.
    pub fn count_too_large(&self) {
        self.0.too_large.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the counts that the database does not have yet, the first of them of what was over the budget.
    pub(crate) fn take_counts(&self) -> (u64, u64) {
        let state = &self.0;
        (state.over_budget.swap(0, Ordering::Relaxed), state.too_large.swap(0, Ordering::Relaxed))
    }

    /// Gives back counts that could not be written.
    pub(crate) fn return_counts(&self, (over_budget, too_large): (u64, u64)) {
        self.0.over_budget.fetch_add(over_budget, Ordering::Relaxed);
        self.0.too_large.fetch_add(too_large, Ordering::Relaxed);
    }
}
