//! What a lead, an audit event, a status and a filter are: pure values and rules, no I/O.

pub mod audit;
pub mod chain;
pub mod email;
pub mod fault;
pub mod filter;
pub mod id;
pub mod import;
mod json;
pub mod lead;
pub mod place;
pub mod search;
mod shape;
pub mod staff;
pub mod status;
pub mod submission;
pub mod text;
pub mod time;
