//! Full-text search over the leads.

pub mod index;
pub mod plan;
pub mod unindexed;
