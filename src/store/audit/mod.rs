//! The audit log: queries and verification. Rows are appended by [`crate::store::tx::WriteTx::append`] alone.

pub mod query;
pub mod row_checker;
pub mod rows;
pub mod verify;
