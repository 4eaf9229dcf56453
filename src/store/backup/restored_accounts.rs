//! The staff accounts after a restore. Those of a backup may be of people who have left since, so the
//! accounts of the database that is replaced are kept, every session ends, and no device is known.

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::timestamp::Timestamp;
use crate::store::audit::query;
use crate::store::db::open;
use crate::store::error::StoreError;
use crate::store::staff::recovery_codes;
use crate::store::staff::rows::{Account, insert_account, row_to_account};
use crate::store::tx::WriteTx;

/// An account, when it was added, and the hashes of its recovery codes.
pub(super) type StoredAccount = (Account, Timestamp, Vec<String>);

/// Whose accounts a restored database has.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum RestoredAccounts {
    /// Those of the database that was replaced. The backup lacked some, or had some that are removed now.
    ReplacedDatabase { added: BTreeSet<String>, removed: BTreeSet<String> },
    /// Those of the backup: no later state of its database was there.
    Backup { names: BTreeSet<String> },
}

/// The accounts of the database that is about to be replaced. `None` if it cannot be read, or is not a later
/// state of the one that the copy is of: a new installation has none yet, and they would all be lost.
pub(super) fn read_replaced(database: &Path, copy: &Path) -> Option<Vec<StoredAccount>> {
    let (old, copy) = (open::read_only(database).ok()?, open::read_only(copy).ok()?);
    let first = query::hash_at(&copy, 1).ok()??;
    if query::hash_at(&old, 1).ok()? != Some(first) {
        return None;
    }
    let mut statement = old
        .prepare(
            "SELECT name, password_hash, totp_secret, totp_last_step, created_at_utc FROM staff_account",
        )
        .ok()?;
    let rows = statement.query_map([], |row| Ok((row_to_account(row)?, row.get(4)?))).ok()?;
    let accounts = rows.map(|row| {
        let (account, created_at_utc) = row.ok()?;
        let codes = recovery_codes::recovery_hashes(&old, &account.name).ok()?;
        Some((account, created_at_utc, codes))
    });
    accounts.collect()
}

/// Ends every session, forgets every device, and puts the accounts of the replaced database in place of the backup's.
pub(super) fn replace(
    tx: &WriteTx<'_>,
    replaced: Option<Vec<StoredAccount>>,
) -> Result<RestoredAccounts, StoreError> {
    tx.conn.execute("DELETE FROM staff_session", [])?;
    tx.conn.execute("DELETE FROM staff_invitation", [])?;
    tx.conn.execute("DELETE FROM staff_device", [])?;
    let mut statement = tx.conn.prepare("SELECT name FROM staff_account")?;
    let in_backup = statement.query_map([], |row| row.get(0))?;
    let in_backup: BTreeSet<String> = in_backup.collect::<Result<_, _>>()?;
    let Some(replaced) = replaced else {
        return Ok(RestoredAccounts::Backup { names: in_backup });
    };
    tx.conn.execute("DELETE FROM staff_account", [])?;
    for (account, created_at_utc, codes) in &replaced {
        insert_account(tx, account, *created_at_utc)?;
        recovery_codes::replace(tx, &account.name, codes)?;
    }
    let now: BTreeSet<String> = replaced.into_iter().map(|(account, ..)| account.name).collect();
    Ok(RestoredAccounts::ReplacedDatabase {
        added: now.difference(&in_backup).cloned().collect(),
        removed: in_backup.difference(&now).cloned().collect(),
    })
}
