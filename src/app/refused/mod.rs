//! Refused submissions: kept by the intake within a budget, forgotten after a time.

mod budget;
pub(crate) mod counts_task;
pub mod handling;
pub mod keeper;
pub mod record;
pub mod retention;
pub mod viewing;
