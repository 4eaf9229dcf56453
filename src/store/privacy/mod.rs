//! Erasure of leads, and the ledger that keeps it permanent.

pub mod erase;
pub mod ledger;
