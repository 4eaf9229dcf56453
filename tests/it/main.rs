//! The tests that look at FASTCore from its edges: HTTP, the binary, the database file.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "tests may print, read the environment, and end with a panic"
)]

mod data;
mod support;

mod admin_api;
mod admin_lead;
mod admin_lists;
mod admin_state;
mod architecture;
mod assets;
mod audit_events;
mod backup;
mod chain;
mod check;
mod commands;
mod config;
mod damage;
mod docs;
mod export;
mod export_postgres;
mod export_run;
mod export_xlsx;
mod faults;
mod fields;
mod first_account;
mod gdpr;
mod import;
mod intake;
mod live;
mod logs;
mod migrations;
mod openapi;
mod openapi_admin;
mod process;
mod reconcile;
mod regression;
mod restore;
mod search;
mod sessions;
mod sign_in;
mod staff;
mod status_matrix;
mod tampering;
mod triggers;
mod wire;
mod writer;
