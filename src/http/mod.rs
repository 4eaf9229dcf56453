//! HTTP: one file for each resource. Nothing outside this module names warp, hyper or utoipa.

pub mod acme;
pub(crate) mod admin;
pub(crate) mod assets;
pub mod canary_client;
pub mod context;
pub(crate) mod demo;
pub(crate) mod error;
pub(crate) mod error_sources;
pub(crate) mod extract;
pub mod header_policy;
pub(crate) mod health;
pub mod health_client;
pub(crate) mod intake;
pub(crate) mod metrics;
pub(crate) mod middleware;
pub mod openapi;
pub mod redirect;
pub(crate) mod request;
pub(crate) mod response;
pub mod router;
pub mod server;
