//! Invitations: links with which persons choose their own password and second factor.

use rusqlite::{OptionalExtension, params};

use crate::domain::audit::{AuditEvent, staff_actor};
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::staff::accounts::{add, reset};
use crate::store::staff::rows::{FactorChange, SecondFactor, account, remove_invitation};
use crate::store::tx::WriteTx;

/// An invitation that is neither used nor expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub name: String,
    /// Whether the person must set up a second factor.
    pub totp: bool,
}

impl ReadTx<'_> {
    /// The invitation of a link's token.
    ///
    /// # Errors
    /// The database's own.
    pub fn invitation(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        invitation(self.0, token_hash, now)
    }
}

fn invitation(
    conn: &rusqlite::Connection,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Invitation>, StoreError> {
    let sql =
        "SELECT name, totp FROM staff_invitation WHERE token_hash = ?1 AND expires_at_utc > ?2";
    let found = conn.prepare_cached(sql)?.query_row(params![token_hash, now], |row| {
        Ok(Invitation { name: row.get(0)?, totp: row.get(1)? })
    });
    Ok(found.optional()?)
}

/// Invites a person, or an account to choose a new password. An earlier invitation of that name is replaced.
///
/// # Errors
/// The database's own.
pub fn invite(
    tx: &mut WriteTx<'_>,
    invitation: &Invitation,
    token_hash: &[u8; 32],
    expires_at_utc: Timestamp,
    actor: &str,
) -> Result<(), StoreError> {
    let Invitation { name, totp } = invitation;
    remove_invitation(tx, name)?;
    let sql =
        "INSERT INTO staff_invitation (name, token_hash, totp, created_at_utc, expires_at_utc)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![name, token_hash, totp, tx.now(), expires_at_utc];
    tx.conn.prepare_cached(sql)?.execute(row)?;
    let details = serde_json::json!({ "account": name, "totp": totp });
    tx.append_event(AuditEvent::StaffInvited, actor, &details).map(drop)
}

/// Uses an invitation up: adds its account, or gives it a new password. Returns the name of the account, or
/// `None` if the invitation was used, replaced or has expired meanwhile.
///
/// # Errors
/// The database's own.
pub fn accept(
    tx: &mut WriteTx<'_>,
    token_hash: &[u8; 32],
    password_hash: &str,
    factor: Option<&SecondFactor>,
) -> Result<Option<String>, StoreError> {
    let Some(Invitation { name, totp }) = invitation(tx.conn, token_hash, tx.now())? else {
        return Ok(None);
    };
    if totp && factor.is_none() {
        return Ok(None);
    }
    let actor = staff_actor(&name);
    if account(tx.conn, &name)?.is_some() {
        let change = factor.cloned().map_or(FactorChange::Remove, FactorChange::Set);
        reset(tx, &name, password_hash, &change, &actor)?;
    } else {
        add(tx, &name, password_hash, factor, false, &actor)?;
    }
    Ok(Some(name))
}

/// Removes what is left of invitations that have expired.
///
/// # Errors
/// The database's own.
pub fn remove_expired(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    let sql = "DELETE FROM staff_invitation WHERE expires_at_utc <= ?1";
    tx.conn.prepare_cached(sql)?.execute([tx.now()])?;
    Ok(())
}
