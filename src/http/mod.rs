//! HTTP: one file a resource. The one place that names warp and hyper.

pub mod admin;
pub mod assets;
pub mod context;
pub mod error;
pub mod extract;
pub mod health;
pub mod intake;
pub mod middleware;
pub mod openapi;
pub mod path_pattern;
pub mod router;
pub mod server;
