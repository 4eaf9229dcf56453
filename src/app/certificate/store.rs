//! The certificate that a server uses, replaced while it runs, and what clients are shown in handshakes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::app::certificate::pem_pair::ServerCertificate;
use crate::app::certificate::renewal_failure::RenewalFailure;
use crate::app::status::thresholds::Level;
use crate::clock::Clock;
use crate::domain::timestamp::Timestamp;

/// The protocol, in ALPN, by which an authority validates a host name (TLS-ALPN-01, RFC 8737).
pub const CHALLENGE_PROTOCOL: &[u8] = b"acme-tls/1";
/// How often a certificate that expires soon is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Who renews the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateSource {
    /// Somebody else, in PEM files.
    Files,
    /// The server, by ACME.
    Acme,
}

/// What the status page says of the certificate in use.
#[derive(Debug, Clone)]
pub struct CertificateStatus {
    pub source: CertificateSource,
    /// None where there is no certificate yet.
    pub expires_at_utc: Option<Timestamp>,
    /// Whole days, none once it has expired.
    pub days_left: Option<i64>,
    /// Why the last attempt to get another one failed, and when the next one is.
    pub failure: Option<String>,
}

/// The certificate in use; cheap to clone.
#[derive(Debug, Clone)]
pub struct CertificateStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: CertificateSource,
    clock: Clock,
    current: RwLock<Option<ServerCertificate>>,
    /// What the authority that validates a host name is shown.
    challenges: Mutex<BTreeMap<String, Arc<CertifiedKey>>>,
    failure: Mutex<Option<RenewalFailure>>,
    reload: Notify,
    reloaded: Notify,
}

/// Host names that are being validated, until this is dropped.
#[derive(Debug)]
pub(crate) struct Challenges(CertificateStore);

impl CertificateStore {
    /// A store with this certificate, or none yet: handshakes then fail, with an alert.
    #[must_use]
    pub fn new(
        source: CertificateSource,
        current: Option<ServerCertificate>,
        clock: &Clock,
    ) -> Self {
        Self(Arc::new(Inner {
            source,
            clock: clock.clone(),
            current: RwLock::new(current),
            challenges: Mutex::default(),
            failure: Mutex::default(),
            reload: Notify::new(),
            reloaded: Notify::new(),
        }))
    }

    #[must_use]
    pub fn source(&self) -> CertificateSource {
        self.0.source
    }

    /// The certificate in use, if there is one yet.
    #[must_use]
    pub fn current(&self) -> Option<ServerCertificate> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the certificate in use expires.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.current().map(|certificate| certificate.validity.not_after)
    }

    /// What there is to know of the certificate in use.
    #[must_use]
    pub fn status(&self) -> CertificateStatus {
        let validity = self.current().map(|certificate| certificate.validity);
        CertificateStatus {
            source: self.0.source,
            expires_at_utc: validity.map(|validity| validity.not_after.into()),
            days_left: validity.map(|validity| validity.days_left(self.now())),
            failure: self.failure().map(|failure| failure.describe()),
        }
    }

    /// Uses another certificate from the next handshake on.
    pub(crate) fn replace(&self, certificate: ServerCertificate) {
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// What clients are shown in each handshake.
    #[must_use]
    pub fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>
    }

    /// The time by the clock that certificates are compared with.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// What is wrong with the certificate in use, or soon will be.
    #[must_use]
    pub fn warning(&self) -> Option<(Level, String)> {
        let Some(certificate) = self.current() else {
            return Some((Level::Error, "there is none yet".to_owned()));
        };
        let (now, validity) = (self.0.clock.now(), certificate.validity);
        let level = validity.level(now);
        (level > Level::Ok).then(|| (level, validity.describe(now)))
    }

    /// Why the last attempt to get a certificate failed, unless a later one succeeded.
    #[must_use]
    pub fn failure(&self) -> Option<RenewalFailure> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_failure(&self, failure: Option<RenewalFailure>) {
        *self.0.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Begins the validation of host names.
    pub(crate) fn challenges(&self) -> Challenges {
        Challenges(self.clone())
    }

    /// Has the certificate looked after now, and waits until what that needs is known.
    pub async fn reload(&self) {
        let reloaded = self.0.reloaded.notified();
        self.0.reload.notify_one();
        reloaded.await;
    }

    /// Waits for [`Self::reload`].
    pub(crate) async fn reload_asked(&self) {
        self.0.reload.notified().await;
    }

    pub(crate) fn reload_done(&self) {
        self.0.reloaded.notify_waiters();
    }
}

impl Inner {
    fn challenges(&self) -> MutexGuard<'_, BTreeMap<String, Arc<CertifiedKey>>> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Challenges {
    /// Shows this certificate to who validates this host name.
    pub(crate) fn add(&self, host: &str, certificate: CertifiedKey) {
        self.0.0.challenges().insert(host.to_owned(), Arc::new(certificate));
    }
}

impl Drop for Challenges {
    fn drop(&mut self) {
        self.0.0.challenges().clear();
    }
}

impl ResolvesServerCert for Inner {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Who validates offers this protocol alone (RFC 8737, section 3).
        if hello.alpn().is_some_and(|offered| offered.eq([CHALLENGE_PROTOCOL])) {
            return self.challenges().get(&hello.server_name()?.to_ascii_lowercase()).cloned();
        }
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(|certificate| Arc::clone(&certificate.key))
    }
}

/// Logs once a day what is wrong with the certificate in use, or soon will be.
#[derive(Debug)]
pub(crate) struct Reporter {
    store: CertificateStore,
    reported: Option<Instant>,
}

impl Reporter {
    pub(crate) fn new(store: &CertificateStore) -> Self {
        Self { store: store.clone(), reported: None }
    }

    /// To be called often.
    pub(crate) fn report(&mut self) {
        if self.reported.is_some_and(|at| at.elapsed() < REPORT_INTERVAL) {
            return;
        }
        self.reported = Some(Instant::now());
        match self.store.warning() {
            Some((Level::Error, detail)) => {
                tracing::error!(detail, "clients refuse the certificate of HTTPS");
            }
            Some((_, detail)) => {
                tracing::warn!(detail, "the certificate of HTTPS should have been renewed");
            }
            None => {}
        }
    }

    /// There is another certificate: what is wrong with it is reported at once.
    pub(crate) fn restart(&mut self) {
        self.reported = None;
    }
}
