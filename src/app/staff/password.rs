//! Hashes and verifies passwords: argon2id with the parameters of OWASP's Password Storage Cheat
//! Sheet (19 MiB, two passes, one lane). Each takes some 20 ms of processor time.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::app::db::blocking;
use crate::store::error::StoreError;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash of no known password: an unknown name is verified against it, so that it takes as long as a
/// known one.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$Zm9yIGEgbmFtZSB1bmtub3du$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The memory of one hash at a time. It is allocated once: the heap of each thread would keep what a
/// hash on that thread has allocated, so that the process would grow with every sign-in.
#[derive(Default)]
pub struct HashMemory(Vec<Block>);

impl std::fmt::Debug for HashMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashMemory")
    }
}

impl HashMemory {
    /// Hashes a password or a recovery code with a new salt; returns a PHC string.
    pub(crate) fn hash(&mut self, password: &[u8]) -> Result<String, String> {
        self.hash_with_new_salt(password).map_err(|e| e.to_string())
    }

    fn hash_with_new_salt(&mut self, password: &[u8]) -> argon2::password_hash::Result<String> {
        let salt = Salt::new(&rand::random::<[u8; 16]>())?;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let argon2 = Argon2::new(algorithm, version, params.clone());
        let output = self.compute(&argon2, password, &salt)?;
        let hash = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(salt),
            hash: Some(output),
        };
        Ok(hash.to_string())
    }

    /// Whether a password or a recovery code matches a hash; without one, takes as long and returns false.
    pub(crate) fn verify(&mut self, password: &[u8], hash: Option<&str>) -> bool {
        let stored = PasswordHash::new(hash.unwrap_or(DUMMY_HASH));
        let right = stored.is_ok_and(|stored| self.matches(password, &stored).unwrap_or(false));
        right && hash.is_some()
    }

    fn matches(
        &mut self,
        password: &[u8],
        stored: &PasswordHash,
    ) -> argon2::password_hash::Result<bool> {
        let (Some(salt), Some(output)) = (&stored.salt, &stored.hash) else { return Ok(false) };
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
        let argon2 = Argon2::new(algorithm, version, Params::try_from(stored)?);
        // `Output` is compared in constant time.
        Ok(self.compute(&argon2, password, salt)? == *output)
    }

    fn compute(
        &mut self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &Salt,
    ) -> argon2::password_hash::Result<Output> {
        let params = argon2.params();
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = &mut buffer[..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        self.0.resize(params.block_count(), Block::new());
        argon2.hash_password_into_with_memory(password, salt, output, &mut self.0)?;
        Ok(Output::new(output)?)
    }
}

/// Who wants a password to be hashed. Strangers cannot use up the places of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashQueue {
    /// A client that has shown nothing yet.
    Stranger,
    /// Somebody with a known device, a session or a valid link.
    Known,
}

/// Strangers whose passwords may wait to be hashed; more are refused.
const MAX_STRANGERS: usize = 16;
/// The same for those who are known.
const MAX_KNOWN: usize = 8;

/// Hashes one password at a time, so that signing in does not starve the intake of a small machine, and
/// limits how many wait for it; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct HashLimiter {
    memory: Arc<Mutex<HashMemory>>,
    strangers: Arc<Semaphore>,
    known: Arc<Semaphore>,
}

impl Default for HashLimiter {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { memory: Arc::default(), strangers: places(MAX_STRANGERS), known: places(MAX_KNOWN) }
    }
}

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct HashPlace {
    memory: Arc<Mutex<HashMemory>>,
    place: OwnedSemaphorePermit,
}

impl HashLimiter {
    /// When a refused client may retry.
    pub(crate) const RETRY_AFTER_SECONDS: i64 = 2;

    /// Takes a place in the queue. Returns `None` where too many wait already.
    pub(crate) fn reserve(&self, queue: HashQueue) -> Option<HashPlace> {
        let places = match queue {
            HashQueue::Stranger => &self.strangers,
            HashQueue::Known => &self.known,
        };
        let place = Arc::clone(places).try_acquire_owned().ok()?;
        Some(HashPlace { memory: Arc::clone(&self.memory), place })
    }

    /// Runs work that hashes a password of somebody who is known. Returns `None` where too many wait already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        match self.reserve(HashQueue::Known) {
            Some(place) => place.run(work).await.map(Some),
            None => Ok(None),
        }
    }
}

impl HashPlace {
    /// Runs work that hashes a password when it is its turn, on a thread for blocking work.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let Self { memory, place } = self;
        let mut memory = memory.lock_owned().await;
        // Both go along: a client that hangs up does not stop a hash.
        blocking(move || {
            let _place = place;
            work(&mut memory)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;

    use super::*;

    /// An unknown name must cost what a known one costs.
    #[test]
    fn the_dummy_hash_has_the_parameters_of_a_real_one() {
        let parse = |text: &str| {
            let hash = PasswordHash::new(text).expect("a hash");
            (hash.algorithm, hash.version, Params::try_from(&hash).expect("parameters"))
        };
        let real = HashMemory::default().hash(b"correct horse battery").expect("a hash");
        assert_eq!(parse(DUMMY_HASH), parse(&real));
        assert!(real.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "OWASP's parameters");
    }
    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let mut memory = HashMemory::default();
        let (password, other) = (b"correct horse battery", b"correct horse batterie");
        let own = memory.hash(password).expect("a hash");
        // Another program's, with other parameters.
        let small = Params::new(64, 1, 1, None).expect("parameters");
        let small = Argon2::new(Algorithm::Argon2id, Version::V0x13, small);
        let small = small.hash_password_with_salt(password, &[7; 16]).expect("a hash");
        for hash in [own.as_str(), &small.to_string(), own.as_str()] {
            assert!(memory.verify(password, Some(hash)), "{hash}");
            assert!(!memory.verify(other, Some(hash)), "{hash}");
        }
        for invalid in ["", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA", DUMMY_HASH] {
            assert!(!memory.verify(password, Some(invalid)), "{invalid}");
        }
        assert!(!memory.verify(password, None));
    }
}
