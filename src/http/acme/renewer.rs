//! When a certificate is ordered: at once where there is none, in time before it expires, and after a failure
//! never more often than the authority bears.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use crate::app::certificate::acme_folder::AcmeFolder;
use crate::app::certificate::renewal_failure::RenewalFailure;
use crate::app::certificate::store::{CertificateStore, Reporter};
use crate::app::certificate::validity::Validity;
use crate::config::acme::AcmeConfig;
use crate::domain::timestamp::Timestamp;
use crate::http::acme::account::blocking;
use crate::http::acme::client::{self, AcmeClient};
pub use crate::http::acme::error::AcmeError;
use crate::http::acme::order::{self, Issued};

/// How often the time of day is compared with the certificate's: it may be set, and a machine may sleep.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);
/// The library tries a request three times whose nonce is refused; then the order begins again so many times.
const NONCE_RETRIES: usize = 2;
/// What an authority may ask to wait, at most.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often an authority is asked. The defaults stay below the limits of Let's Encrypt: five failed validations
/// an hour, five certificates for the same names a week.
#[derive(Debug, Clone, Copy)]
pub struct RenewalPacing {
    /// The wait after a first failure; it doubles with each further one.
    pub first_delay: Duration,
    pub max_delay: Duration,
    /// The wait after a success, whatever the clock says of the new certificate; less where that lives shortly.
    pub min_interval: Duration,
}

impl Default for RenewalPacing {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(5 * 60),
            max_delay: Duration::from_secs(3 * 3600),
            min_interval: Duration::from_secs(36 * 3600),
        }
    }
}

/// Orders certificates for as long as the runtime lives.
#[derive(Debug)]
pub struct Renewer {
    config: AcmeConfig,
    folder: AcmeFolder,
    store: CertificateStore,
    pacing: RenewalPacing,
    failures: u32,
    /// Nothing is ordered before, unless somebody asks.
    not_before: Instant,
    /// A certificate that is in use and could not be written.
    unsaved: Option<String>,
}

impl Renewer {
    /// Looks after the certificate of a store for these settings; the folder is that of their authority.
    ///
    /// # Errors
    /// The file with roots cannot be read, or has none.
    pub fn new(
        folder: AcmeFolder,
        store: CertificateStore,
        config: AcmeConfig,
        pacing: RenewalPacing,
    ) -> Result<Self, AcmeError> {
        if config.ca.is_some() {
            client::roots(config.ca.as_deref())?;
        }
        let not_before = Instant::now();
        let mut renewer =
            Self { config, folder, store, pacing, failures: 0, not_before, unsaved: None };
        renewer.restore_failure();
        Ok(renewer)
    }

    /// A restart does not make an authority be asked earlier, unless it is for other names.
    fn restore_failure(&mut self) {
        let failure = self.folder.failure();
        let Some(failure) = failure.filter(|failure| failure.domains == self.config.domains) else {
            return;
        };
        self.failures = failure.failures;
        self.not_before = Instant::now() + failure.wait(self.store.now()).min(MAX_RETRY_AFTER);
        self.store.set_failure(Some(failure));
    }

    /// Where the certificate is.
    #[must_use]
    pub fn store(&self) -> CertificateStore {
        self.store.clone()
    }

    /// Orders certificates when they are due.
    pub async fn run(mut self) {
        let store = self.store();
        let mut reporter = Reporter::new(&store);
        if store.current().is_none() {
            let failure = store.failure().map(|failure| failure.describe());
            tracing::warn!(
                domains = self.config.domains.join(","),
                failure,
                "there is no certificate yet: handshakes fail until the authority has issued one"
            );
        }
        loop {
            if store.current().is_some() {
                reporter.report();
            }
            let asked = timeout(self.wait(), store.reload_asked()).await.is_ok();
            if asked {
                store.reload_done();
            }
            self.save().await;
            if !self.is_due() {
                if asked {
                    tracing::info!(due_at = %self.due_at(), "SIGHUP: the certificate is not due to be renewed");
                }
            } else if asked || Instant::now() >= self.not_before {
                let mut attempt = pin!(self.attempt());
                loop {
                    tokio::select! {
                        () = &mut attempt => break,
                        () = store.reload_asked() => store.reload_done(),
                    }
                }
                reporter.restart();
            }
        }
    }

    /// When the certificate is to be renewed; now, where there is none for all host names.
    fn due_at(&self) -> DateTime<Utc> {
        let current = self.store.current();
        let current =
            current.filter(|current| self.config.domains.iter().all(|host| current.is_for(host)));
        current.map_or_else(|| self.store.now(), |current| current.validity.renewal_due_at())
    }

