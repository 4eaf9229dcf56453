//! The database file: opening, locking, schema, checkpoints, integrity.

pub mod disk_usage;
pub mod integrity;
pub mod lock;
pub mod migrate;
pub mod open;
pub mod schema;
pub mod wal_checkpoint;
pub(crate) mod wal_tail;
pub mod wipe;
