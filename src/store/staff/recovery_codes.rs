//! The recovery codes of accounts.

use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

impl ReadTx<'_> {
    /// The hashes of an account's recovery codes that are not used.
    ///
    /// # Errors
    /// The database's own.
    pub fn recovery_hashes(&self, name: &str) -> Result<Vec<String>, StoreError> {
        recovery_hashes(self.0, name)
    }
}

pub(crate) fn recovery_hashes(
    conn: &rusqlite::Connection,
    name: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT code_hash FROM staff_recovery_code WHERE name = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([name], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Replaces the recovery codes of an account.
pub(crate) fn replace(tx: &WriteTx<'_>, name: &str, hashes: &[String]) -> Result<(), StoreError> {
    let sql = "DELETE FROM staff_recovery_code WHERE name = ?1";
    tx.conn.prepare_cached(sql)?.execute([name])?;
    let sql = "INSERT INTO staff_recovery_code (code_hash, name) VALUES (?1, ?2)";
    let mut statement = tx.conn.prepare_cached(sql)?;
    for hash in hashes {
        statement.execute([hash.as_str(), name])?;
    }
    Ok(())
}

/// Uses a code up. Returns whether it was there.
pub(crate) fn use_up(tx: &WriteTx<'_>, name: &str, hash: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM staff_recovery_code WHERE code_hash = ?1 AND name = ?2";
    Ok(tx.conn.prepare_cached(sql)?.execute([hash, name])? > 0)
}
