//! Signs staff in, within limits.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::db::Db;
use crate::app::staff::key::StaffKey;
use crate::app::staff::password::HashLimiter;
use crate::app::staff::rate_limit::{RateLimiter, TokenBucket};
use crate::app::staff::sessions::{BrowserInfo, NewSession, Sessions, sha256};
use crate::app::staff::totp;
use crate::domain::audit::{ACTOR_ADMIN_PAGE, AuditEvent, NewAuditRow};
use crate::domain::password::Password;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::staff::{AccountName, is_step_used};
use crate::store::error::StoreError;
use crate::store::staff::rows::Account;
use crate::store::staff::sessions::SecondProof;

/// Signing in; cheap to clone.
#[derive(Debug, Clone)]
pub struct SignIn {
    db: Db,
    sessions: Sessions,
    hashing: HashLimiter,
    key: StaffKey,
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
    /// Of the second factor, or a recovery code.
    pub code: Option<String>,
    pub peer: IpAddr,
    pub browser: BrowserInfo,
}

/// A successful attempt.
#[derive(Debug)]
pub struct SignedIn {
    pub session: NewSession,
    /// If a recovery code was used: how many are left.
    pub recovery_codes_left: Option<usize>,
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
    pub(crate) fn new(db: &Db, sessions: &Sessions, hashing: &HashLimiter, key: &StaffKey) -> Self {
        let (sessions, hashing, key) = (sessions.clone(), hashing.clone(), key.clone());
        Self { db: db.clone(), sessions, hashing, key, guard: Arc::default() }
    }

    /// Checks the credentials and opens a session.
    ///
    /// # Errors
    /// [`SignInError`]; an unknown name takes as long as a known one and has the same answer.
    pub async fn sign_in(&self, request: SignInRequest) -> Result<SignedIn, SignInError> {
        let SignInRequest { name, password, code, peer, browser } = request;
        let (account, key) = self.check_password(&name, password, peer).await?;
        let now = self.db.clock().now().timestamp();
        let proof = match self.check_code(&account, code.as_deref(), now).await {
            Err(SignInError::CodeRequired) => {
                self.guard.attempts().refund(&key, peer);
                return Err(SignInError::CodeRequired);
            }
            proof => proof?,
        };
        let has_code = !matches!(proof, SecondProof::None);
        let is_recovery = matches!(proof, SecondProof::RecoveryCode(_));
        let Some(session) = self.sessions.open(&account, proof, browser).await? else {
            // The account was changed since it was read, or the code was used by another request.
            return Err(if has_code { SignInError::WrongCode } else { SignInError::Wrong });
        };
        self.guard.attempts().succeeded(&key, peer);
        let recovery_codes_left = if is_recovery {
            let left = self.db.read(move |tx| tx.recovery_hashes(&account.name));
            Some(left.await?.len())
        } else {
            None
        };
        Ok(SignedIn { session, recovery_codes_left })
    }

    /// Checks the password of an account that is signed in already, before its owner changes it.
    ///
    /// # Errors
    /// [`SignInError`]; wrong passwords count as attempts to sign in.
    pub(crate) async fn reauthenticate(
        &self,
        name: &str,
        password: Password,
        peer: IpAddr,
    ) -> Result<Account, SignInError> {
        let (account, key) = self.check_password(name, password, peer).await?;
        self.guard.attempts().succeeded(&key, peer);
        Ok(account)
    }

    /// The account of this name and password, and the key of its attempts.
    async fn check_password(
        &self,
        name: &str,
        password: Password,
        peer: IpAddr,
    ) -> Result<(Account, [u8; 32]), SignInError> {
        let key = sha256(name.trim().to_lowercase().as_bytes());
        let now = self.db.clock().now().timestamp();
        self.guard.attempts().begin(key, peer, now).map_err(SignInError::TooMany)?;
        let account = match AccountName::parse(name) {
            Some(name) => self.db.read(move |tx| tx.account(name.as_str())).await?,
            None => None,
        };
        let verified = self.verify(account.as_ref(), password).await;
        let right = verified.inspect_err(|_| self.guard.attempts().refund(&key, peer))?;
        if !right {
            self.record_refused(account.as_ref(), "password");
        }
        let account = account.filter(|_| right).ok_or(SignInError::Wrong)?;
        Ok((account, key))
    }

    async fn verify(
        &self,
        account: Option<&Account>,
        password: Password,
    ) -> Result<bool, SignInError> {
        let hash = account.map(|account| account.password_hash.clone());
        let verified =
            self.hashing.run(move |memory| memory.verify(password.as_bytes(), hash.as_deref()));
        verified.await?.ok_or(SignInError::TooMany(HashLimiter::RETRY_AFTER_SECONDS))
    }

    /// Checks the code, where the account has a second factor.
    async fn check_code(
        &self,
        account: &Account,
        code: Option<&str>,
        now: i64,
    ) -> Result<SecondProof, SignInError> {
        let Some(sealed) = &account.totp_secret else { return Ok(SecondProof::None) };
        let code = code.filter(|code| !code.is_empty()).ok_or(SignInError::CodeRequired)?;
        let proof = match RecoveryCode::parse(code) {
            Some(code) => self.check_recovery_code(account, code).await?,
            None => self.check_totp_code(account, sealed, code, now),
        };
        proof.ok_or_else(|| {
            self.record_refused(Some(account), "code");
            SignInError::WrongCode
        })
    }

    fn check_totp_code(
        &self,
        account: &Account,
        sealed: &[u8],
        code: &str,
        now: i64,
    ) -> Option<SecondProof> {
        let Some(secret) = totp::open(&self.key, &account.name, sealed) else {
            tracing::error!(
                account = account.name,
                hint = totp::WRONG_KEY_HINT,
                "the second factor of an account cannot be read: the key next to the database is another one"
            );
            return None;
        };
        let step = totp::step_of(&secret, code, now)?;
        (!is_step_used(step, account.totp_last_step, now)).then_some(SecondProof::Code(step))
    }

    async fn check_recovery_code(
        &self,
        account: &Account,
        code: RecoveryCode,
    ) -> Result<Option<SecondProof>, SignInError> {
        let name = account.name.clone();
        let hashes = self.db.read(move |tx| tx.recovery_hashes(&name)).await?;
        let found = self.hashing.run(move |memory| {
            hashes.into_iter().find(|hash| memory.verify(code.as_bytes(), Some(hash)))
        });
        let found = found.await?.ok_or(SignInError::TooMany(HashLimiter::RETRY_AFTER_SECONDS))?;
        Ok(found.map(SecondProof::RecoveryCode))
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
