//! The server's status: what the admin page shows, and what `fastcore check` finds.

pub(crate) mod chain_monitor;
pub mod check_certificate;
mod check_files;
pub mod check_findings;
pub mod clock_check;
pub mod facts;
pub mod finding;
pub mod metrics_reader;
pub mod server_settings;
pub mod server_status;
pub mod thresholds;
