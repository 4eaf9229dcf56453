//! The rows of accounts, and what is kept with each.

use rusqlite::{OptionalExtension, Row, params};

use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::staff::recovery_codes;
use crate::store::tx::WriteTx;

/// An account as stored. `Debug` shows its name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub password_hash: String,
    /// Sealed with the key next to the database.
    pub totp_secret: Option<Vec<u8>>,
    /// The time step of the last code that was used.
    pub totp_last_step: i64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// A second factor that an account gets. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SecondFactor {
    pub sealed_secret: Vec<u8>,
    /// The time step of the code that confirmed it; 0 if none did.
    pub last_step: i64,
    /// The hashes of its recovery codes.
    pub recovery_hashes: Vec<String>,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecondFactor")
    }
}

/// What happens to the second factor of an account.
#[derive(Debug, Clone)]
pub enum FactorChange {
    Keep,
    Remove,
    Set(SecondFactor),
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

    /// The secrets of all second factors, by the names of their accounts.
    ///
    /// # Errors
    /// The database's own.
    pub fn totp_secrets(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let sql = "SELECT name, totp_secret FROM staff_account WHERE totp_secret IS NOT NULL";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
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

pub(crate) fn set_password(
    tx: &WriteTx<'_>,
    name: &str,
    password_hash: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE staff_account SET password_hash = ?2 WHERE name = ?1";
    Ok(tx.conn.prepare_cached(sql)?.execute([name, password_hash])? > 0)
}

pub(crate) fn set_factor(
    tx: &WriteTx<'_>,
    name: &str,
    factor: Option<&SecondFactor>,
) -> Result<(), StoreError> {
    let sql = "UPDATE staff_account SET totp_secret = ?2, totp_last_step = ?3 WHERE name = ?1";
    let secret = factor.map(|factor| &factor.sealed_secret);
    let step = factor.map_or(0, |factor| factor.last_step);
    tx.conn.prepare_cached(sql)?.execute(params![name, secret, step])?;
    recovery_codes::replace(tx, name, factor.map_or(&[], |factor| &factor.recovery_hashes))
}

pub(crate) fn account(
    conn: &rusqlite::Connection,
    name: &str,
) -> Result<Option<Account>, StoreError> {
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

pub(crate) fn has_account(conn: &rusqlite::Connection) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("SELECT 1 FROM staff_account")?.exists([])?)
}

/// Closes the sessions of an account, except one.
pub(crate) fn close_sessions(
    tx: &WriteTx<'_>,
    name: &str,
    kept: Option<&[u8; 32]>,
) -> Result<usize, StoreError> {
    let sql = "DELETE FROM staff_session WHERE name = ?1 AND token_hash IS NOT ?2";
    Ok(tx.conn.prepare_cached(sql)?.execute(params![name, kept])?)
}

/// Withdraws the invitation of a name. Returns how many there were.
pub(crate) fn remove_invitation(tx: &WriteTx<'_>, name: &str) -> Result<usize, StoreError> {
    let sql = "DELETE FROM staff_invitation WHERE name = ?1";
    Ok(tx.conn.prepare_cached(sql)?.execute([name])?)
}
