//! HTTP: one file a resource. The one place that names warp and hyper.

mod admin;
mod assets;
mod auth;
mod body;
mod connections;
mod context;
mod cors;
mod docs;
mod health;
mod intake;
mod io;
mod negotiate;
mod openapi;
mod pattern;
mod reply;
mod routes;
mod secure;
mod serve;
mod service;
mod wire;

pub use context::{Context, Route};
pub use openapi::document;
pub use routes::{paths, routes};
pub use serve::{Limits, bind, serve};
