//! Erasure of leads, and the ledgers that keep it permanent.

pub mod backup_ledger;
pub mod copies;
pub mod erase;
pub mod ledger;
mod recorded;
pub mod refused;
