//! Full-text search over the leads.

pub(crate) mod filter_lists;
pub mod index;
pub(crate) mod list_window;
pub mod plan;
pub mod suggestion;
pub mod unindexed;
pub(crate) mod vocabulary;
