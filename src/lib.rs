//! FASTCore receives the leads of a company's site and stores them: one binary, one SQLite file, an
//! audit log that nobody can change.
//!
//! The code has layers; each calls only the ones below it:
//!
//! | layer | content |
//! | --- | --- |
//! | [`cli`] and [`http`] | the command line, one file per command; HTTP, one file per resource |
//! | [`app`] | use cases, each one transaction or one read |
//! | [`store`] | SQLite: schema, migrations, the writer, the queries |
//! | [`domain`] | types and rules of leads, audit events and filters, without I/O |
//!
//! Several layers use [`config`], [`telemetry`], [`metrics`] and [`clock`].

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod http_client;
pub mod metrics;
pub mod store;
pub mod telemetry;
