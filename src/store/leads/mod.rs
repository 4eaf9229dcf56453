//! Leads: stored once, read, never changed.

pub mod arrivals;
pub mod canary;
pub mod import;
pub mod keyset_scan;
pub mod person;
pub(crate) mod probe;
pub mod query;
pub mod request_id;
pub mod rows;
pub mod stats;
pub mod status;
pub mod submit;
pub mod tally;
pub mod view;
