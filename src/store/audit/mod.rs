//! The audit log: queries and verification. Rows are written by [`crate::store::tx::WriteTx::append`] alone.

pub mod chain_verifier;
pub mod page;
pub mod query;
pub mod rows;
pub mod verify;
