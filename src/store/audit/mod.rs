//! The audit log: queries and verification. Rows are appended by [`crate::store::tx::WriteTx::append`] alone.

pub mod chain_verifier;
pub mod query;
pub mod rows;
pub mod verify;
