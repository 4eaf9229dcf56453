//! Use cases: each one transaction or one read, the same for the page and the shell. Nothing here
//! knows of HTTP or of the command line.

pub mod admin_state;
pub mod atomic_file;
pub mod audit;
pub mod backup;
pub mod export;
pub mod import;
pub mod intake;
pub mod leads;
pub mod live;
pub mod migrate;
pub mod privacy;
pub mod reconcile;
pub mod search_indexer;
pub mod staff;
pub mod stats;
pub mod status;

use crate::app::admin_state::AdminState;
use crate::store::error::StoreError;
use crate::store::health::WriterHealth;
use crate::store::writer::WriterThread;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;

use crate::clock::Clock;
use crate::domain::audit::{AuditEvent, NewAuditRow};
use crate::store;
use crate::store::tx::WriteTx;
use crate::store::writer::{CompletedBatch, Writer};

/// What the HTTP routes call; cheap to clone.
#[derive(Clone)]
pub struct App {
    pub inbox: Arc<dyn intake::Inbox>,
    pub health: Arc<WriterHealth>,
    /// What the admin page works with; none where there is no database behind the inbox.
    pub state: Option<AdminState>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl App {
    /// Starts the writer of a database whose schema is current, and gives its answers inside the
    /// runtime. When the app is dropped, the thread finishes what is queued; wait for that with
    /// [`WriterThread::join`].
    ///
    /// # Errors
    /// The database cannot be written, or its write-ahead log not be emptied.
    pub fn start(
        database: &Path,
        clock: &Clock,
        runtime: &Handle,
    ) -> Result<(Self, WriterThread), StoreError> {
        let (completed_tx, mut completed_rx) = unbounded_channel::<CompletedBatch>();
        let streams = live::LiveHub::new();
        let commits = streams.clone();
        let deliver = move |answers| {
            // After the runtime's end there is nobody left to wake.
            if let Err(undelivered) = completed_tx.send(answers) {
                undelivered.0.notify();
            }
            commits.committed();
        };
        let (writer, thread, health) =
            store::writer::start_server_writer(database, clock, deliver)?;
        runtime.spawn(async move {
            while let Some(answers) = completed_rx.recv().await {
                answers.notify();
            }
        });
        let followed = streams.follow_commits();
        let state = AdminState::new(database, clock, writer.clone(), &health, streams)?;
        runtime.spawn(search_indexer::follow(state.clone(), followed));
        Ok((Self { inbox: Arc::new(writer), health, state: Some(state) }, thread))
    }
}

/// How long a request waits for the disk before its fate is called unknown.
const PATIENCE: Duration = Duration::from_secs(20);

async fn in_time<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Err(StoreError::TimedOut))
}

/// Work that tells the audit log of something that is about no lead alone.
fn note(
    event: AuditEvent,
    actor: &str,
    details: &Value,
) -> impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + use<> {
    let (details, actor) = (details.to_string(), actor.to_owned());
    move |tx| {
        let event = NewAuditRow {
            event,
            actor: &actor,
            lead_id: None,
            request_id: None,
            status_code: None,
            details_json: Some(&details),
        };
        tx.append(&event).map(|_| ())
    }
}

/// Runs one piece of work of a command in the writer, beside a server or without one.
pub(crate) fn write<T: Send + 'static>(
    database: &Path,
    clock: &Clock,
    work: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (writer, thread): (Writer, WriterThread) = store::writer::open_cli_writer(database, clock)?;
    let done = writer.run(work);
    drop(writer);
    thread.join();
    done
}
