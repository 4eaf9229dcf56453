//! Links with which a person sets their own account up: the first account, by the link that a start without
//! accounts prints, and invitations.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;

use crate::app::db::Db;
use crate::app::staff::enrolment::TotpEnrolment;
use crate::app::staff::key::StaffKey;
use crate::app::staff::password::HashLimiter;
use crate::app::staff::sessions::{BrowserInfo, NewSession, Sessions, new_token, sha256};
use crate::domain::password::Password;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::staff::AccountName;
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;
use crate::store::staff::invitations::Invitation;

/// How long the link of the first account is valid.
const LINK_LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// Setting accounts up by links; cheap to clone.
#[derive(Debug, Clone)]
pub struct Setup {
    db: Db,
    sessions: Sessions,
    hashing: HashLimiter,
    key: StaffKey,
    first: Arc<FirstAccountToken>,
}

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupLink {
    /// The person chooses the name, and whether there is a second factor.
    FirstAccount,
    Invitation(Invitation),
}

/// The hash of the token that this process has issued for the first account, if any, and when it
/// expires. Nothing of it is stored.
#[derive(Debug, Default)]
struct FirstAccountToken(Mutex<Option<([u8; 32], DateTime<Utc>)>>);

/// A request to set an account up.
#[derive(Debug)]
pub struct SetupRequest {
    pub token: String,
    pub name: AccountName,
    pub password: Password,
    /// The second factor, and the code that confirms it.
    pub factor: Option<(TotpEnrolment, String)>,
    pub browser: BrowserInfo,
}

/// Why an account was not set up.
#[derive(Debug)]
pub enum SetupError {
    /// The token is wrong, expired or used, or there is an account already.
    LinkExpired,
    /// The code is not of the second factor.
    WrongCode,
    /// Too many passwords are being hashed; the client may retry after this many seconds.
    TooMany(i64),
    Store(StoreError),
}

impl From<StoreError> for SetupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl FirstAccountToken {
    fn accepts(&self, token_hash: &[u8; 32], now: DateTime<Utc>) -> bool {
        let issued = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        issued.is_some_and(|(hash, expires)| bool::from(hash.ct_eq(token_hash)) && now < expires)
    }

    fn set(&self, issued: Option<([u8; 32], DateTime<Utc>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = issued;
    }
}

impl Setup {
    pub(crate) fn new(db: &Db, sessions: &Sessions, hashing: &HashLimiter, key: &StaffKey) -> Self {
        let (sessions, hashing, key) = (sessions.clone(), hashing.clone(), key.clone());
        Self { db: db.clone(), sessions, hashing, key, first: Arc::default() }
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
        self.first.set(Some((sha256(token.as_bytes()), self.db.clock().now() + LINK_LIFETIME)));
        Ok(Some(token))
    }

    /// What the link with this token is for; `None` if it is invalid, used or expired.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn link(&self, token: &str) -> Result<Option<SetupLink>, StoreError> {
        let (hash, now) = (sha256(token.as_bytes()), self.db.clock().now());
        let is_first = self.first.accepts(&hash, now);
        let now = Timestamp::from(now);
        let found = self.db.read(move |tx| Ok((tx.has_account()?, tx.invitation(&hash, now)?)));
        let (has_account, invitation) = found.await?;
        let first = (is_first && !has_account).then_some(SetupLink::FirstAccount);
        Ok(first.or_else(|| invitation.map(SetupLink::Invitation)))
    }

    /// Proposes a second factor for an account. The text is for [`Self::proposed`].
    #[must_use]
    pub fn propose(&self, name: &AccountName) -> (TotpEnrolment, String) {
        let enrolment = TotpEnrolment::new(name);
        let sealed = enrolment.seal(&self.key, self.db.clock().now().timestamp());
        (enrolment, sealed)
    }

    /// The second factor that was proposed for this account within the last 30 minutes.
    #[must_use]
    pub fn proposed(&self, sealed: &str, name: &AccountName) -> Option<TotpEnrolment> {
        TotpEnrolment::unseal(sealed, name, &self.key, self.db.clock().now().timestamp())
    }

    /// Sets the account up and opens a session for it. Returns the recovery codes of its second factor as
    /// well, which are not shown again.
    ///
    /// # Errors
    /// [`SetupError`].
    pub async fn complete(
        &self,
        request: SetupRequest,
    ) -> Result<(NewSession, Vec<RecoveryCode>), SetupError> {
        let SetupRequest { token, name, password, factor, browser } = request;
        let link = self.link(&token).await?.ok_or(SetupError::LinkExpired)?;
        let now = self.db.clock().now().timestamp();
        let factor = match factor {
            None => None,
            Some((enrolment, code)) => {
                let step = enrolment.step_of(&code, now).ok_or(SetupError::WrongCode)?;
                Some((enrolment, step))
            }
        };
        let key = self.key.clone();
        let hashed = self.hashing.run(move |memory| {
            let hash = memory.hash(password.as_bytes())?;
            let factor = factor
                .map(|(enrolment, step)| enrolment.confirmed(&key, Some(step), memory))
                .transpose()?;
            Ok::<_, String>((hash, factor))
        });
        let hashed = hashed.await?.ok_or(SetupError::TooMany(HashLimiter::RETRY_AFTER_SECONDS))?;
        let (hash, factor) = hashed.map_err(StoreError::Sqlite)?;
        let (factor, codes) = factor.unzip();
        let token_hash = sha256(token.as_bytes());
        let account = name.clone();
        let opened = self.sessions.open_first(name.as_str(), browser, move |tx| match &link {
            SetupLink::FirstAccount => {
                let (name, actor) = (account.as_str(), account.actor());
                store::staff::accounts::add(tx, name, &hash, factor.as_ref(), true, &actor)
            }
            SetupLink::Invitation(_) => {
                let accepted =
                    store::staff::invitations::accept(tx, &token_hash, &hash, factor.as_ref())?;
                Ok(accepted.as_deref() == Some(account.as_str()))
            }
        });
        let session = opened.await?.ok_or(SetupError::LinkExpired)?;
        self.first.set(None);
        Ok((session, codes.unwrap_or_default()))
    }
}
