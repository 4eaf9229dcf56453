//! Backups: copies of one moment with a checksum trailer, and their restore.

pub mod checksum_trailer;
pub mod create;
pub mod partial_file;
pub mod restore;
