//! Accounts of the admin page and their sessions.

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::audit::{AuditEvent, staff_actor};
use crate::domain::staff::{SessionCutoffs, is_step_used};
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::staff_devices::forget_devices;
use crate::store::tx::WriteTx;

/// When an account has more sessions than this, those used longest ago are closed.
const MAX_SESSIONS: u32 = 16;

/// An account as stored. `Debug` shows its name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub password_hash: String,
    pub totp_secret: Option<Vec<u8>>,
    /// The time step of the last code that was used.
    pub totp_last_step: i64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// An account in a list.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AccountInfo {
    pub name: String,
    pub created_at_utc: Timestamp,
    /// Whether it has a second factor.
    pub totp: bool,
    /// Open sessions, and when one was last used.
    pub sessions: u32,
    pub seen_at_utc: Option<Timestamp>,
}

/// A session that has not expired.
#[derive(Debug, Clone)]
pub struct Session {
    pub name: String,
    pub created_at_utc: Timestamp,
    pub seen_at_utc: Timestamp,
}

impl ReadTx<'_> {
    /// An account by its name.
    ///
    /// # Errors
    /// The database's own, as for all reads here.
    pub fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        account(self.0, name)
    }

    /// Whether there is any account.
    ///
    /// # Errors
    /// The database's own.
    pub fn has_account(&self) -> Result<bool, StoreError> {
        has_account(self.0)
    }

    /// Every account, by name.
    ///
    /// # Errors
    /// The database's own.
    pub fn accounts(&self, cutoffs: &SessionCutoffs) -> Result<Vec<AccountInfo>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT a.name, a.created_at_utc, a.totp_secret IS NOT NULL, count(s.name), max(s.seen_at_utc)
             FROM staff_account AS a LEFT JOIN staff_session AS s
                 ON s.name = a.name AND s.seen_at_utc > ?1
                 AND s.created_at_utc > ?2 AND s.created_at_utc <= ?3
             GROUP BY a.name ORDER BY a.name",
        )?;
        let SessionCutoffs { seen_after, created_after, created_until } = cutoffs;
        let rows = statement.query_map([seen_after, created_after, created_until], |row| {
            Ok(AccountInfo {
                name: row.get(0)?,
                created_at_utc: row.get(1)?,
                totp: row.get(2)?,
                sessions: row.get(3)?,
                seen_at_utc: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The session of a token, unless it has expired.
    ///
    /// # Errors
    /// The database's own.
    pub fn session(
        &self,
        token_hash: &[u8; 32],
        cutoffs: &SessionCutoffs,
    ) -> Result<Option<Session>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT name, created_at_utc, seen_at_utc FROM staff_session
             WHERE token_hash = ?1 AND seen_at_utc > ?2
               AND created_at_utc > ?3 AND created_at_utc <= ?4",
        )?;
        let SessionCutoffs { seen_after, created_after, created_until } = cutoffs;
        let values = params![token_hash, seen_after, created_after, created_until];
        let session = statement.query_row(values, |row| {
            Ok(Session { name: row.get(0)?, created_at_utc: row.get(1)?, seen_at_utc: row.get(2)? })
        });
        Ok(session.optional()?)
    }
}

/// Adds an account; with `first`, only if there is none at all. Returns whether it was added.
///
/// # Errors
/// The database's own, as for all writes here.
pub fn add(
    tx: &mut WriteTx<'_>,
    account: &Account,
    first: bool,
    actor: &str,
) -> Result<bool, StoreError> {
    let taken = if first {
        has_account(tx.conn)?
    } else {
        crate::store::staff::account(tx.conn, &account.name)?.is_some()
    };
    if taken {
        return Ok(false);
    }
    let totp = account.totp_secret.is_some();
    tx.append_event(
        AuditEvent::StaffAdded,
        actor,
        &serde_json::json!({ "account": account.name, "totp": totp }),
    )?;
    insert_account(tx, account, tx.now())?;
    Ok(true)
}

/// Inserts the row of an account.
pub(crate) fn insert_account(
    tx: &WriteTx<'_>,
    account: &Account,
    created_at_utc: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO staff_account (name, password_hash, totp_secret, totp_last_step, created_at_utc)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let Account { name, password_hash, totp_secret, totp_last_step } = account;
    let row = params![name, password_hash, totp_secret, totp_last_step, created_at_utc];
    tx.conn.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Replaces the password and the second factor of an account, closes its sessions and forgets its devices.
/// Returns whether there is such an account.
///
/// # Errors
/// The database's own.
pub fn reset(tx: &mut WriteTx<'_>, account: &Account, actor: &str) -> Result<bool, StoreError> {
    let changed = tx
        .conn
        .prepare_cached(
            "UPDATE staff_account SET password_hash = ?2, totp_secret = ?3, totp_last_step = ?4
             WHERE name = ?1",
        )?
        .execute(params![
            account.name,
            account.password_hash,
            account.totp_secret,
            account.totp_last_step
        ])?;
    if changed == 0 {
        return Ok(false);
    }
    let sql = "DELETE FROM staff_session WHERE name = ?1";
    tx.conn.prepare_cached(sql)?.execute([&account.name])?;
    forget_devices(tx, &account.name)?;
    let totp = account.totp_secret.is_some();
    let details = serde_json::json!({ "account": account.name, "totp": totp });
    tx.append_event(AuditEvent::StaffPasswordReset, actor, &details)?;
    Ok(true)
}

/// Removes an account with its sessions. Returns whether there was one.
///
/// # Errors
/// The database's own.
pub fn remove(tx: &mut WriteTx<'_>, name: &str, actor: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM staff_account WHERE name = ?1";
    if tx.conn.prepare_cached(sql)?.execute([name])? == 0 {
        return Ok(false);
    }
    tx.append_event(AuditEvent::StaffRemoved, actor, &serde_json::json!({ "account": name }))?;
    Ok(true)
}

/// Opens a session for an account whose password and code (of time step `step`) were verified. `client` is
/// for the audit row. Returns `false` if the account has changed since, or the code was used meanwhile.
///
/// # Errors
/// The database's own.
pub fn open_session(
    tx: &mut WriteTx<'_>,
    seen: &Account,
    step: Option<i64>,
    token_hash: &[u8; 32],
    client: Option<&str>,
    cutoffs: &SessionCutoffs,
) -> Result<bool, StoreError> {
    let Some(account) = account(tx.conn, &seen.name)? else { return Ok(false) };
    let same = account.password_hash == seen.password_hash
        && account.totp_secret == seen.totp_secret
        && account.totp_secret.is_some() == step.is_some();
    let now = tx.now().to_datetime().timestamp();
    if !same || step.is_some_and(|step| is_step_used(step, account.totp_last_step, now)) {
        return Ok(false);
    }
    if let Some(step) = step {
        let sql = "UPDATE staff_account SET totp_last_step = ?2 WHERE name = ?1";
        tx.conn.prepare_cached(sql)?.execute(params![seen.name, step])?;
    }
    insert_session(tx, &seen.name, token_hash)?;
    close_old_sessions(tx, &seen.name, cutoffs)?;
    let actor = staff_actor(&seen.name);
    let mut details = serde_json::json!({ "account": seen.name });
    if let Some(client) = client {
        details["client"] = client.into();
    }
    tx.append_event(AuditEvent::StaffSignedIn, &actor, &details)?;
    Ok(true)
}

fn insert_session(tx: &WriteTx<'_>, name: &str, token_hash: &[u8; 32]) -> Result<(), StoreError> {
    let sql = "INSERT INTO staff_session (token_hash, name, created_at_utc, seen_at_utc)
               VALUES (?1, ?2, ?3, ?3)";
    tx.conn.prepare_cached(sql)?.execute(params![token_hash, name, tx.now()])?;
    Ok(())
}

/// Removes what is left of sessions that have ended.
///
/// # Errors
/// The database's own.
pub fn close_ended_sessions(tx: &WriteTx<'_>, cutoffs: &SessionCutoffs) -> Result<(), StoreError> {
    let sql = "DELETE FROM staff_session
               WHERE seen_at_utc <= ?1 OR created_at_utc <= ?2 OR created_at_utc > ?3";
    let SessionCutoffs { seen_after, created_after, created_until } = cutoffs;
    tx.conn.prepare_cached(sql)?.execute([seen_after, created_after, created_until])?;
    Ok(())
}

fn close_old_sessions(
    tx: &WriteTx<'_>,
    name: &str,
    cutoffs: &SessionCutoffs,
) -> Result<(), StoreError> {
    close_ended_sessions(tx, cutoffs)?;
    let sql = "DELETE FROM staff_session WHERE token_hash IN (
                   SELECT token_hash FROM staff_session WHERE name = ?1
                   ORDER BY seen_at_utc DESC, rowid DESC LIMIT -1 OFFSET ?2)";
    tx.conn.prepare_cached(sql)?.execute(params![name, MAX_SESSIONS])?;
    Ok(())
}

/// Closes the session of a token.
///
/// # Errors
/// The database's own.
pub fn close_session(tx: &mut WriteTx<'_>, token_hash: &[u8; 32]) -> Result<(), StoreError> {
    let sql = "DELETE FROM staff_session WHERE token_hash = ?1 RETURNING name";
    let name: Option<String> =
        tx.conn.prepare_cached(sql)?.query_row([token_hash], |row| row.get(0)).optional()?;
    let Some(name) = name else { return Ok(()) };
    let actor = staff_actor(&name);
    let details = serde_json::json!({ "account": name });
    tx.append_event(AuditEvent::StaffSignedOut, &actor, &details).map(drop)
}

/// Records that a session was used now.
///
/// # Errors
/// The database's own.
pub fn touch_session(tx: &mut WriteTx<'_>, token_hash: &[u8; 32]) -> Result<(), StoreError> {
    let sql = "UPDATE staff_session SET seen_at_utc = max(seen_at_utc, ?2) WHERE token_hash = ?1";
    tx.conn.prepare_cached(sql)?.execute(params![token_hash, tx.now()])?;
    Ok(())
}

fn account(conn: &rusqlite::Connection, name: &str) -> Result<Option<Account>, StoreError> {
    let sql = "SELECT name, password_hash, totp_secret, totp_last_step FROM staff_account
               WHERE name = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([name], row_to_account).optional()?)
}

/// From the columns name, password_hash, totp_secret and totp_last_step, in this order.
pub(crate) fn row_to_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        name: row.get(0)?,
        password_hash: row.get(1)?,
        totp_secret: row.get(2)?,
        totp_last_step: row.get(3)?,
    })
}

fn has_account(conn: &rusqlite::Connection) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("SELECT 1 FROM staff_account")?.exists([])?)
}
