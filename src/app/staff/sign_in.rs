//! Signs staff in, within limits.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::db::Db;
use crate::app::staff::audit_budget::{AuditBudgets, RefusalReason};
use crate::app::staff::client_hash::ClientHasher;
use crate::app::staff::devices::{self, DeviceTokens};
use crate::app::staff::key::StaffKey;
use crate::app::staff::password::{HashLimiter, HashPlace, HashQueue};
use crate::app::staff::sessions::{BrowserInfo, NewSession, Sessions, StaffSession, sha256};
use crate::app::staff::throttle::{Attempt, Throttle, Visitor};
use crate::app::staff::totp;
use crate::domain::audit::{ACTOR_ADMIN_PAGE, AuditEvent, NewAuditRow};
use crate::domain::password::Password;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::staff::{AccountName, is_step_used};
use crate::store::error::StoreError;
use crate::store::staff::devices::SignInRecord;
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
#[derive(Debug)]
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
    /// Of the second factor, or a recovery code.
    pub code: Option<String>,
    /// The client's address, where clients are told apart.
    pub client: Option<IpAddr>,
    pub devices: DeviceTokens,
    pub browser: BrowserInfo,
}

/// A successful attempt.
#[derive(Debug)]
pub struct SignedIn {
    pub session: NewSession,
    /// If a recovery code was used: how many are left.
    pub recovery_codes_left: Option<usize>,
}

/// A code that was right, or was not needed.
struct CheckedCode {
    proof: SecondProof,
    /// If it is a recovery code: how many are left after it.
    recovery_codes_left: Option<usize>,
}

impl CheckedCode {
    fn of(proof: SecondProof) -> Self {
        Self { proof, recovery_codes_left: None }
    }
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
        let guard = Arc::new(SignInGuard {
            throttle: Mutex::default(),
            audit_budgets: Mutex::default(),
            client_hasher: ClientHasher::new(key),
        });
        let (sessions, hashing, key) = (sessions.clone(), hashing.clone(), key.clone());
        Self { db: db.clone(), sessions, hashing, key, guard }
    }

    /// Checks the credentials and opens a session.
    ///
    /// # Errors
    /// [`SignInError`]; an unknown name takes as long as a known one and has the same answer.
    pub async fn sign_in(&self, request: SignInRequest) -> Result<SignedIn, SignInError> {
        let SignInRequest { name, password, code, client, devices, browser } = request;
        let now = self.db.clock().now().timestamp();
        let (account, record) = self.read(AccountName::parse(&name), devices).await?;
        let attempt = Attempt {
            name: sha256(name.trim().to_lowercase().as_bytes()),
            exists: account.is_some(),
            unlocked: record.unlocked_at_utc,
            visitor: visitor(&record, client),
        };
        let client = client.map(|client| self.guard.client_hasher.hash(client));
        let account = self.check_password(&attempt, account, password, client.as_deref()).await?;
        let checked = self.check_code(&account, code.as_deref(), now).await;
        let CheckedCode { proof, recovery_codes_left } = checked.inspect_err(|error| {
            let reason = match error {
                SignInError::CodeRequired => RefusalReason::CodeMissing,
                SignInError::WrongCode => RefusalReason::Code,
                SignInError::Wrong | SignInError::TooMany(_) | SignInError::Store(_) => return,
            };
            self.record_refused(Some(&account), reason, client.as_deref());
        })?;
        let has_code = !matches!(proof, SecondProof::None);
        let opened = self.sessions.open(&account, proof, browser, client).await;
        let Ok(None) = opened else {
            // Also where the disk is full: it was the right password.
            self.guard.throttle().succeeded(&attempt);
            let session = opened?.ok_or(SignInError::Wrong)?;
            return Ok(SignedIn { session, recovery_codes_left });
        };
        // The account was changed since it was read, or the code was used by another request.
        Err(if has_code { SignInError::WrongCode } else { SignInError::Wrong })
    }

    /// Checks the password of an account that is signed in already, before its owner changes it. Wrong ones
    /// delay the tries of this session alone.
    ///
    /// # Errors
    /// [`SignInError`].
    pub(crate) async fn reauthenticate(
        &self,
        session: &StaffSession,
        password: Password,
    ) -> Result<Account, SignInError> {
        let name = AccountName::parse(&session.name);
        let (account, record) = self.read(name, DeviceTokens::default()).await?;
        let attempt = Attempt {
            name: sha256(session.name.as_bytes()),
            exists: account.is_some(),
            unlocked: record.unlocked_at_utc,
            visitor: Visitor::Device(session.token_hash),
        };
        let account = self.check_password(&attempt, account, password, None).await?;
        self.guard.throttle().succeeded(&attempt);
        Ok(account)
    }

    async fn check_password(
        &self,
        attempt: &Attempt,
        account: Option<Account>,
        password: Password,
        client: Option<&str>,
    ) -> Result<Account, SignInError> {
        let place = self.begin(attempt, self.db.clock().now().timestamp())?;
        let right = verify(place, account.as_ref(), password).await?;
        if !right {
            self.record_refused(account.as_ref(), RefusalReason::Password, client);
        }
        account.filter(|_| right).ok_or(SignInError::Wrong)
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

    /// Checks the code, where the account has a second factor.
    async fn check_code(
        &self,
        account: &Account,
        code: Option<&str>,
        now: i64,
    ) -> Result<CheckedCode, SignInError> {
        let Some(sealed) = &account.totp_secret else {
            return Ok(CheckedCode::of(SecondProof::None));
        };
        let code = code.filter(|code| !code.is_empty()).ok_or(SignInError::CodeRequired)?;
        let checked = match RecoveryCode::parse(code) {
            Some(code) => self.check_recovery_code(account, code).await?,
            None => self.check_totp_code(account, sealed, code, now).map(CheckedCode::of),
        };
        checked.ok_or(SignInError::WrongCode)
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
    ) -> Result<Option<CheckedCode>, SignInError> {
        let name = account.name.clone();
        let hashes = self.db.read(move |tx| tx.recovery_hashes(&name)).await?;
        let recovery_codes_left = Some(hashes.len().saturating_sub(1));
        let found = self.hashing.run(move |memory| {
            hashes.into_iter().find(|hash| memory.verify(code.as_bytes(), Some(hash)))
        });
        let found = found.await?.ok_or(SignInError::TooMany(HashLimiter::RETRY_AFTER_SECONDS))?;
        let proof = found.map(SecondProof::RecoveryCode);
        Ok(proof.map(|proof| CheckedCode { proof, recovery_codes_left }))
    }

    /// Records the refusal in the audit log. An unknown name is left out: it may be a password
    /// that was typed into the wrong field. Nobody waits for the write: the time of the answer
    /// must not show whether the account exists, nor whether the budget had a row left.
    fn record_refused(
        &self,
        account: Option<&Account>,
        reason: RefusalReason,
        client: Option<&str>,
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
    place.run(move |memory| memory.verify(password.as_bytes(), hash.as_deref())).await
}
