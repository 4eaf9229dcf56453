//! SQLite: the only layer that imports rusqlite, r2d2 and refinery.

pub mod alerts;
pub mod audit;
pub mod backup;
pub mod db;
pub mod digests;
pub mod error;
pub mod file_owner;
pub mod health;
pub mod leads;
pub mod notices;
pub mod paths;
pub mod privacy;
pub mod private_file;
pub mod read;
pub mod refused;
pub mod search;
mod sql_types;
pub mod staff;
pub mod tx;
pub mod writer;
