//! The admin page's accounts: added and removed from the shell, signed in to from the page.

pub(crate) mod audit_budget;
pub(crate) mod client_hash;
pub mod devices;
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
use crate::app::staff::password::HashMemory;
use crate::app::staff::totp::TotpEnrolment;
use crate::clock::Clock;
use crate::domain::staff::{AccountName, Password, SessionCutoffs};
use crate::store;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;
use crate::store::staff::{Account, AccountInfo};

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
pub enum TotpChange<'a> {
    Keep,
    Without,
    /// With the time step of the code that confirmed it, if any.
    With(&'a TotpEnrolment, Option<i64>),
}

/// Adds an account. Returns false if the name is taken.
///
/// # Errors
/// The database cannot be written.
pub fn add(
    database: &Path,
    clock: &Clock,
    name: &AccountName,
    password: &Password,
    factor: &TotpChange<'_>,
    actor: &str,
) -> Result<bool, StaffError> {
    let account = with_factor(account(name, password)?, factor);
    let actor = actor.to_owned();
    Ok(write_once(database, clock, move |tx| store::staff::add(tx, &account, false, &actor))?)
}

/// Gives an account another password and ends its sessions. Returns false if there is no
/// such account.
///
/// # Errors
/// The database cannot be written.
pub fn reset_password(
    database: &Path,
    clock: &Clock,
    name: &AccountName,
    password: &Password,
    factor: &TotpChange<'_>,
    actor: &str,
) -> Result<bool, StaffError> {
    let Some(before) = find(database, name)? else { return Ok(false) };
    let new = account(name, password)?;
    let account = with_factor(Account { password_hash: new.password_hash, ..before }, factor);
    let actor = actor.to_owned();
    Ok(write_once(database, clock, move |tx| store::staff::reset(tx, &account, &actor))?)
}

/// Removes an account and ends its sessions. Returns false if there is no such account.
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
    write_once(database, clock, move |tx| store::staff::remove(tx, &name, &actor))
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
    write_once(database, clock, move |tx| store::staff_devices::unlock(tx, &name, &actor))
}

/// All accounts.
///
/// # Errors
/// The database cannot be read.
pub fn list(database: &Path, clock: &Clock) -> Result<Vec<AccountInfo>, StoreError> {
    let cutoffs = SessionCutoffs::at(clock.now().into());
    ReadPool::open(database)?.read(|tx| tx.accounts(&cutoffs))
}

/// Whether there is an account of this name.
///
/// # Errors
/// The database cannot be read.
pub fn exists(database: &Path, name: &AccountName) -> Result<bool, StoreError> {
    Ok(find(database, name)?.is_some())
}

fn find(database: &Path, name: &AccountName) -> Result<Option<Account>, StoreError> {
    ReadPool::open(database)?.read(|tx| tx.account(name.as_str()))
}

fn account(name: &AccountName, password: &Password) -> Result<Account, StaffError> {
    Ok(Account {
        name: name.as_str().to_owned(),
        password_hash: HashMemory::default().hash(password).map_err(StaffError::Hash)?,
        totp_secret: None,
        totp_last_step: 0,
    })
}

fn with_factor(mut account: Account, factor: &TotpChange<'_>) -> Account {
    match factor {
        TotpChange::Keep => {}
        TotpChange::Without => account.totp_secret = None,
        TotpChange::With(enrolment, step) => {
            account.totp_secret = Some(enrolment.secret().to_vec());
            account.totp_last_step = step.unwrap_or(0);
        }
    }
    account
}
