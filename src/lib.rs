//! FASTCore takes the leads of a company's site and keeps them: one binary, one SQLite file, an
//! audit log that nobody can change.
//!
//! The code is a house of floors; a floor calls only those below it:
//!
//! | floor | what lives there |
//! | --- | --- |
//! | [`cli`] and [`http`] | the command line, one file a command; HTTP, one file a resource |
//! | [`app`] | use cases, each one transaction or one read |
//! | [`store`] | SQLite: schema, migrations, the writer, the statements |
//! | [`domain`] | what a lead, an audit event, a filter is; pure |
//!
//! Beside them stand [`config`], [`telemetry`] and [`clock`].

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod store;
pub mod telemetry;
