//! Jobs of the writer and how they report back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::store::error::StoreError;
use crate::store::tx::WriteTx;

/// What is sent to the writer's thread.
pub(crate) enum QueueMessage {
    /// A job that somebody waits for; it is flushed when its result is sent.
    Job(Box<dyn WriteJob>),
    /// A short step of work on data that can be rebuilt; it runs when no job is queued, in a
    /// transaction of its own.
    Maintenance(Box<dyn WriteJob>),
    /// Truncates the WAL, and sends whether that was possible.
    TruncateWal(oneshot::Sender<bool>),
    /// Wakes the thread up, so that it sees that the writer was closed.
    Wake,
}

/// A job in the queue.
pub(crate) trait WriteJob: Send {
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Result<(), StoreError>;
    /// Sends the job's result once its commit has succeeded, or the failure of the commit.
    fn notify(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A closure with the channel that waits for its result.
pub(crate) struct QueuedJob<T, F> {
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> QueuedJob<T, F> {
    pub(crate) fn new(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { work, result: None, reply }
    }
}

impl<T: Send, F> WriteJob for QueuedJob<T, F>
where
    F: FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
        // A defect in one job must not end the thread that stores all leads: a panic rolls back the
        // job alone, like a statement that the database refuses.
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)));
        self.result = Some(result.unwrap_or_else(|_| Err(StoreError::Refused("a panic".into())))?);
        Ok(())
    }

    fn notify(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, reply, .. } = *self;
        // Nobody may be waiting any more: what a client sent before it hung up is stored.
        let _ = reply.send(committed.and_then(|()| result.ok_or(StoreError::Closed)));
    }
}