    fn is_due(&self) -> bool {
        self.due_at() <= self.store.now()
    }

    fn wait(&self) -> Duration {
        let until_due = (self.due_at() - self.store.now()).to_std().unwrap_or_default();
        let until_allowed = self.not_before.saturating_duration_since(Instant::now());
        until_due.max(until_allowed).min(LOOK_INTERVAL)
    }

    async fn attempt(&mut self) {
        tracing::info!(
            domains = self.config.domains.join(","),
            directory = self.config.directory,
            "ordering a certificate"
        );
        let mut retry_after = None;
        // A panic ends this attempt, and not the renewals.
        let ordered = AssertUnwindSafe(self.order(&mut retry_after)).catch_unwind().await;
        match ordered.unwrap_or(Err(AcmeError::Ended)) {
            Ok(issued) => self.succeed(issued).await,
            Err(error) => self.fail(&error, retry_after).await,
        }
    }

    async fn order(&self, retry_after: &mut Option<Duration>) -> Result<Issued, AcmeError> {
        let ca = self.config.ca.clone();
        let roots = tokio::task::spawn_blocking(move || client::roots(ca.as_deref())).await;
        let client = AcmeClient::new(roots.map_err(|_| AcmeError::Ended)??)?;
        let order = || order::order(&self.folder, &self.config, &client, &self.store);
        let mut issued = order().await;
        for _ in 0..NONCE_RETRIES {
            if !issued.as_ref().is_err_and(AcmeError::is_bad_nonce) {
                break;
            }
            issued = order().await;
        }
        *retry_after = issued.as_ref().err().and_then(AcmeError::wait).max(client.retry_after());
        issued
    }

    async fn succeed(&mut self, issued: Issued) {
        let Validity { not_before, not_after: until } = issued.certificate.validity;
        let quarter = (until - not_before).to_std().unwrap_or_default() / 4;
        self.store.replace(issued.certificate);
        self.failures = 0;
        self.not_before = Instant::now() + self.pacing.min_interval.min(quarter);
        self.unsaved = Some(issued.pem);
        self.store.set_failure(None);
        if let Err(error) = blocking(&self.folder, |folder| folder.write_failure(None)).await {
            tracing::warn!(%error, "the note of an earlier failure could not be removed");
        }
        self.save().await;
        tracing::info!(%until, "the new certificate is in use");
        if self.is_due() {
            tracing::error!(%until, "the new certificate is due to be renewed already: the clock may be wrong");
        }
    }

    /// Writes a certificate that could not be written before.
    async fn save(&mut self) {
        let Some(pem) = self.unsaved.clone() else { return };
        match blocking(&self.folder, move |folder| folder.write_certificate(&pem)).await {
            Ok(()) => {
                self.unsaved = None;
                self.store.set_failure(None);
            }
            Err(error) if self.store.failure().is_none() => {
                tracing::error!(%error, "the new certificate is in use and could not be stored; this is tried again");
                let error = format!("the new certificate is in use, but not stored: {error}");
                self.store.set_failure(Some(self.failure(&error, LOOK_INTERVAL)));
            }
            Err(_) => {}
        }
    }

    async fn fail(&mut self, error: &AcmeError, retry_after: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let wait = self.delay().max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER));
        self.not_before = Instant::now() + wait;
        let failure = self.failure(&error.to_string(), wait);
        let next_attempt_at = Timestamp::from(failure.next_attempt_at);
        self.store.set_failure(Some(failure.clone()));
        let written = blocking(&self.folder, move |folder| folder.write_failure(Some(&failure)));
        if let Err(error) = written.await {
            tracing::warn!(%error, "the failure could not be written for `fastcore check`");
        }
        if self.store.warning().is_some() {
            tracing::error!(%error, %next_attempt_at, "no certificate could be got");
        } else {
            tracing::warn!(%error, %next_attempt_at, "no certificate could be got; the one in use stays");
        }
    }

    fn failure(&self, error: &str, wait: Duration) -> RenewalFailure {
        let now = self.store.now();
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
        RenewalFailure {
            domains: self.config.domains.clone(),
            failed_at: now,
            failures: self.failures.max(1),
            error,
            next_attempt_at: now.checked_add_signed(wait).unwrap_or(now),
        }
    }

    /// The wait after so many failures, longer by up to a fifth: not all servers ask at the same moment after an
    /// outage of the authority.
    fn delay(&self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures.saturating_sub(1));
        let delay = self.pacing.first_delay.saturating_mul(doubled).min(self.pacing.max_delay);
        delay.mul_f64(1.0 + rand::random_range(0.0..0.2))
    }
}
