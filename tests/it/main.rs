//! Integration tests: through HTTP, the built binary and the database file.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "tests may print, read the environment, and end with a panic"
)]

mod data;
mod support;

mod admin_api;
mod admin_export;
mod admin_lead;
mod admin_lists;
mod admin_stats_and_status;
mod alert_kinds;
mod alerts;
mod architecture;
mod assets;
mod audit_events;
mod audit_log;
mod backup;
mod canary;
mod certificate;
mod check;
mod clock;
mod commands;
mod compression;
mod config;
mod corruption;
mod disk_faults;
mod docs;
mod erasure_ledger;
mod export;
mod export_command;
mod export_postgres;
mod export_readable;
mod export_xlsx;
mod health;
mod http_protocol;
mod import;
mod intake;
mod invitations;
mod lead_validation;
mod litestream;
mod live_events;
mod logs;
mod metrics;
mod migrations;
mod notice_outages;
mod notices;
mod openapi;
mod openapi_admin;
mod openapi_clients;
mod own_account;
mod owners;
mod page_bundle;
mod privacy;
mod process;
mod reconcile;
mod refused;
mod refused_limits;
mod refused_people;
mod regressions;
mod restore;
mod retention;
mod search;
mod search_terms;
mod second_factor;
mod security_headers;
mod security_page;
mod service_manager;
mod sessions;
mod setup;
mod sign_in;
mod sign_in_limits;
mod sign_in_through_nginx;
mod socket_activation;
mod staff;
mod status_matrix;
mod tampering;
mod tls;
mod triggers;
mod writer;
