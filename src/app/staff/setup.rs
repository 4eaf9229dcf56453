//! Creates the first account, by the one-time link that a start without accounts prints.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;

use crate::app::db::Db;
use crate::app::staff::password::HashLimiter;
use crate::app::staff::sessions::{NewSession, Sessions, new_token, sha256};
use crate::domain::staff::{AccountName, Password};
use crate::store::error::StoreError;
use crate::store::staff::Account;

/// How long the link is valid.
const LINK_LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// The creation of the first account; cheap to clone.
#[derive(Debug, Clone)]
pub struct Setup {
    db: Db,
    sessions: Sessions,
    hashing: HashLimiter,
    token: Arc<SetupToken>,
}

/// The hash of the token that this process has issued, if any, and when it expires. Nothing of it
/// is stored.
#[derive(Debug, Default)]
struct SetupToken(Mutex<Option<([u8; 32], DateTime<Utc>)>>);

/// A request for the first account.
#[derive(Debug)]
pub struct SetupRequest {
    pub token: String,
    pub name: AccountName,
    pub password: Password,
}

/// Why the first account was not created.
#[derive(Debug)]
pub enum SetupError {
    /// The token is wrong, expired or used, or there is an account already.
    LinkExpired,
    /// Too many passwords are being hashed; the client may retry after this many seconds.
    TooMany(i64),
    Store(StoreError),
}

impl From<StoreError> for SetupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl SetupToken {
    fn accepts(&self, token: &str, now: DateTime<Utc>) -> bool {
        let issued = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        issued.is_some_and(|(hash, expires)| {
            bool::from(hash.ct_eq(&sha256(token.as_bytes()))) && now < expires
        })
    }

    fn set(&self, issued: Option<([u8; 32], DateTime<Utc>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = issued;
    }
}

impl Setup {
    pub(crate) fn new(db: &Db, sessions: &Sessions, hashing: &HashLimiter) -> Self {
        let (sessions, hashing) = (sessions.clone(), hashing.clone());
        Self { db: db.clone(), sessions, hashing, token: Arc::default() }
    }

    /// Issues the token of a link for the first account, or returns `None` where there is an
    /// account.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn issue_token(&self) -> Result<Option<String>, StoreError> {
        if self.db.read(|tx| tx.has_account()).await? {
            return Ok(None);
        }
        let token = new_token();
        self.token.set(Some((sha256(token.as_bytes()), self.db.clock().now() + LINK_LIFETIME)));
        Ok(Some(token))
    }

    /// Whether this token was issued, and is neither used nor expired.
    #[must_use]
    pub fn accepts(&self, token: &str) -> bool {
        self.token.accepts(token, self.db.clock().now())
    }

    /// Creates the first account and opens a session for it.
    ///
    /// # Errors
    /// [`SetupError`].
    pub async fn create_account(&self, request: SetupRequest) -> Result<NewSession, SetupError> {
        if !self.accepts(&request.token) {
            return Err(SetupError::LinkExpired);
        }
        let (name, password) = (request.name, request.password);
        let hash = self.hashing.run(move |memory| memory.hash(&password)).await?;
        let hash = hash.ok_or(SetupError::TooMany(HashLimiter::RETRY_AFTER_SECONDS))?;
        let account = Account {
            name: name.as_str().to_owned(),
            password_hash: hash.map_err(StoreError::Sqlite)?,
            totp_secret: None,
            totp_last_step: 0,
        };
        let session = self.sessions.open_with_first_account(account, name.actor()).await?;
        self.token.set(None);
        session.ok_or(SetupError::LinkExpired)
    }
}
