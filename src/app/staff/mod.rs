//! The admin page's accounts: added and removed from the shell, signed in to from the page.

pub(crate) mod audit_budget;
pub(crate) mod client_hash;
pub mod devices;
pub mod enrolment;
pub mod key;
pub mod own_account;
pub mod password;
pub(crate) mod recent_map;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub(crate) mod throttle;
pub mod totp;

use std::path::Path;

use thiserror::Error;

use crate::app::db::write_once;
use crate::app::staff::enrolment::TotpEnrolment;
use crate::app::staff::key::StaffKey;
use crate::app::staff::password::HashMemory;
use crate::app::staff::sessions::{new_token, sha256};
use crate::app::staff::totp::StoredSecrets;
use crate::clock::Clock;
use crate::domain::password::Password;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::staff::{AccountName, INVITATION_LIFETIME, SessionCutoffs};
use crate::domain::timestamp::Timestamp;
use crate::store;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;
use crate::store::staff::invitations::Invitation;
use crate::store::staff::list::AccountInfo;
use crate::store::staff::rows::FactorChange;
use crate::store::tx::WriteTx;

/// Why an account was not added or changed.
#[derive(Debug, Error)]
pub enum StaffError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// A change of an account's second factor.
#[derive(Debug)]
pub enum TotpChange {
    Keep,
    Without,
    /// With the time step of the code that confirmed it, if any.
    With(TotpEnrolment, Option<i64>),
}

/// A password and a second factor, ready to be stored, and the recovery codes to show.
struct Credentials {
    password_hash: String,
    factor: FactorChange,
    codes: Vec<RecoveryCode>,
}

impl Credentials {
    fn new(database: &Path, password: &[u8], change: &TotpChange) -> Result<Self, StaffError> {
        let mut memory = HashMemory::default();
        let password_hash = memory.hash(password).map_err(StaffError::Hash)?;
        let (factor, codes) = match change {
            TotpChange::Keep => (FactorChange::Keep, Vec::new()),
            TotpChange::Without => (FactorChange::Remove, Vec::new()),
            TotpChange::With(enrolment, step) => {
                let key = StaffKey::load_or_create(database)?;
                let confirmed = enrolment.confirmed(&key, *step, &mut memory);
                let (factor, codes) = confirmed.map_err(StaffError::Hash)?;
                (FactorChange::Set(factor), codes)
            }
        };
        Ok(Self { password_hash, factor, codes })
    }
}

/// Reads or makes the key, and seals the secrets of second factors that an older version stored.
///
/// # Errors
/// The database or the key cannot be read or written.
pub(crate) fn prepare(database: &Path, clock: &Clock) -> Result<StaffKey, StoreError> {
    let key = StaffKey::load_or_create(database)?;
    let stored = StoredSecrets::read(database)?;
    stored.seal_plain(database, clock, &key)?;
    let unreadable = stored.unreadable(Some(&key));
    if !unreadable.is_empty() {
        tracing::error!(
            accounts = unreadable.join(", "),
            hint = totp::WRONG_KEY_HINT,
            "the second factors of accounts cannot be read: the key next to the database is another one"
        );
    }
    Ok(key)
}

/// Adds an account. Returns its recovery codes, which are not shown again, or `None` if the name is taken.
///
/// # Errors
/// The database cannot be written.
pub fn add(
    database: &Path,
    clock: &Clock,
    name: &AccountName,
    password: &Password,
    change: &TotpChange,
    actor: &str,
) -> Result<Option<Vec<RecoveryCode>>, StaffError> {
    let Credentials { password_hash, factor, codes } =
        Credentials::new(database, password.as_bytes(), change)?;
    let (name, actor) = (name.as_str().to_owned(), actor.to_owned());
    let added = write_once(database, clock, move |tx| {
        let factor = match &factor {
            FactorChange::Set(factor) => Some(factor),
            FactorChange::Keep | FactorChange::Remove => None,
        };
        store::staff::accounts::add(tx, &name, &password_hash, factor, false, &actor)
    })?;
    Ok(added.then_some(codes))
}

/// Gives an account another password and ends its sessions. Returns the recovery codes of a new second factor,
/// or `None` if there is no such account.
///
/// # Errors
/// The database cannot be written.
pub fn reset_password(
    database: &Path,
    clock: &Clock,
    name: &AccountName,
    password: &Password,
    change: &TotpChange,
    actor: &str,
) -> Result<Option<Vec<RecoveryCode>>, StaffError> {
    let Credentials { password_hash, factor, codes } =
        Credentials::new(database, password.as_bytes(), change)?;
    let (name, actor) = (name.as_str().to_owned(), actor.to_owned());
    let reset = write_once(database, clock, move |tx| {
        store::staff::accounts::reset(tx, &name, &password_hash, &factor, &actor)
    })?;
    Ok(reset.then_some(codes))
}

