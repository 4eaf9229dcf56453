//! The second factor: codes of six digits that change every 30 s (RFC 6238). Their secrets are stored sealed.

use std::path::Path;

use totp_rs::{Builder, Secret, Totp};

use crate::app::db::write_once;
use crate::app::staff::key::StaffKey;
use crate::clock::Clock;
use crate::store;
use crate::store::error::StoreError;
use crate::store::read::ReadPool;

/// The bytes of a secret as older versions stored it: not sealed.
const PLAIN_LEN: usize = 20;

/// What to do where the key does not open the secrets of second factors.
pub(crate) const WRONG_KEY_HINT: &str = "put the file <database>.staff-key back that belongs to this database; without it, recovery codes still \
     work, and `fastcore staff reset-password NAME --invite` sets a new second factor";

/// The time step of a code that is valid at `now` (Unix seconds) or one step before or after.
pub(crate) fn step_of(secret: &[u8], code: &str, now: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let totp: Totp = Builder::new().with_secret(Secret::from(secret)).build().ok()?;
    let step = totp.check(&code, u64::try_from(now).ok()?)?;
    i64::try_from(step).ok()
}

/// Seals the secret of an account for the database.
pub(crate) fn seal(key: &StaffKey, name: &str, secret: &[u8]) -> Vec<u8> {
    key.seal(&purpose(name), secret)
}

/// The secret of an account as the database has it.
pub(crate) fn open(key: &StaffKey, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    key.open(&purpose(name), sealed)
}

fn purpose(name: &str) -> String {
    format!("totp:{name}")
}

/// The secrets of a database's second factors, by the names of their accounts.
#[derive(Clone)]
pub(crate) struct StoredSecrets(Vec<(String, Vec<u8>)>);

impl std::fmt::Debug for StoredSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredSecrets")
    }
}

impl StoredSecrets {
    /// Reads the secrets.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) fn read(database: &Path) -> Result<Self, StoreError> {
        ReadPool::open(database)?.read(|tx| tx.totp_secrets()).map(Self)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Seals those that an older version has stored.
    ///
    /// # Errors
    /// The database cannot be written.
    pub(crate) fn seal_plain(
        &self,
        database: &Path,
        clock: &Clock,
        key: &StaffKey,
    ) -> Result<(), StoreError> {
        let plain: Vec<_> =
            self.0.iter().filter(|(_, secret)| secret.len() == PLAIN_LEN).cloned().collect();
        if plain.is_empty() {
            return Ok(());
        }
        let key = key.clone();
        write_once(database, clock, move |tx| {
            plain.iter().try_for_each(|(name, secret)| {
                let sealed = seal(&key, name, secret);
                store::staff::accounts::replace_secret(tx, name, secret, &sealed)
            })
        })
    }

    /// The accounts whose sealed secrets the key does not open.
    pub(crate) fn unreadable(self, key: Option<&StaffKey>) -> Vec<String> {
        let is_readable =
            |name: &str, secret: &[u8]| key.is_some_and(|key| open(key, name, secret).is_some());
        let unreadable = self
            .0
            .into_iter()
            .filter(|(name, secret)| secret.len() != PLAIN_LEN && !is_readable(name, secret));
        unreadable.map(|(name, _)| name).collect()
    }
}
