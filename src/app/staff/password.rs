//! Passwords hashed and checked: argon2id with the parameters that OWASP's Password Storage Cheat
//! Sheet names (19 MiB, two passes, one lane). Each takes some 20 ms of a processor.

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::domain::staff::Password;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Of no password that anybody knows: an unknown name is checked against it, so that it takes the
/// time that a known one takes.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$Zm9yIGEgbmFtZSB1bmtub3du$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password with a salt of its own, as a PHC string.
pub(crate) fn hash(password: &Password) -> Result<String, String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| e.to_string())?;
    let salt: [u8; 16] = rand::random();
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|e| e.to_string())?;
    Ok(hash.to_string())
}

/// Whether this is the password of the account with this hash; of none, it never is.
pub(crate) fn verify(password: &Password, hash: Option<&str>) -> bool {
    let stored = PasswordHash::new(hash.unwrap_or(DUMMY_HASH));
    let right = stored
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    right && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An unknown name must cost what a known one costs.
    #[test]
    fn nobodys_hash_is_computed_with_the_parameters_of_everybodys() {
        let parse = |text: &str| {
            let hash = PasswordHash::new(text).expect("a hash");
            (hash.algorithm, hash.version, Params::try_from(&hash).expect("parameters"))
        };
        let real = hash(&Password::from_input("correct horse battery")).expect("a hash");
        assert_eq!(parse(DUMMY_HASH), parse(&real));
        assert!(real.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "OWASP's parameters");
    }
}
