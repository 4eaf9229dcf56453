//! The server's status: what the admin page shows, and what `fastcore check` finds.

pub(crate) mod chain_monitor;
mod check_alerts;
pub mod check_certificate;
mod check_files;
pub mod check_findings;
pub mod clock_check;
pub(crate) mod conditions;
pub mod facts;
pub mod finding;
pub mod metrics_reader;
mod one_at_a_time;
pub mod server_settings;
pub mod server_status;
pub(crate) mod server_watch;
pub(crate) mod silence_monitor;
pub mod thresholds;
