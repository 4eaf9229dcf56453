//! The certificate that a server uses, renewed while it runs.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::app::certificate::pem_pair::{CertificateError, PemPaths, ServerCertificate};
use crate::app::status::thresholds::Level;
use crate::clock::Clock;

/// How often the files are compared with what was read last. Reading them is cheap, and unlike times and sizes
/// their content leaves no doubt.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How often a certificate that expires soon is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// The certificate in use; cheap to clone.
#[derive(Debug, Clone)]
pub struct CertificateStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    paths: PemPaths,
    clock: Clock,
    current: RwLock<ServerCertificate>,
    /// What was seen in the files last.
    seen: Mutex<Seen>,
    reload: Notify,
    reloaded: Notify,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    content: Result<[u8; 32], CertificateError>,
    /// Why it was refused, and whether the log says so.
    refused: Option<(CertificateError, bool)>,
}

impl CertificateStore {
    /// Reads the files. A certificate that has expired is used: to start with it leaves the leads that come
    /// another way, and it is renewed without a restart.
    ///
    /// # Errors
    /// A file cannot be read, or they are no pair.
    pub fn open(paths: PemPaths, clock: &Clock) -> Result<Self, CertificateError> {
        let pair = paths.read()?;
        let certificate = pair.parse()?;
        Ok(Self(Arc::new(Inner {
            paths,
            clock: clock.clone(),
            current: RwLock::new(certificate),
            seen: Mutex::new(Seen { content: Ok(pair.digest()), refused: None }),
            reload: Notify::new(),
            reloaded: Notify::new(),
        })))
    }

    /// The certificate in use.
    #[must_use]
    pub fn current(&self) -> ServerCertificate {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What clients are shown in each handshake.
    #[must_use]
    pub fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>
    }

    /// What is wrong with the certificate in use, or soon will be.
    #[must_use]
    pub fn warning(&self) -> Option<(Level, String)> {
        let (now, validity) = (self.0.clock.now(), self.current().validity);
        let level = validity.level(now);
        (level > Level::Ok).then(|| (level, validity.describe(now)))
    }

    /// Has the files read again, whatever they contain, and waits until they are.
    pub async fn reload(&self) {
        let reloaded = self.0.reloaded.notified();
        self.0.reload.notify_one();
        reloaded.await;
    }

    /// Follows the files.
    pub(crate) async fn watch(self) {
        let mut reported: Option<Instant> = None;
        loop {
            if reported.is_none_or(|at| at.elapsed() >= REPORT_INTERVAL) {
                reported = Some(Instant::now());
                self.report();
            }
            let asked = timeout(POLL_INTERVAL, self.0.reload.notified()).await.is_ok();
            let store = self.clone();
            let renewed = tokio::task::spawn_blocking(move || store.read(asked)).await;
            if renewed.unwrap_or(false) {
                reported = None;
            }
            if asked {
                self.0.reloaded.notify_waiters();
            }
        }
    }

    /// Reads the files, and uses what they contain if that is new and valid. Returns whether it is.
    fn read(&self, asked: bool) -> bool {
        let pair = self.0.paths.read();
        let content = pair.as_ref().map_err(Clone::clone).map(|pair| pair.digest());
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.content == content && !asked {
            // What is being written is incomplete for a moment: a fault counts when it stays.
            if let Some((cause, is_logged @ false)) = &mut seen.refused {
                log_refusal(cause);
                *is_logged = true;
            }
            return false;
        }
        let is_new = seen.content != content;
        seen.content = content;
        match pair.and_then(|pair| self.check(&pair.parse()?)) {
            Ok(certificate) => {
                seen.refused = None;
                let until = certificate.validity.not_after;
                *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = certificate;
                tracing::info!(%until, is_new, "the certificate was read again and is in use");
                is_new
            }
            Err(cause) => {
                if asked {
                    log_refusal(&cause);
                }
                seen.refused = Some((cause, asked));
                false
            }
        }
    }

    fn check(&self, new: &ServerCertificate) -> Result<ServerCertificate, CertificateError> {
        match new.validity.fault(self.0.clock.now()) {
            Some(fault) => Err(CertificateError::NotNow(fault)),
            None => Ok(new.clone()),
        }
    }

    /// Logs what is wrong with the certificate in use, or soon will be.
    fn report(&self) {
        match self.warning() {
            Some((Level::Error, detail)) => {
                tracing::error!(detail, "clients refuse the certificate of HTTPS");
            }
            Some((_, detail)) => {
                tracing::warn!(detail, "the certificate of HTTPS should have been renewed");
            }
            None => {}
        }
    }
}

fn log_refusal(cause: &CertificateError) {
    tracing::error!(%cause, "the new certificate is refused; the one in use stays");
}

impl ResolvesServerCert for Inner {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}
