//! Signing in and out, and who a request is from.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::app::admin_state::{AdminState, blocking};
use crate::app::staff::rate_limit::{RateLimiter, TokenBucket};
use crate::app::staff::{password, totp};
use crate::domain::audit::{ACTOR_ADMIN_PAGE, AuditEvent, NewAuditRow};
use crate::domain::staff;
use crate::domain::staff::{AccountName, Password, SessionCutoffs};
use crate::store;
use crate::store::error::StoreError;
use crate::store::staff::Account;

/// Passwords hashed at once: sign-in must not starve the intake of a small machine.
const HASHES: usize = 1;
/// Tries that may wait for their hash; more are sent away.
const WAITING: usize = 16;
/// When somebody who was sent away may come again, in seconds.
const SOON: i64 = 2;
/// A session's last use is written down no more often than this.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(5);

/// What the server remembers between tries.
#[derive(Debug)]
pub(crate) struct SignInGuard {
    hashing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    attempts: Mutex<RateLimiter>,
    /// Of refusals of accounts that exist, and of others: the second cannot use up the first.
    budgets: Mutex<[TokenBucket; 2]>,
}

impl Default for SignInGuard {
    fn default() -> Self {
        Self {
            hashing: Arc::new(Semaphore::new(HASHES)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            attempts: Mutex::default(),
            budgets: Mutex::default(),
        }
    }
}

/// A try to sign in.
#[derive(Debug)]
pub struct SignInRequest {
    pub name: String,
    pub password: Password,
    pub code: Option<String>,
    pub peer: IpAddr,
}

/// Why somebody was not let in.
#[derive(Debug)]
pub enum SignInError {
    /// The name or the password; which of them is not told.
    Wrong,
    WrongCode,
    /// The password is right, and the account has a second factor.
    CodeRequired,
    /// Too many tries; in so many seconds there may be another.
    TooMany(i64),
    Store(StoreError),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Somebody who has just signed in. `Debug` shows nothing of the token.
pub struct NewSession {
    /// For the browser's cookie; only its hash is kept.
    pub token: String,
    pub staff: StaffSession,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.staff)
    }
}

/// Who is signed in, and until when if the session is not used any more.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StaffSession {
    pub name: String,
    #[schema(format = DateTime)]
    pub expires_at_utc: String,
}

impl StaffSession {
    /// As the audit log names them.
    #[must_use]
    pub fn actor(&self) -> String {
        staff::actor(&self.name)
    }
}

impl AdminState {
    /// Lets somebody in.
    ///
    /// # Errors
    /// [`SignInError`]; an unknown name takes as long as a known one and is answered the same.
    pub async fn sign_in(&self, asked: SignInRequest) -> Result<NewSession, SignInError> {
        let key = sha256(asked.name.trim().to_lowercase().as_bytes());
        let now = self.clock().now();
        self.door().begin(key, asked.peer, now)?;
        let name = AccountName::parse(&asked.name);
        let account = match name {
            Some(name) => self.read(move |snapshot| snapshot.account(name.as_str())).await?,
            None => None,
        };
        let stored = account.as_ref().map(|account| account.password_hash.clone());
        let right = self
            .hashed(move || password::verify(&asked.password, stored.as_deref()))
            .await
            .inspect_err(|_| self.door().lock().refund(&key, asked.peer))?;
        let Some(account) = account.as_ref().filter(|_| right) else {
            self.note_refused(account.as_ref(), "password");
            return Err(SignInError::Wrong);
        };
        let step = match (&account.totp_secret, asked.code.as_deref()) {
            (None, _) => None,
            (Some(_), None | Some("")) => {
                self.door().lock().refund(&key, asked.peer);
                return Err(SignInError::CodeRequired);
            }
            (Some(secret), Some(code)) => {
                let step = totp::step_of(secret, code, now.timestamp());
                let Some(step) = step.filter(|step| *step > account.totp_last_step) else {
                    self.note_refused(Some(account), "code");
                    return Err(SignInError::WrongCode);
                };
                Some(step)
            }
        };
        let Some(signed_in) = self.open_session(account, step).await? else {
            // Between the reading and the writing the account was changed, or the code was taken.
            return Err(if step.is_some() { SignInError::WrongCode } else { SignInError::Wrong });
        };
        self.door().lock().succeeded(&key, asked.peer);
        Ok(signed_in)
    }

