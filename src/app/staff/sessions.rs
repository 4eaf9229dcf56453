//! Sessions of staff accounts: opened, looked up by their token, closed.

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use crate::app::db::Db;
use crate::domain::audit::staff_actor;
use crate::domain::staff::{self, SessionCutoffs};
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;
use crate::store::staff::Account;

/// A session's last use is stored at most this often.
const TOUCH_INTERVAL: TimeDelta = TimeDelta::minutes(5);

/// The sessions in the database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sessions {
    db: Db,
}

/// A session that was just opened. `Debug` shows nothing of the token.
pub struct NewSession {
    /// For the browser's cookie; the database has only its hash.
    pub token: String,
    pub staff: StaffSession,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.staff)
    }
}

/// Who is signed in, and when the session expires if it is not used any more.
#[derive(Debug, Clone)]
pub struct StaffSession {
    pub name: String,
    pub expires_at_utc: Timestamp,
}

impl StaffSession {
    /// The actor of this account in the audit log.
    #[must_use]
    pub fn actor(&self) -> String {
        staff_actor(&self.name)
    }

    /// A session as of `now`; `created_at_utc` limits its lifetime.
    fn at(now: Timestamp, name: String, created_at_utc: Timestamp) -> Self {
        Self { name, expires_at_utc: staff::expires_at(now, created_at_utc) }
    }
}

impl Sessions {
    pub(crate) fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }

    /// Opens a session for an account. `step` is the time step of its second factor's code, which
    /// is used up; `client` is for the audit row. Returns `None` if the account was changed meanwhile or the code was used.
    pub(crate) async fn open(
        &self,
        account: &Account,
        step: Option<i64>,
        client: Option<String>,
    ) -> Result<Option<NewSession>, StoreError> {
        let (new, account) = (self.prepare(account.name.clone()), account.clone());
        let (hash, cutoffs) = (new.hash, new.cutoffs);
        let opened = self.db.write(move |tx| {
            store::staff::open_session(tx, &account, step, &hash, client.as_deref(), &cutoffs)
        });
        Ok(opened.await?.then_some(new.session))
    }

    /// Stores a new account and opens a session for it, in one transaction. Returns `None` if
    /// there is an account already.
    pub(crate) async fn open_with_first_account(
        &self,
        account: Account,
        actor: String,
    ) -> Result<Option<NewSession>, StoreError> {
        let new = self.prepare(account.name.clone());
        let (hash, cutoffs) = (new.hash, new.cutoffs);
        let opened = self.db.write(move |tx| {
            Ok(store::staff::add(tx, &account, true, &actor)?
                && store::staff::open_session(tx, &account, None, &hash, None, &cutoffs)?)
        });
        Ok(opened.await?.then_some(new.session))
    }

    /// The session of this token, or `None` if it has ended. Counts as a use of it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find(&self, token: &str) -> Result<Option<StaffSession>, StoreError> {
        let (hash, now) = (sha256(token.as_bytes()), Timestamp::from(self.db.clock().now()));
        let cutoffs = SessionCutoffs::at(now);
        let Some(session) = self.db.read(move |tx| tx.session(&hash, &cutoffs)).await? else {
            return Ok(None);
        };
        if session.seen_at_utc < now.saturating_sub(TOUCH_INTERVAL) {
            self.db.write_detached(move |tx| store::staff::touch_session(tx, &hash));
        }
        Ok(Some(StaffSession::at(now, session.name, session.created_at_utc)))
    }

    /// Whether the session of this token has not ended. Does not count as a use of it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_live(&self, token: &str) -> Result<bool, StoreError> {
        let (hash, cutoffs) =
            (sha256(token.as_bytes()), SessionCutoffs::at(self.db.clock().now().into()));
        Ok(self.db.read(move |tx| tx.session(&hash, &cutoffs)).await?.is_some())
    }

    /// Ends the session of this token, if there is one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn close(&self, token: &str) -> Result<(), StoreError> {
        let hash = sha256(token.as_bytes());
        self.db.write(move |tx| store::staff::close_session(tx, &hash)).await
    }

    fn prepare(&self, name: String) -> PreparedSession {
        let (token, now) = (new_token(), Timestamp::from(self.db.clock().now()));
        let hash = sha256(token.as_bytes());
        let session = NewSession { token, staff: StaffSession::at(now, name, now) };
        PreparedSession { session, hash, cutoffs: SessionCutoffs::at(now) }
    }
}

/// A session that is not stored yet.
struct PreparedSession {
    session: NewSession,
    hash: [u8; 32],
    cutoffs: SessionCutoffs,
}

/// 256 random bits as hexadecimal digits.
pub(crate) fn new_token() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
