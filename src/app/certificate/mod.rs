//! The certificate of HTTPS: its files, its validity, and its renewal while the server runs.

pub mod pem_pair;
pub mod store;
pub mod validity;
