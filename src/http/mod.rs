//! HTTP: one file a resource. The one place that names warp and hyper.

mod auth;
mod body;
mod connections;
mod context;
mod cors;
mod docs;
mod health;
mod intake;
mod io;
mod openapi;
mod reply;
mod routes;
mod serve;
mod service;

pub use context::{Context, Route};
pub use openapi::document;
pub use routes::{paths, routes};
pub use serve::{Limits, bind, serve};
