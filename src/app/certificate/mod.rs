//! The certificate of HTTPS: where it comes from, its validity, and its renewal while the server runs.

pub mod acme_folder;
pub mod pem_pair;
pub mod pem_watcher;
pub mod renewal_failure;
pub mod store;
pub mod validity;
