//! Keyed hashes of clients' addresses, for the audit log.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::app::staff::key::StaffKey;

/// Hexadecimal digits of a hash: 64 bits.
const DIGITS: usize = 16;

/// Hashes addresses with a random key, so that the few addresses that there are cannot be tried. The key is
/// made from the one next to the database.
pub(crate) struct ClientHasher {
    key: [u8; 32],
}

impl std::fmt::Debug for ClientHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientHasher")
    }
}

impl ClientHasher {
    pub(crate) fn new(key: &StaffKey) -> Self {
        Self { key: key.derive("clients' addresses") }
    }

    /// HMAC-SHA256 of the address, truncated, as hexadecimal digits.
    pub(crate) fn hash(&self, client: IpAddr) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(client.to_string().as_bytes());
        let mut text = hex::encode(mac.finalize().into_bytes());
        text.truncate(DIGITS);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_the_address_and_of_the_key() {
        let hasher = ClientHasher { key: [7; 32] };
        let hash = |address: &str| hasher.hash(address.parse().expect("an address"));
        // printf 203.0.113.7 | openssl dgst -sha256 -mac hmac -macopt hexkey:0707…07 | cut -c 1-16
        assert_eq!(hash("203.0.113.7"), "e3d2400b0b06face");
        assert_ne!(hash("203.0.113.7"), hash("203.0.113.8"));
        let other = ClientHasher { key: [8; 32] }.hash("203.0.113.7".parse().expect("an address"));
        assert_ne!(hash("203.0.113.7"), other);
    }
}
