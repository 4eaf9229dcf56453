//! The key of what the database keeps sealed about staff. It is in a file next to the database, and in no
//! backup: whoever has a copy of the database has no second factors.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;
use crate::store::private_file;

/// What the name of the file ends with.
pub(crate) const SUFFIX: &str = ".staff-key";
/// Bytes of a key, and of the nonce in front of what it seals.
const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 24;

/// The key; cheap to clone. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct StaffKey([u8; KEY_LEN]);

impl std::fmt::Debug for StaffKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StaffKey")
    }
}

impl StaffKey {
    /// Reads the key of a database, and makes one first if there is none.
    ///
    /// # Errors
    /// The file cannot be read or written, or is not a key.
    pub fn load_or_create(database: &Path) -> Result<Self, StoreError> {
        if let Some(key) = Self::load(database)? {
            return Ok(key);
        }
        // Another process may have made it meanwhile: then its key is used.
        create(database)?;
        let path = sidecar_path(database, SUFFIX);
        Self::load(database)?.ok_or_else(|| StoreError::at(&path)("the key was removed"))
    }

    /// Reads the key of a database, if there is one.
    ///
    /// # Errors
    /// The file cannot be read, or is not a key.
    pub fn load(database: &Path) -> Result<Option<Self>, StoreError> {
        let path = sidecar_path(database, SUFFIX);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StoreError::at(&path)(e)),
        };
        let mut key = [0; KEY_LEN];
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
            StoreError::at(&path)(
                "not a key of 64 hexadecimal digits; restore the file from its copy",
            )
        })?;
        Ok(Some(Self(key)))
    }

    /// Another key for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; KEY_LEN] {
        Sha256::new().chain_update(self.0).chain_update(purpose).finalize().into()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }

    /// Seals a secret for one purpose: opened for another, it is nothing.
    pub(crate) fn seal(&self, purpose: &str, secret: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let payload = Payload { msg: secret, aad: purpose.as_bytes() };
        // Fails only for secrets of 256 GiB.
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// The secret, if it was sealed with this key for this purpose.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()
    }
}

/// Writes a new key; does nothing if there is one.
fn create(database: &Path) -> Result<(), StoreError> {
    let path = sidecar_path(database, SUFFIX);
    let key = hex::encode(rand::random::<[u8; KEY_LEN]>());
    match private_file::create_new(database, &path, &key) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(StoreError::at(&path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_and_purpose_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (a, b) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let key = StaffKey::load_or_create(&a).expect("a key");
        let sealed = key.seal("totp:jean", b"a secret of 20 bytes");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_ne!(sealed, key.seal("totp:jean", b"a secret of 20 bytes"), "a nonce of its own");
        let again = StaffKey::load_or_create(&a).expect("the same key");
        assert_eq!(again.open("totp:jean", &sealed).as_deref(), Some(&b"a secret of 20 bytes"[..]));
        assert_eq!(again.open("totp:paul", &sealed), None);
        let other = StaffKey::load_or_create(&b).expect("another key");
        assert_eq!(other.open("totp:jean", &sealed), None);
        for end in 0..sealed.len() {
            assert_eq!(key.open("totp:jean", &sealed[..end]), None);
        }
    }

    #[test]
    fn a_damaged_key_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("a.db");
        for text in ["", "abc", "zz", &"0".repeat(63), &"é".repeat(32)] {
            let path = sidecar_path(&database, SUFFIX);
            fs::write(&path, text).expect("written");
            StaffKey::load_or_create(&database).expect_err("refused");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
    }
}
