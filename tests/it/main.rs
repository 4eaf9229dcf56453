//! The tests that look at FASTCore from its edges: HTTP, the binary, the database file.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "tests may print, read the environment, and panic where what they need is missing"
)]

mod data;
mod support;

mod config;
mod fields;
mod intake;
mod status_matrix;
