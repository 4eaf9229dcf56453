//! Hashes and verifies passwords: argon2id with the parameters of OWASP's Password Storage Cheat
//! Sheet (19 MiB, two passes, one lane). Each takes some 20 ms of processor time.

use std::sync::Arc;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

use tokio::sync::Semaphore;

use crate::app::db::blocking;
use crate::domain::staff::Password;
use crate::store::error::StoreError;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash of no known password: an unknown name is verified against it, so that it takes as long as a
/// known one.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$Zm9yIGEgbmFtZSB1bmtub3du$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password with a new salt; returns a PHC string.
pub(crate) fn hash(password: &Password) -> Result<String, String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| e.to_string())?;
    let salt: [u8; 16] = rand::random();
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|e| e.to_string())?;
    Ok(hash.to_string())
}

/// Whether a password matches a hash; without one, takes as long and returns false.
pub(crate) fn verify(password: &Password, hash: Option<&str>) -> bool {
    let stored = PasswordHash::new(hash.unwrap_or(DUMMY_HASH));
    let right = stored
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    right && hash.is_some()
}

/// Hashes run at once: sign-in must not starve the intake of a small machine.
const MAX_HASHES: usize = 1;
/// Requests that may wait for their hash; more are refused.
const MAX_WAITING: usize = 16;

/// Limits how many passwords are hashed at once and wait for it; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct HashLimiter {
    hashing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for HashLimiter {
    fn default() -> Self {
        Self {
            hashing: Arc::new(Semaphore::new(MAX_HASHES)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }
}

impl HashLimiter {
    /// When a refused client may retry.
    pub(crate) const RETRY_AFTER_SECONDS: i64 = 2;

    /// Runs work that hashes a password, on a thread for blocking work. Returns `None` where too
    /// many wait already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let Ok(waiting) = Arc::clone(&self.waiting).try_acquire_owned() else { return Ok(None) };
        let hashing = Arc::clone(&self.hashing).acquire_owned().await;
        let hashing = hashing.map_err(|_| StoreError::Closed)?;
        // The permits go along: a client that hangs up does not stop a hash.
        let hashed = blocking(move || {
            let _permits = (waiting, hashing);
            work()
        });
        hashed.await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An unknown name must cost what a known one costs.
    #[test]
    fn the_dummy_hash_has_the_parameters_of_a_real_one() {
        let parse = |text: &str| {
            let hash = PasswordHash::new(text).expect("a hash");
            (hash.algorithm, hash.version, Params::try_from(&hash).expect("parameters"))
        };
        let real = hash(&Password::from_input("correct horse battery")).expect("a hash");
        assert_eq!(parse(DUMMY_HASH), parse(&real));
        assert!(real.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "OWASP's parameters");
    }
}
