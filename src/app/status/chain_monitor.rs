//! Verifies the hash chain at the start of a server and every hour.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::domain::hash_chain::ChainPosition;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;

/// How often the chain is verified.
const VERIFY_INTERVAL: Duration = Duration::from_secs(3600);
/// The nice value of the verifying thread, which must not slow down the others.
const NICE: i32 = 10;

/// How far the chain was proved, and what was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChainStatus {
    pub verified_to: i64,
    /// The last row now.
    pub head: i64,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub at_utc: Option<Timestamp>,
    pub ok: bool,
    #[schema(required)]
    pub finding: Option<String>,
}

/// Proves the chain now and then, in a thread of its own that ends with this.
#[derive(Debug, Clone)]
pub(crate) struct ChainMonitor {
    proved: Arc<Mutex<ChainStatus>>,
    _end: Arc<Sender<()>>,
}

impl ChainMonitor {
    pub(crate) fn watch(database: &Path, clock: &Clock) -> Result<Self, StoreError> {
        let nothing =
            ChainStatus { verified_to: 0, head: 0, at_utc: None, ok: true, finding: None };
        let proved = Arc::new(Mutex::new(nothing));
        let (end, ended) = channel();
        let (database, clock, told) = (database.to_owned(), clock.clone(), Arc::clone(&proved));
        let prove = move || {
            // On Linux, of this thread alone; elsewhere the start of a long walk goes unhurried.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::setpriority_process(None, NICE);
            loop {
                let state = prove(&database, clock.now().into());
                *told.lock().unwrap_or_else(PoisonError::into_inner) = state;
                match ended.recv_timeout(VERIFY_INTERVAL) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => break,
                }
            }
        };
        std::thread::Builder::new()
            .name("prover".to_owned())
            .spawn(prove)
            .map_err(|e| StoreError::Io(e.to_string()))?;
        Ok(Self { proved, _end: Arc::new(end) })
    }

    pub(crate) fn status(&self) -> ChainStatus {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn prove(database: &Path, now: Timestamp) -> ChainStatus {
    let at_utc = Some(now);
    match store::audit::verify::verify_database(database, &[], &mut |_| {}) {
        Ok(report) => {
            let finding = report.findings.into_iter().next();
            if let Some(finding) = &finding {
                tracing::error!(finding, faults = report.finding_count, "the audit log is broken");
            }
            let head = report.head.as_deref().and_then(ChainPosition::parse).map_or(0, |h| h.seq);
            ChainStatus { verified_to: head, head, at_utc, ok: report.valid, finding }
        }
        Err(error) => {
            tracing::error!(%error, "the audit log could not be proved");
            let finding = Some(format!("it could not be proved: {error}"));
            ChainStatus { verified_to: 0, head: 0, at_utc, ok: false, finding }
        }
    }
}
