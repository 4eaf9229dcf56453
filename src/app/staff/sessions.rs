//! Sessions of staff accounts: opened, looked up by their token, closed.

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use crate::app::db::Db;
use crate::domain::audit::staff_actor;
use crate::domain::staff::{self, SessionCutoffs};
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;
use crate::store::staff::rows::Account;
use crate::store::staff::sessions::{NewSessionRow, SecondProof};
use crate::store::tx::WriteTx;

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

/// The browser that signs in. `Debug` shows nothing of it.
#[derive(Default)]
pub struct BrowserInfo {
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// The token of the session that it has: a new one replaces it.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for BrowserInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserInfo")
    }
}

/// Who is signed in, and when the session expires if it is not used any more.
#[derive(Debug, Clone)]
pub struct StaffSession {
    pub name: String,
    pub expires_at_utc: Timestamp,
    pub(crate) token_hash: [u8; 32],
}

impl StaffSession {
    /// The actor of this account in the audit log.
    #[must_use]
    pub fn actor(&self) -> String {
        staff_actor(&self.name)
    }

    /// A session as of `now`; `created_at_utc` limits its lifetime.
    fn at(now: Timestamp, name: String, created_at_utc: Timestamp, token_hash: [u8; 32]) -> Self {
        Self { name, expires_at_utc: staff::expires_at(now, created_at_utc), token_hash }
    }
}

impl Sessions {
    pub(crate) fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }

    /// Opens a session for an account whose password and second factor were verified. Returns `None` if
    /// the account was changed meanwhile or the code was used. `client` is for the audit row.
    pub(crate) async fn open(
        &self,
        account: &Account,
        proof: SecondProof,
        browser: BrowserInfo,
        client: Option<String>,
    ) -> Result<Option<NewSession>, StoreError> {
        let account = account.clone();
        let PreparedSession { session, row, cutoffs } = self.prepare(account.name.clone(), browser);
        let row = NewSessionRow { client, ..row };
        let opened = self.db.write(move |tx| {
            store::staff::sessions::open_session(tx, &account, &proof, &row, &cutoffs)
        });
        Ok(opened.await?.then_some(session))
    }

    /// Opens a session for an account that `write` adds or resets, in one transaction. Returns `None` if that
    /// returns `false`.
    pub(crate) async fn open_first(
        &self,
        name: &str,
        browser: BrowserInfo,
        mut write: impl FnMut(&mut WriteTx<'_>) -> Result<bool, StoreError> + Send + 'static,
    ) -> Result<Option<NewSession>, StoreError> {
        let PreparedSession { session, row, cutoffs } = self.prepare(name.to_owned(), browser);
        let name = name.to_owned();
        let opened = self.db.write(move |tx| {
            let written = write(tx)?;
            if written {
                store::staff::sessions::open_first_session(tx, &name, &row, &cutoffs)?;
            }
            Ok(written)
        });
        Ok(opened.await?.then_some(session))
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
            self.db.write_detached(move |tx| store::staff::sessions::touch_session(tx, &hash));
        }
        Ok(Some(StaffSession::at(now, session.name, session.created_at_utc, hash)))
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
        let closed =
            self.db.write(move |tx| store::staff::sessions::close_session(tx, &hash, None));
        closed.await.map(drop)
    }

    fn prepare(&self, name: String, browser: BrowserInfo) -> PreparedSession {
        let (token, now) = (new_token(), Timestamp::from(self.db.clock().now()));
        let token_hash = sha256(token.as_bytes());
        let staff = StaffSession::at(now, name, now, token_hash);
        let row = NewSessionRow {
            token_hash,
            browser: browser.user_agent,
            client: None,
            replaced: browser.session_token.map(|token| sha256(token.as_bytes())),
        };
        let session = NewSession { token, staff };
        PreparedSession { session, row, cutoffs: SessionCutoffs::at(now) }
    }
}

/// A session that is not stored yet.
struct PreparedSession {
    session: NewSession,
    row: NewSessionRow,
    cutoffs: SessionCutoffs,
}

/// 256 random bits as hexadecimal digits.
pub(crate) fn new_token() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
