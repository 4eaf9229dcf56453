//! Signs staff in, within limits.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::db::Db;
use crate::app::staff::password::HashLimiter;
use crate::app::staff::rate_limit::{RateLimiter, TokenBucket};
use crate::app::staff::sessions::{NewSession, Sessions, sha256};
use crate::app::staff::totp;
use crate::domain::audit::{ACTOR_ADMIN_PAGE, AuditEvent, NewAuditRow};
use crate::domain::staff::{AccountName, Password, is_step_used};
use crate::store::error::StoreError;
use crate::store::staff::Account;

/// Signing in; cheap to clone.
#[derive(Debug, Clone)]
pub struct SignIn {
    db: Db,
    sessions: Sessions,
    hashing: HashLimiter,
    guard: Arc<SignInGuard>,
}

/// What the server remembers between attempts.
#[derive(Debug, Default)]
struct SignInGuard {
    attempts: Mutex<RateLimiter>,
    /// Audit rows for refusals of unknown names and of existing accounts: the first cannot use up
    /// the second.
    audit_budgets: Mutex<[TokenBucket; 2]>,
}

/// An attempt to sign in.
#[derive(Debug)]
pub struct SignInRequest {
    pub name: String,
    pub password: Password,
    pub code: Option<String>,
    pub peer: IpAddr,
}

/// Why an attempt was refused.
#[derive(Debug)]
pub enum SignInError {
    /// The name or the password; which of them is not said.
    Wrong,
    WrongCode,
    /// The password is right, and the account has a second factor.
    CodeRequired,
    /// Too many attempts; the next may be made after this many seconds.
    TooMany(i64),
    Store(StoreError),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl SignIn {
    pub(crate) fn new(db: &Db, sessions: &Sessions, hashing: &HashLimiter) -> Self {
        let (sessions, hashing) = (sessions.clone(), hashing.clone());
        Self { db: db.clone(), sessions, hashing, guard: Arc::default() }
    }

    /// Checks the credentials and opens a session.
    ///
    /// # Errors
    /// [`SignInError`]; an unknown name takes as long as a known one and has the same answer.
    pub async fn sign_in(&self, request: SignInRequest) -> Result<NewSession, SignInError> {
        let (key, peer) = (sha256(request.name.trim().to_lowercase().as_bytes()), request.peer);
        let now = self.db.clock().now().timestamp();
        self.guard.attempts().begin(key, peer, now).map_err(SignInError::TooMany)?;
        let name = AccountName::parse(&request.name);
        let account = match name {
            Some(name) => self.db.read(move |tx| tx.account(name.as_str())).await?,
            None => None,
        };
        let verified = self.verify(account.as_ref(), request.password).await;
        let right = verified.inspect_err(|_| self.guard.attempts().refund(&key, peer))?;
        let Some(account) = account.as_ref().filter(|_| right) else {
            self.record_refused(account.as_ref(), "password");
            return Err(SignInError::Wrong);
        };
        let step = match self.check_code(account, request.code.as_deref(), now) {
            Err(SignInError::CodeRequired) => {
                self.guard.attempts().refund(&key, peer);
                return Err(SignInError::CodeRequired);
            }
            step => step?,
        };
        let Some(session) = self.sessions.open(account, step).await? else {
            // The account was changed since it was read, or the code was used by another request.
            return Err(if step.is_some() { SignInError::WrongCode } else { SignInError::Wrong });
        };
        self.guard.attempts().succeeded(&key, peer);
        Ok(session)
    }

    async fn verify(
        &self,
        account: Option<&Account>,
        password: Password,
    ) -> Result<bool, SignInError> {
        let hash = account.map(|account| account.password_hash.clone());
        let verified = self.hashing.run(move |memory| memory.verify(&password, hash.as_deref()));
        verified.await?.ok_or(SignInError::TooMany(HashLimiter::RETRY_AFTER_SECONDS))
    }

    /// The time step of the code, where the account has a second factor.
    fn check_code(
        &self,
        account: &Account,
        code: Option<&str>,
        now: i64,
    ) -> Result<Option<i64>, SignInError> {
        let Some(secret) = &account.totp_secret else { return Ok(None) };
        let code = code.filter(|code| !code.is_empty()).ok_or(SignInError::CodeRequired)?;
        let step = totp::step_of(secret, code, now)
            .filter(|step| !is_step_used(*step, account.totp_last_step, now));
        if step.is_none() {
            self.record_refused(Some(account), "code");
            return Err(SignInError::WrongCode);
        }
        Ok(step)
    }

    /// Records the refusal in the audit log. An unknown name is left out: it may be a password
    /// that was typed into the wrong field. Nobody waits for the write: the time of the answer
    /// must not show whether the account exists, nor whether the budget had a row left.
    fn record_refused(&self, account: Option<&Account>, reason: &'static str) {
        let now = self.db.clock().now().timestamp();
        let Some(suppressed) = self.guard.take_audit_row(account.is_some(), now) else { return };
        let mut details =
            serde_json::json!({ "account": account.map(|a| &a.name), "reason": reason });
        if suppressed > 0 {
            details["suppressed"] = suppressed.into();
        }
        let details = details.to_string();
        self.db.write_detached(move |tx| {
            let event = NewAuditRow {
                event: AuditEvent::StaffSignInRefused,
                actor: ACTOR_ADMIN_PAGE,
                lead_id: None,
                request_id: None,
                status_code: Some(401),
                details_json: Some(&details),
            };
            tx.append(&event).map(drop)
        });
    }
}

impl SignInGuard {
    fn attempts(&self) -> MutexGuard<'_, RateLimiter> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a refusal may have an audit row now; if so, how many were suppressed before it.
    fn take_audit_row(&self, account_exists: bool, now: i64) -> Option<u64> {
        let mut budgets = self.audit_budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets[usize::from(account_exists)].take(now)
    }
}
