//! Verifies the hash chain at the start of a server and every hour.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::db::Db;
use crate::domain::hash_chain::ChainPosition;
use crate::domain::timestamp::Timestamp;
use crate::store;

/// How often the chain is verified.
const VERIFY_INTERVAL: Duration = Duration::from_secs(3600);
/// The nice value of the verifying thread, which must not slow down the others.
const NICE: i32 = 10;

/// How far the chain was verified, and what was found.
#[derive(Debug, Clone)]
pub struct ChainStatus {
    pub verified_to: i64,
    /// The `seq` of the last row now.
    pub head: i64,
    pub at_utc: Option<Timestamp>,
    pub ok: bool,
    pub finding: Option<String>,
}

/// The result of the last verification; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ChainMonitor(Arc<Mutex<ChainStatus>>);

impl ChainMonitor {
    /// Starts the verifications, which go on until `shutdown`. The task ends once a verification
    /// under way has closed the database.
    pub(crate) fn start(
        db: &Db,
        shutdown: &CancellationToken,
        runtime: &Handle,
    ) -> (Self, JoinHandle<()>) {
        let not_yet =
            ChainStatus { verified_to: 0, head: 0, at_utc: None, ok: true, finding: None };
        let monitor = Self(Arc::new(Mutex::new(not_yet)));
        let task = runtime.spawn(monitor.clone().run(db.clone(), shutdown.clone()));
        (monitor, task)
    }

    pub(crate) fn status(&self) -> ChainStatus {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn run(self, db: Db, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let cancelled = shutdown.clone();
            let (database, now) = (db.path().to_owned(), db.clock().now().into());
            let status = on_low_priority_thread(move || verify(&database, now, &cancelled)).await;
            if let (Some(status), false) = (status, shutdown.is_cancelled()) {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = status;
            }
            let _ = shutdown.run_until_cancelled(sleep(VERIFY_INTERVAL)).await;
        }
    }
}

/// Runs work on a thread of its own, whose priority ends with it. Returns `None` if that failed.
async fn on_low_priority_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = oneshot::channel();
    let work = move || {
        // On Linux this is per thread; elsewhere the priority stays as it is.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(None, NICE);
        let _ = done.send(work());
    };
    if let Err(error) = std::thread::Builder::new().name("chain-monitor".to_owned()).spawn(work) {
        tracing::error!(%error, "the audit log could not be verified");
    }
    result.await.ok()
}

fn verify(database: &Path, now: Timestamp, cancelled: &CancellationToken) -> ChainStatus {
    let at_utc = Some(now);
    let interrupt = cancelled.clone();
    match store::audit::verify::verify_until(database, move || interrupt.is_cancelled()) {
        Ok(report) => {
            let finding = report.findings.into_iter().next();
            if let (Some(finding), false) = (&finding, cancelled.is_cancelled()) {
                let findings = report.finding_count;
                tracing::error!(finding, findings, "the audit log is invalid");
            }
            let head = report.head.as_deref().and_then(ChainPosition::parse).map_or(0, |h| h.seq);
            ChainStatus { verified_to: head, head, at_utc, ok: report.valid, finding }
        }
        Err(error) => {
            if !cancelled.is_cancelled() {
                tracing::error!(%error, "the audit log could not be verified");
            }
            let finding = Some(format!("it could not be verified: {error}"));
            ChainStatus { verified_to: 0, head: 0, at_utc, ok: false, finding }
        }
    }
}