    async fn open_session(
        &self,
        account: &Account,
        step: Option<i64>,
    ) -> Result<Option<NewSession>, StoreError> {
        let (token, alive) = (new_token(), SessionCutoffs::at(self.clock().now()));
        let (hash, account) = (sha256(token.as_bytes()), account.clone());
        let name = account.name.clone();
        let opened = self
            .write(move |tx| store::staff::open_session(tx, &account, step, &hash, &alive))
            .await?;
        Ok(opened.then(|| NewSession { token, staff: self.staff(name, None) }))
    }

    /// Who the session of this token belongs to; none if it has ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session(&self, token: &str) -> Result<Option<StaffSession>, StoreError> {
        let (hash, now) = (sha256(token.as_bytes()), self.clock().now());
        let alive = SessionCutoffs::at(now);
        let Some(session) = self.read(move |snapshot| snapshot.session(&hash, &alive)).await?
        else {
            return Ok(None);
        };
        if is_before(&session.seen_at_utc, now - NOTED_EVERY) {
            self.write_later(move |tx| store::staff::touch_session(tx, &hash));
        }
        Ok(Some(self.staff(session.name, Some(&session.created_at_utc))))
    }

    /// Whether the session of this token still lives. Does not count as a use of it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_signed_in(&self, token: &str) -> Result<bool, StoreError> {
        let (hash, alive) = (sha256(token.as_bytes()), SessionCutoffs::at(self.clock().now()));
        Ok(self.read(move |snapshot| snapshot.session(&hash, &alive)).await?.is_some())
    }

    /// Ends the session of this token.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn sign_out(&self, token: &str) -> Result<(), StoreError> {
        let hash = sha256(token.as_bytes());
        self.write(move |tx| store::staff::close_session(tx, &hash)).await
    }

    pub(crate) fn staff(&self, name: String, created_at_utc: Option<&str>) -> StaffSession {
        let now = self.clock().now();
        let expires_at_utc = staff::expires_at(now, created_at_utc.unwrap_or_default());
        StaffSession { name, expires_at_utc }
    }

    /// Runs what hashes a password, one at a time, away from the thread that serves connections.
    pub(crate) async fn hashed<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SignInError> {
        let door = self.door();
        let waiting = Arc::clone(&door.waiting).try_acquire_owned();
        let waiting = waiting.map_err(|_| SignInError::TooMany(SOON))?;
        let hashing = Arc::clone(&door.hashing).acquire_owned().await;
        let hashing = hashing.map_err(|_| StoreError::Closed)?;
        // The permits go along: a client that hangs up does not stop a hash.
        let hashed = blocking(move || {
            let _permits = (waiting, hashing);
            work()
        });
        Ok(hashed.await?)
    }

    /// Tells the audit log. Of an unknown name it says nothing: it may be a password, typed into
    /// the wrong field. Nobody waits for it: how long the answer takes must not tell whether there
    /// is such an account, nor whether there was a row left for it.
    fn note_refused(&self, account: Option<&Account>, reason: &'static str) {
        let now = self.clock().now().timestamp();
        let Some(suppressed) = self.door().budget(account.is_some(), now) else { return };
        let mut details =
            serde_json::json!({ "account": account.map(|a| &a.name), "reason": reason });
        if suppressed > 0 {
            details["suppressed"] = suppressed.into();
        }
        let details = details.to_string();
        self.write_later(move |tx| {
            let event = NewAuditRow {
                event: AuditEvent::StaffSignInRefused,
                actor: ACTOR_ADMIN_PAGE,
                lead_id: None,
                request_id: None,
                status_code: Some(401),
                details_json: Some(&details),
            };
            tx.append(&event).map(|_| ())
        });
    }
}

impl SignInGuard {
    fn begin(&self, key: [u8; 32], peer: IpAddr, now: DateTime<Utc>) -> Result<(), SignInError> {
        self.lock().begin(key, peer, now.timestamp()).map_err(SignInError::TooMany)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, RateLimiter> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn budget(&self, known: bool, now: i64) -> Option<u64> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets[usize::from(known)].take(now)
    }
}

/// 256 random bits as hexadecimal digits.
pub(crate) fn new_token() -> String {
    rand::random::<[u8; 32]>().iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn is_before(stamp: &str, moment: DateTime<Utc>) -> bool {
    *stamp < *crate::domain::timestamp::stamp(moment)
}
