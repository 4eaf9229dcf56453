//! Pure types and rules: leads, audit events, statuses, filters. No I/O.

pub mod audit;
pub mod cursor;
pub mod email;
pub mod field_error;
pub mod filter;
pub mod hash_chain;
pub mod host_name;
pub mod id;
pub mod language;
pub mod lead;
pub mod notice;
pub mod notice_target;
pub mod password;
pub mod person;
pub mod phone;
pub mod recorded;
pub mod recovery_code;
pub mod search;
pub mod staff;
pub mod strict_json;
pub mod text;
pub mod timestamp;
