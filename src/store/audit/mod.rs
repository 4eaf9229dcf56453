//! The audit log: queries and verification. Rows are appended by [`crate::store::tx::WriteTx::append`] alone.

pub(crate) mod findings;
pub mod query;
pub mod refusals;
pub(crate) mod refused_checker;
pub mod row_checker;
pub mod rows;
pub mod verify;