/// Invites a person to an account. Returns the token of the link, which is not shown again, or `None` if there
/// is an account of this name.
///
/// # Errors
/// The database cannot be written.
pub fn invite(
    database: &Path,
    clock: &Clock,
    name: &AccountName,
    totp: bool,
    actor: &str,
) -> Result<Option<String>, StaffError> {
    let (link, actor) = (NewLink::new(clock, name, totp), actor.to_owned());
    let token = link.token.clone();
    let invited = write_once(database, clock, move |tx| {
        let is_new = !store::staff::accounts::exists(tx, &link.invitation.name)?;
        if is_new {
            link.write(tx, &actor)?;
        }
        Ok(is_new)
    })?;
    Ok(invited.then_some(token))
}

/// Ends the password, the second factor and the sessions of an account, and invites its owner to choose new
/// ones. Returns the token of the link, or `None` if there is no such account.
///
/// # Errors
/// The database cannot be written.
pub fn reset_by_invitation(
    database: &Path,
    clock: &Clock,
    name: &AccountName,
    totp: bool,
    actor: &str,
) -> Result<Option<String>, StaffError> {
    // A password that nobody knows.
    let unknown = new_token();
    let Credentials { password_hash, factor, .. } =
        Credentials::new(database, unknown.as_bytes(), &TotpChange::Without)?;
    let (link, actor) = (NewLink::new(clock, name, totp), actor.to_owned());
    let token = link.token.clone();
    let invited = write_once(database, clock, move |tx| {
        let name = &link.invitation.name;
        let is_reset = store::staff::accounts::reset(tx, name, &password_hash, &factor, &actor)?;
        if is_reset {
            link.write(tx, &actor)?;
        }
        Ok(is_reset)
    })?;
    Ok(invited.then_some(token))
}

/// A link that is about to be stored.
struct NewLink {
    token: String,
    invitation: Invitation,
    expires_at_utc: Timestamp,
}

impl NewLink {
    fn new(clock: &Clock, name: &AccountName, totp: bool) -> Self {
        let invitation = Invitation { name: name.as_str().to_owned(), totp };
        let expires_at_utc = Timestamp::from(clock.now()).saturating_add(INVITATION_LIFETIME);
        Self { token: new_token(), invitation, expires_at_utc }
    }

    fn write(&self, tx: &mut WriteTx<'_>, actor: &str) -> Result<(), StoreError> {
        let hash = sha256(self.token.as_bytes());
        store::staff::invitations::invite(tx, &self.invitation, &hash, self.expires_at_utc, actor)
    }
}

/// Removes an account and ends its sessions, or withdraws an invitation. Returns false if there is neither.
///
/// # Errors
/// The database cannot be written.
pub fn remove(
    database: &Path,
    clock: &Clock,
    name: &AccountName,
    actor: &str,
) -> Result<bool, StoreError> {
    let (name, actor) = (name.as_str().to_owned(), actor.to_owned());
    write_once(database, clock, move |tx| store::staff::accounts::remove(tx, &name, &actor))
}

/// Makes a running server forget the failed sign-ins of an account. Returns false if there is no such
/// account.
///
/// # Errors
/// The database cannot be written.
pub fn unlock(
    database: &Path,
    clock: &Clock,
    name: &AccountName,
    actor: &str,
) -> Result<bool, StoreError> {
    let (name, actor) = (name.as_str().to_owned(), actor.to_owned());
    write_once(database, clock, move |tx| store::staff::devices::unlock(tx, &name, &actor))
}

/// All accounts and open invitations.
///
/// # Errors
/// The database cannot be read.
pub fn list(database: &Path, clock: &Clock) -> Result<Vec<AccountInfo>, StoreError> {
    let now = Timestamp::from(clock.now());
    ReadPool::open(database)?.read(|tx| tx.accounts(&SessionCutoffs::at(now), now))
}

/// Whether there is an account of this name.
///
/// # Errors
/// The database cannot be read.
pub fn exists(database: &Path, name: &AccountName) -> Result<bool, StoreError> {
    Ok(ReadPool::open(database)?.read(|tx| tx.account(name.as_str()))?.is_some())
}
