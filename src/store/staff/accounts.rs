//! Accounts: added, reset and removed from the shell, changed by their owners.

use rusqlite::params;

use crate::domain::audit::{AuditEvent, staff_actor};
use crate::store::error::StoreError;
use crate::store::staff::devices::forget_devices;
use crate::store::staff::recovery_codes;
use crate::store::staff::rows::{
    Account, FactorChange, SecondFactor, account, close_sessions, has_account, insert_account,
    remove_invitation, set_factor, set_password,
};
use crate::store::tx::WriteTx;

/// What a person changed about their own account, in the audit log.
#[derive(Debug, Clone, Copy)]
pub enum OwnChange {
    Password,
    Totp,
    RecoveryCodes,
}

impl OwnChange {
    fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::RecoveryCodes => "recovery_codes",
        }
    }
}

/// Whether there is an account of this name.
///
/// # Errors
/// The database's own, as for all reads and writes here.
pub fn exists(tx: &WriteTx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(account(tx.conn, name)?.is_some())
}

/// Adds an account; with `first`, only if there is none at all. Returns whether it was added.
///
/// # Errors
/// The database's own, as for all writes here.
pub fn add(
    tx: &mut WriteTx<'_>,
    name: &str,
    password_hash: &str,
    factor: Option<&SecondFactor>,
    first: bool,
    actor: &str,
) -> Result<bool, StoreError> {
    let taken = if first { has_account(tx.conn)? } else { exists(tx, name)? };
    if taken {
        return Ok(false);
    }
    let details = serde_json::json!({ "account": name, "totp": factor.is_some() });
    tx.append_event(AuditEvent::StaffAdded, actor, &details)?;
    let account = Account {
        name: name.to_owned(),
        password_hash: password_hash.to_owned(),
        totp_secret: factor.map(|factor| factor.sealed_secret.clone()),
        totp_last_step: factor.map_or(0, |factor| factor.last_step),
    };
    insert_account(tx, &account, tx.now())?;
    recovery_codes::replace(tx, name, factor.map_or(&[], |factor| &factor.recovery_hashes))?;
    remove_invitation(tx, name)?;
    Ok(true)
}

/// Replaces the password and the second factor of an account, closes its sessions, forgets its devices and
/// withdraws its invitation. Returns whether there is such an account.
///
/// # Errors
/// The database's own.
pub fn reset(
    tx: &mut WriteTx<'_>,
    name: &str,
    password_hash: &str,
    factor: &FactorChange,
    actor: &str,
) -> Result<bool, StoreError> {
    if !set_password(tx, name, password_hash)? {
        return Ok(false);
    }
    match factor {
        FactorChange::Keep => {}
        FactorChange::Remove => set_factor(tx, name, None)?,
        FactorChange::Set(factor) => set_factor(tx, name, Some(factor))?,
    }
    close_sessions(tx, name, None)?;
    forget_devices(tx, name)?;
    remove_invitation(tx, name)?;
    let totp = account(tx.conn, name)?.is_some_and(|account| account.totp_secret.is_some());
    let details = serde_json::json!({ "account": name, "totp": totp });
    tx.append_event(AuditEvent::StaffPasswordReset, actor, &details)?;
    Ok(true)
}

/// Removes an account with its sessions, and an invitation to one. Returns whether there was either.
///
/// # Errors
/// The database's own.
pub fn remove(tx: &mut WriteTx<'_>, name: &str, actor: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM staff_account WHERE name = ?1";
    let accounts = tx.conn.prepare_cached(sql)?.execute([name])?;
    if accounts + remove_invitation(tx, name)? == 0 {
        return Ok(false);
    }
    tx.append_event(AuditEvent::StaffRemoved, actor, &serde_json::json!({ "account": name }))?;
    Ok(true)
}

/// Replaces the password that the owner of an account knows, and closes their other sessions. Returns `false`
/// if the account has changed since `seen`.
///
/// # Errors
/// The database's own.
pub fn change_own_password(
    tx: &mut WriteTx<'_>,
    seen: &Account,
    password_hash: &str,
    kept_session: &[u8; 32],
) -> Result<bool, StoreError> {
    if account(tx.conn, &seen.name)?.as_ref() != Some(seen) {
        return Ok(false);
    }
    set_password(tx, &seen.name, password_hash)?;
    close_sessions(tx, &seen.name, Some(kept_session))?;
    record_own_change(tx, &seen.name, OwnChange::Password)
}

/// Sets or replaces the second factor of one's own account. Returns `false` if the account has changed since
/// `seen`.
///
/// # Errors
/// The database's own.
pub fn change_own_factor(
    tx: &mut WriteTx<'_>,
    seen: &Account,
    factor: &SecondFactor,
) -> Result<bool, StoreError> {
    if account(tx.conn, &seen.name)?.as_ref() != Some(seen) {
        return Ok(false);
    }
    set_factor(tx, &seen.name, Some(factor))?;
    record_own_change(tx, &seen.name, OwnChange::Totp)
}

/// Replaces the recovery codes of one's own account. Returns `false` if the account has changed since `seen`.
///
/// # Errors
/// The database's own.
pub fn change_own_recovery_codes(
    tx: &mut WriteTx<'_>,
    seen: &Account,
    hashes: &[String],
) -> Result<bool, StoreError> {
    if account(tx.conn, &seen.name)?.as_ref() != Some(seen) {
        return Ok(false);
    }
    recovery_codes::replace(tx, &seen.name, hashes)?;
    record_own_change(tx, &seen.name, OwnChange::RecoveryCodes)
}

/// Replaces the secret of a second factor by another form of it.
///
/// # Errors
/// The database's own.
pub fn replace_secret(
    tx: &WriteTx<'_>,
    name: &str,
    old: &[u8],
    new: &[u8],
) -> Result<(), StoreError> {
    let sql = "UPDATE staff_account SET totp_secret = ?3 WHERE name = ?1 AND totp_secret = ?2";
    tx.conn.prepare_cached(sql)?.execute(params![name, old, new])?;
    Ok(())
}

fn record_own_change(
    tx: &mut WriteTx<'_>,
    name: &str,
    what: OwnChange,
) -> Result<bool, StoreError> {
    let details = serde_json::json!({ "account": name, "what": what.as_str() });
    tx.append_event(AuditEvent::StaffAccountChanged, &staff_actor(name), &details)?;
    Ok(true)
}
