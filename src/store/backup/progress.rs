//! How long work on a backup reports its progress and is cancelled.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Called with what is counted, such as `pages copied`, and the count so far.
pub type ProgressFn<'t> = dyn FnMut(&'static str, u64) + Send + 't;

/// Set to end the creation of a backup early.
pub type CancelFlag = Arc<AtomicBool>;
