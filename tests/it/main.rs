//! The tests that look at FASTCore from its edges: HTTP, the binary, the database file.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "tests may print, read the environment, and end with a panic"
)]

mod data;
mod support;

mod backup;
mod chain;
mod check;
mod commands;
mod config;
mod damage;
mod export;
mod export_run;
mod faults;
mod fields;
mod floors;
mod gdpr;
mod intake;
mod logs;
mod migrations;
mod process;
mod regression;
mod restore;
mod status_matrix;
mod tampering;
mod triggers;
mod wire;
mod writer;
