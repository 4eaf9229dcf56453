//! Refused submissions: kept for a time, up to a limit, so that a fault in the site loses nobody.

pub mod keep;
pub mod purge;
pub mod query;
pub mod retry;
pub(crate) mod settle;
