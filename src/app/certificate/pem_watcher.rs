//! Follows the PEM files of a certificate that somebody else renews.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::app::certificate::pem_pair::{CertificateError, PemPaths, ServerCertificate};
use crate::app::certificate::store::{CertificateSource, CertificateStore, Reporter};
use crate::clock::Clock;

/// How often the files are compared with what was read last. Reading them is cheap, and unlike times and sizes
/// their content leaves no doubt.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Compares the files with what was seen last.
#[derive(Debug)]
pub struct PemWatcher {
    store: CertificateStore,
    paths: Arc<PemPaths>,
    clock: Clock,
    seen: Seen,
}

/// What was seen in the files last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    content: Result<[u8; 32], CertificateError>,
    /// Why it was refused, and whether the log says so.
    refused: Option<(CertificateError, bool)>,
}

impl PemWatcher {
    /// Reads the files. A certificate that has expired is used: to start with it leaves the leads that come
    /// another way, and it is renewed without a restart.
    ///
    /// # Errors
    /// A file cannot be read, or they are no pair.
    pub fn open(paths: PemPaths, clock: &Clock) -> Result<Self, CertificateError> {
        let pair = paths.read()?;
        let certificate = pair.parse()?;
        let store = CertificateStore::new(CertificateSource::Files, Some(certificate), clock);
        let seen = Seen { content: Ok(pair.digest()), refused: None };
        Ok(Self { store, paths: Arc::new(paths), clock: clock.clone(), seen })
    }

    /// Where the certificate is.
    #[must_use]
    pub fn store(&self) -> CertificateStore {
        self.store.clone()
    }

    /// Follows the files for as long as the runtime lives.
    pub async fn run(mut self) {
        let mut reporter = Reporter::new(&self.store);
        loop {
            reporter.report();
            let asked = timeout(POLL_INTERVAL, self.store.reload_asked()).await.is_ok();
            let paths = Arc::clone(&self.paths);
            let read = tokio::task::spawn_blocking(move || {
                let pair = paths.read();
                let content = pair.as_ref().map_err(Clone::clone).map(|pair| pair.digest());
                (content, pair.and_then(|pair| pair.parse()))
            });
            if let Ok((content, parsed)) = read.await
                && self.follow(asked, content, parsed)
            {
                reporter.restart();
            }
            if asked {
                self.store.reload_done();
            }
        }
    }

    /// Uses what the files contain if that is new and valid. Returns whether it is.
    fn follow(
        &mut self,
        asked: bool,
        content: Result<[u8; 32], CertificateError>,
        parsed: Result<ServerCertificate, CertificateError>,
    ) -> bool {
        if self.seen.content == content && !asked {
            // What is being written is incomplete for a moment: a fault counts when it stays.
            if let Some((cause, is_logged @ false)) = &mut self.seen.refused {
                log_refusal(cause);
                *is_logged = true;
            }
            return false;
        }
        let is_new = self.seen.content != content;
        self.seen.content = content;
        match parsed.and_then(|certificate| self.check(certificate)) {
            Ok(certificate) => {
                self.seen.refused = None;
                let until = certificate.validity.not_after;
                self.store.replace(certificate);
                tracing::info!(%until, is_new, "the certificate was read again and is in use");
                is_new
            }
            Err(cause) => {
                if asked {
                    log_refusal(&cause);
                }
                self.seen.refused = Some((cause, asked));
                false
            }
        }
    }

    fn check(&self, new: ServerCertificate) -> Result<ServerCertificate, CertificateError> {
        match new.validity.fault(self.clock.now()) {
            Some(fault) => Err(CertificateError::NotNow(fault)),
            None => Ok(new),
        }
    }
}

fn log_refusal(cause: &CertificateError) {
    tracing::error!(%cause, "the new certificate is refused; the one in use stays");
}
