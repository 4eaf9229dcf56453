//! Settings, in order of precedence: flag, environment, `.env` in the working directory, default. Only
//! this module reads the environment.

pub mod acme;
pub mod canary;
pub mod certificate;
pub mod database;
mod env_file;
pub mod environment;
pub mod error;
pub mod https;
pub mod ingest_tokens;
pub mod metrics_token;
pub mod notices;
pub mod passed_sockets;
pub mod secret;
pub mod server;
pub mod server_url;
pub mod service_manager;
pub mod setting;
pub mod shown;
pub mod trusted_proxies;
mod web_url;
pub(crate) mod webhooks;
