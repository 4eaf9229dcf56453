//! What a lead, an audit event, a status and a filter are: pure values and rules, no I/O.

pub mod audit;
pub mod cursor;
pub mod email;
pub mod field_error;
pub mod filter;
pub mod hash_chain;
pub mod id;
pub mod lead;
pub mod recorded;
pub mod search_terms;
pub mod staff;
pub mod strict_json;
pub mod text;
pub mod timestamp;
