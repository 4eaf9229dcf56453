//! What a person changes about their own account in the page. Each change asks for the present password, so
//! that a session that somebody else holds changes nothing.

use crate::app::db::Db;
use crate::app::staff::enrolment::{TotpEnrolment, new_recovery_codes};
use crate::app::staff::key::StaffKey;
use crate::app::staff::password::{HashLimiter, HashMemory};
use crate::app::staff::sessions::StaffSession;
use crate::app::staff::sign_in::{SignIn, SignInError};
use crate::domain::password::Password;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::staff::SessionCutoffs;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;
use crate::store::staff::rows::Account;
use crate::store::staff::sessions::Session;
use crate::store::tx::WriteTx;

/// Changes of one's own account; cheap to clone.
#[derive(Debug, Clone)]
pub struct OwnAccount {
    db: Db,
    sign_in: SignIn,
    hashing: HashLimiter,
    key: StaffKey,
}

/// What a person sees of their account.
#[derive(Debug)]
pub struct OwnAccountInfo {
    pub totp: bool,
    pub recovery_codes: usize,
    /// The one used last first.
    pub sessions: Vec<Session>,
}

/// Why an account was not changed.
#[derive(Debug)]
pub enum OwnAccountError {
    WrongPassword,
    /// The code is not of the second factor that was proposed.
    WrongCode,
    NoSecondFactor,
    /// Too many attempts; the next may be made after this many seconds.
    TooMany(i64),
    Store(StoreError),
}

impl From<StoreError> for OwnAccountError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SignInError> for OwnAccountError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::TooMany(seconds) => Self::TooMany(seconds),
            SignInError::Store(error) => Self::Store(error),
            SignInError::Wrong | SignInError::WrongCode | SignInError::CodeRequired => {
                Self::WrongPassword
            }
        }
    }
}

impl OwnAccount {
    pub(crate) fn new(db: &Db, sign_in: &SignIn, hashing: &HashLimiter, key: &StaffKey) -> Self {
        let (sign_in, hashing, key) = (sign_in.clone(), hashing.clone(), key.clone());
        Self { db: db.clone(), sign_in, hashing, key }
    }

    /// The account and its sessions.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn info(&self, session: &StaffSession) -> Result<OwnAccountInfo, StoreError> {
        let name = session.name.clone();
        let cutoffs = SessionCutoffs::at(Timestamp::from(self.db.clock().now()));
        let read = self.db.read(move |tx| {
            Ok(OwnAccountInfo {
                totp: tx.account(&name)?.is_some_and(|account| account.totp_secret.is_some()),
                recovery_codes: tx.recovery_hashes(&name)?.len(),
                sessions: tx.sessions_of(&name, &cutoffs)?,
            })
        });
        read.await
    }

    /// Checks the present password, before a change.
    ///
    /// # Errors
    /// [`OwnAccountError`].
    pub async fn authenticate(
        &self,
        session: &StaffSession,
        password: Password,
    ) -> Result<Account, OwnAccountError> {
        Ok(self.sign_in.reauthenticate(session, password).await?)
    }

    /// Sets a new password and ends all other sessions.
    ///
    /// # Errors
    /// [`OwnAccountError`].
    pub async fn change_password(
        &self,
        session: &StaffSession,
        account: Account,
        new: Password,
    ) -> Result<(), OwnAccountError> {
        let hash = self.hash(move |memory| memory.hash(new.as_bytes())).await?;
        let kept = session.token_hash;
        self.change(move |tx| {
            store::staff::accounts::change_own_password(tx, &account, &hash, &kept)
        })
        .await
    }

    /// Sets or replaces the second factor, confirmed by its first code. Returns its recovery codes.
    ///
    /// # Errors
    /// [`OwnAccountError`].
    pub async fn change_factor(
        &self,
        account: Account,
        enrolment: TotpEnrolment,
        code: &str,
    ) -> Result<Vec<RecoveryCode>, OwnAccountError> {
        let now = self.db.clock().now().timestamp();
        let step = enrolment.step_of(code, now).ok_or(OwnAccountError::WrongCode)?;
        let key = self.key.clone();
        let confirmed =
            self.hash(move |memory| enrolment.confirmed(&key, Some(step), memory)).await?;
        let (factor, codes) = confirmed;
        self.change(move |tx| store::staff::accounts::change_own_factor(tx, &account, &factor))
            .await?;
        Ok(codes)
    }

    /// Replaces the recovery codes.
    ///
    /// # Errors
    /// [`OwnAccountError`].
    pub async fn change_recovery_codes(
        &self,
        account: Account,
    ) -> Result<Vec<RecoveryCode>, OwnAccountError> {
        if account.totp_secret.is_none() {
            return Err(OwnAccountError::NoSecondFactor);
        }
        let (codes, hashes) = self.hash(new_recovery_codes).await?;
        self.change(move |tx| {
            store::staff::accounts::change_own_recovery_codes(tx, &account, &hashes)
        })
        .await?;
        Ok(codes)
    }

    /// Ends one of the account's sessions, by its id. Returns whether there was one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn close_session(
        &self,
        session: &StaffSession,
        token_hash: [u8; 32],
    ) -> Result<bool, StoreError> {
        let name = session.name.clone();
        let closed = self
            .db
            .write(move |tx| store::staff::sessions::close_session(tx, &token_hash, Some(&name)));
        closed.await
    }

    /// Ends all sessions of the account but this one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn close_other_sessions(&self, session: &StaffSession) -> Result<(), StoreError> {
        let (name, kept) = (session.name.clone(), session.token_hash);
        let closed =
            self.db.write(move |tx| store::staff::sessions::close_other_sessions(tx, &name, &kept));
        closed.await
    }

    async fn hash<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> Result<T, String> + Send + 'static,
    ) -> Result<T, OwnAccountError> {
        let hashed = self.hashing.run(work).await?;
        let hashed = hashed.ok_or(OwnAccountError::TooMany(HashLimiter::RETRY_AFTER_SECONDS))?;
        Ok(hashed.map_err(StoreError::Sqlite)?)
    }

    /// Writes a change. It fails if the account was changed since its password was checked: then that is not
    /// its password any more.
    async fn change(
        &self,
        write: impl FnMut(&mut WriteTx<'_>) -> Result<bool, StoreError> + Send + 'static,
    ) -> Result<(), OwnAccountError> {
        if self.db.write(write).await? { Ok(()) } else { Err(OwnAccountError::WrongPassword) }
    }
}
