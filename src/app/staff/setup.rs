//! The first account, made with the one-time link that the first start prints.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;

use crate::app::admin_state::AdminState;
use crate::app::staff::password;
use crate::app::staff::sign_in::{NewSession, SignInError, new_token, sha256};
use crate::domain::staff::{AccountName, Password, SessionCutoffs};
use crate::store;
use crate::store::error::StoreError;
use crate::store::staff::Account;

/// How long the link may be used.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(30);

/// The link of this start, if it gave one: the hash of its token, and until when. It lives no
/// longer than the process, and nothing of it is in the database.
#[derive(Debug, Default)]
pub(crate) struct SetupToken(Mutex<Option<([u8; 32], DateTime<Utc>)>>);

/// The first account as it was asked for.
#[derive(Debug)]
pub struct SetupRequest {
    pub token: String,
    pub name: AccountName,
    pub password: Password,
}

/// Why there is no first account.
#[derive(Debug)]
pub enum SetupError {
    /// The link is wrong, too old or used, or there is an account.
    LinkExpired,
    Other(SignInError),
}

impl From<StoreError> for SetupError {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl SetupToken {
    fn is_good(&self, token: &str, now: DateTime<Utc>) -> bool {
        let link = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        link.is_some_and(|(hash, until)| {
            bool::from(hash.ct_eq(&sha256(token.as_bytes()))) && now < until
        })
    }

    fn set(&self, link: Option<([u8; 32], DateTime<Utc>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }
}

impl AdminState {
    /// The token of a link to make the first account with; none where there is an account.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn first_link(&self) -> Result<Option<String>, StoreError> {
        if self.read(|snapshot| snapshot.has_account()).await? {
            return Ok(None);
        }
        let token = new_token();
        self.link().set(Some((sha256(token.as_bytes()), self.clock().now() + GOOD_FOR)));
        Ok(Some(token))
    }

    /// Whether the link may be used with this token.
    #[must_use]
    pub fn is_first_link(&self, token: &str) -> bool {
        self.link().is_good(token, self.clock().now())
    }

    /// Makes the first account and signs it in.
    ///
    /// # Errors
    /// [`SetupError`].
    pub async fn first_account(&self, asked: SetupRequest) -> Result<NewSession, SetupError> {
        if !self.is_first_link(&asked.token) {
            return Err(SetupError::LinkExpired);
        }
        let (name, password) = (asked.name, asked.password);
        let hash = self.hashed(move || password::hash(&password)).await;
        let password_hash = hash.map_err(SetupError::Other)?.map_err(StoreError::Sqlite)?;
        let account = Account {
            name: name.as_str().to_owned(),
            password_hash,
            totp_secret: None,
            totp_last_step: 0,
        };
        let (token, alive) = (new_token(), SessionCutoffs::at(self.clock().now()));
        let hash = sha256(token.as_bytes());
        let made = self
            .write(move |tx| {
                let made = store::staff::add(tx, &account, true, &name.actor())?
                    && store::staff::open_session(tx, &account, None, &hash, &alive)?;
                Ok(made.then(|| account.name.clone()))
            })
            .await?;
        self.link().set(None);
        let name = made.ok_or(SetupError::LinkExpired)?;
        Ok(NewSession { token, staff: self.staff(name, None) })
    }
}
