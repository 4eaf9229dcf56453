//! Backups: copies of a database at one moment, with a checksum trailer, and their restore.

pub mod checksum_trailer;
pub mod copy;
pub mod create;
pub mod partial_file;
pub mod progress;
pub mod restore;
pub mod restored_accounts;
pub mod verify;
