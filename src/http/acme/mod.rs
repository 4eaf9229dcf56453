//! Gets certificates from an authority by itself (ACME, RFC 8555): the client of its API, an order, and when one is
//! made.

mod account;
mod client;
mod error;
mod order;
pub mod renewer;
