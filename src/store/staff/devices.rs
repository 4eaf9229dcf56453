//! The browsers that accounts have signed in from, and the unlocking of accounts.

use rusqlite::{OptionalExtension, params};

use crate::domain::audit::AuditEvent;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::read::ReadTx;
use crate::store::tx::WriteTx;

/// When an account has more devices than this, those used longest ago are forgotten.
const MAX_DEVICES: u32 = 16;

/// What limits on signing in to an account depend on.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignInRecord {
    /// The token's hash of the device that has signed in before.
    pub device: Option<[u8; 32]>,
    /// When the account was last unlocked.
    pub unlocked_at_utc: Option<Timestamp>,
}

impl ReadTx<'_> {
    /// The record of an account for a browser with tokens of these hashes. A device that was last used before
    /// `used_after` is not known any more.
    ///
    /// # Errors
    /// The database's own, as for all reads and writes here.
    pub fn sign_in_record(
        &self,
        name: &str,
        token_hashes: &[[u8; 32]],
        used_after: Timestamp,
    ) -> Result<SignInRecord, StoreError> {
        let sql = "SELECT unlocked_at_utc FROM staff_account WHERE name = ?1";
        let unlocked =
            self.0.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?;
        let device = known_device(self.0, name, token_hashes, used_after)?;
        Ok(SignInRecord { device, unlocked_at_utc: unlocked.flatten() })
    }
}

fn known_device(
    conn: &rusqlite::Connection,
    name: &str,
    token_hashes: &[[u8; 32]],
    used_after: Timestamp,
) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT 1 FROM staff_device WHERE name = ?1 AND token_hash = ?2 AND used_at_utc > ?3";
    let mut statement = conn.prepare_cached(sql)?;
    for hash in token_hashes {
        if statement.exists(params![name, hash, used_after])? {
            return Ok(Some(*hash));
        }
    }
    Ok(None)
}

/// Records a sign-in from a device: from the one that is known already by one of these hashes or, if none is,
/// from a new one. Returns whether it was known.
///
/// # Errors
/// The database's own.
pub fn record_device(
    tx: &mut WriteTx<'_>,
    name: &str,
    token_hashes: &[[u8; 32]],
    new_hash: &[u8; 32],
    used_after: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM staff_device WHERE used_at_utc <= ?1";
    tx.conn.prepare_cached(sql)?.execute([used_after])?;
    let known = known_device(tx.conn, name, token_hashes, used_after)?;
    let sql = "INSERT INTO staff_device (name, token_hash, created_at_utc, used_at_utc)
               SELECT name, ?2, ?3, ?3 FROM staff_account WHERE name = ?1
               ON CONFLICT (name, token_hash) DO UPDATE SET used_at_utc = max(used_at_utc, ?3)";
    let values = params![name, known.as_ref().unwrap_or(new_hash), tx.now()];
    tx.conn.prepare_cached(sql)?.execute(values)?;
    let sql = "DELETE FROM staff_device WHERE name = ?1 AND token_hash IN (
                   SELECT token_hash FROM staff_device WHERE name = ?1
                   ORDER BY used_at_utc DESC, rowid DESC LIMIT -1 OFFSET ?2)";
    tx.conn.prepare_cached(sql)?.execute(params![name, MAX_DEVICES])?;
    Ok(known.is_some())
}

/// Forgets the devices of an account.
pub(crate) fn forget_devices(tx: &WriteTx<'_>, name: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM staff_device WHERE name = ?1";
    tx.conn.prepare_cached(sql)?.execute([name])?;
    Ok(())
}

/// Records that the failed sign-ins of an account are to be forgotten. Returns whether there is such an account.
///
/// # Errors
/// The database's own.
pub fn unlock(tx: &mut WriteTx<'_>, name: &str, actor: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE staff_account SET unlocked_at_utc = ?2 WHERE name = ?1";
    if tx.conn.prepare_cached(sql)?.execute(params![name, tx.now()])? == 0 {
        return Ok(false);
    }
    tx.append_event(AuditEvent::StaffUnlocked, actor, &serde_json::json!({ "account": name }))?;
    Ok(true)
}
