//! Signs staff in, within limits.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::db::Db;
use crate::app::staff::audit_budget::{AuditBudgets, RefusalReason};
use crate::app::staff::client_hash::ClientHasher;
use crate::app::staff::devices::{self, DeviceTokens};
use crate::app::staff::password::{HashLimiter, HashPlace, HashQueue};
use crate::app::staff::sessions::{NewSession, Sessions, sha256};
use crate::app::staff::throttle::{Attempt, Throttle, Visitor};
use crate::app::staff::totp;
use crate::domain::audit::{ACTOR_ADMIN_PAGE, AuditEvent, NewAuditRow};
use crate::domain::staff::{AccountName, Password, is_step_used};
use crate::store::error::StoreError;
use crate::store::staff::Account;
use crate::store::staff_devices::SignInRecord;

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
    throttle: Mutex<Throttle>,
    audit_budgets: Mutex<AuditBudgets>,
    client_hasher: ClientHasher,
}

/// An attempt to sign in.
#[derive(Debug)]
pub struct SignInRequest {
    pub name: String,
    pub password: Password,
    pub code: Option<String>,
    /// The client's address, where clients are told apart.
    pub client: Option<IpAddr>,
    pub devices: DeviceTokens,
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
        let SignInRequest { name, password, code, client, devices } = request;
        let now = self.db.clock().now().timestamp();
        let (account, record) = self.read(AccountName::parse(&name), devices).await?;
        let attempt = Attempt {
            name: sha256(name.trim().to_lowercase().as_bytes()),
            exists: account.is_some(),
            unlocked: record.unlocked_at_utc,
            visitor: visitor(&record, client),
        };
        let place = self.begin(&attempt, now)?;
        let client = client.map(|client| self.guard.client_hasher.hash(client));
        let right = verify(place, account.as_ref(), password).await?;
        let Some(account) = account.as_ref().filter(|_| right) else {
            self.record_refused(account.as_ref(), RefusalReason::Password, client);
            return Err(SignInError::Wrong);
        };
        let step = match self.check_code(account, code.as_deref(), now) {
            Ok(step) => step,
            Err(error) => {
                let is_missing = matches!(error, SignInError::CodeRequired);
                let reason =
                    if is_missing { RefusalReason::CodeMissing } else { RefusalReason::Code };
                self.record_refused(Some(account), reason, client);
                return Err(error);
            }
        };
        let opened = self.sessions.open(account, step, client).await;
        let Ok(None) = opened else {
            // Also where the disk is full: it was the right password.
            self.guard.throttle().succeeded(&attempt);
            return opened?.ok_or(SignInError::Wrong);
        };
        // The account was changed since it was read, or the code was used by another request.
        Err(if step.is_some() { SignInError::WrongCode } else { SignInError::Wrong })
    }

    async fn read(
        &self,
        name: Option<AccountName>,
        devices: DeviceTokens,
    ) -> Result<(Option<Account>, SignInRecord), SignInError> {
        let Some(name) = name else { return Ok((None, SignInRecord::default())) };
        let used_after = devices::used_after(self.db.clock().now().into());
        let read = self.db.read(move |tx| {
            let record = tx.sign_in_record(name.as_str(), &devices.hashes(), used_after)?;
            Ok((tx.account(name.as_str())?, record))
        });
        Ok(read.await?)
    }

    /// Counts an attempt, and takes a place to hash its password. One that is refused for lack of room does
    /// not count.
    fn begin(&self, attempt: &Attempt, now: i64) -> Result<HashPlace, SignInError> {
        let queue = match attempt.visitor {
            Visitor::Device(_) => HashQueue::Known,
            Visitor::Client(_) | Visitor::Anyone => HashQueue::Stranger,
        };
        let place = self.hashing.reserve(queue);
        let place = place.ok_or(SignInError::TooMany(HashLimiter::RETRY_AFTER_SECONDS))?;
        self.guard.throttle().begin(attempt, now).map_err(SignInError::TooMany)?;
        Ok(place)
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
            return Err(SignInError::WrongCode);
        }
        Ok(step)
    }

    /// Records the refusal in the audit log. An unknown name is left out: it may be a password
    /// that was typed into the wrong field. Nobody waits for the write: the time of the answer
    /// must not show whether the account exists, nor whether the budget had a row left.
    fn record_refused(
        &self,
        account: Option<&Account>,
        reason: RefusalReason,
        client: Option<String>,
    ) {
        let now = self.db.clock().now().timestamp();
        let Some(suppressed) = self.guard.take_audit_row(account.is_some(), reason, now) else {
            return;
        };
        let mut details =
            serde_json::json!({ "account": account.map(|a| &a.name), "reason": reason.as_str() });
        if let Some(client) = client {
            details["client"] = client.into();
        }
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
    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a refusal may have an audit row now; if so, how many were suppressed before it.
    fn take_audit_row(&self, account_exists: bool, reason: RefusalReason, now: i64) -> Option<u64> {
        let mut budgets = self.audit_budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.take(account_exists, reason, now)
    }
}

fn visitor(record: &SignInRecord, client: Option<IpAddr>) -> Visitor {
    match (record.device, client) {
        (Some(device), _) => Visitor::Device(device),
        (None, Some(client)) => Visitor::Client(client),
        (None, None) => Visitor::Anyone,
    }
}

/// Whether the password is right; for an unknown name, after the same time.
async fn verify(
    place: HashPlace,
    account: Option<&Account>,
    password: Password,
) -> Result<bool, StoreError> {
    let hash = account.map(|account| account.password_hash.clone());
    place.run(move |memory| memory.verify(&password, hash.as_deref())).await
}
