//! The tests that look at FASTCore from its edges: HTTP, the binary, the database file.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "tests may print and read the environment"
)]

mod data;
mod support;

mod fields;
mod intake;
mod status_matrix;
