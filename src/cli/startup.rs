//! What a server says when it starts.

use std::net::SocketAddr;
use std::path::Path;

use crate::app::certificate::store::CertificateStore;
use crate::app::migrate::Prepared;
use crate::app::status::server_settings;
use crate::cli::output;
use crate::config::certificate::CertificateConfig;
use crate::config::environment::{Environment, ExposedFile};
use crate::config::https;
use crate::config::ingest_tokens::IngestTokens;
use crate::config::server::ServerConfig;
use crate::telemetry;

/// Blocks smaller than SQLite's pages, in bytes, are dangerous on a full disk.
const PAGE_BYTES: u64 = 4096;

/// Warns of settings that are unknown or that others can read.
pub(crate) fn log_settings(environment: &Environment) {
    for warning in environment.unknown() {
        tracing::warn!("{warning}");
    }
    for file in environment.exposed_files() {
        tracing::warn!(hint = file.hint, "{}", file.detail);
    }
}

/// Says what was created or changed before the server listens.
pub(crate) fn log_prepared(server: &ServerConfig, prepared: &Prepared, tokens: &IngestTokens) {
    let database = server.database.display();
    if prepared.created {
        tracing::warn!(%database, "there was no database; a new one was created");
    }
    if let Some(copy) = &prepared.migrated.copy {
        let (from, to) = (prepared.migrated.from, prepared.migrated.to);
        tracing::warn!(from, to, copy = %copy.display(), "the database was migrated; a copy of its old state was kept");
    }
    for warning in tokens.warnings.iter().chain(&server.metrics_token.warnings) {
        tracing::warn!("{warning}");
    }
    let is_https = server.public_url.as_ref().is_some_and(|url| url.starts_with("https:"));
    if is_https && server.tls.is_none() && server.trusted_proxies.is_empty() {
        tracing::warn!(
            "the clients of a proxy are not told apart, and sign-ins are limited for all of them together; set \
             FASTCORE_TRUSTED_PROXIES to the address that the proxy connects from"
        );
    }
    match block_size(&server.database) {
        Some(bytes) if bytes < PAGE_BYTES => tracing::warn!(
            block_bytes = bytes,
            "the file system's blocks are under 4096 bytes: when it is full, processes that use \
             SQLite are killed; move the database to a file system with larger blocks"
        ),
        _ => {}
    }
}

/// Warns of a certificate that clients refuse for its name, or whose key others can read. Its validity is
/// reported while it is served.
pub(crate) fn log_certificate(server: &ServerConfig, certificate: Option<&CertificateStore>) {
    // What is ordered from an authority is for that host, and is in a folder of the database's.
    let Some(CertificateConfig::Files(files)) = &server.tls else { return };
    if let Some(file) = ExposedFile::find(&files.key, "FASTCORE_TLS_KEY") {
        tracing::warn!(hint = file.hint, "{}", file.detail);
    }
    let host = server.public_url.as_deref().and_then(https::host);
    let current = certificate.and_then(CertificateStore::current);
    if let Some(host) =
        host.filter(|host| current.as_ref().is_some_and(|current| !current.is_for(host)))
    {
        tracing::warn!(
            host,
            "the certificate of FASTCORE_TLS_CERT is not for the host of FASTCORE_PUBLIC_URL"
        );
    }
}

/// Leaves what commands need of the settings next to the database, with the address of the socket. A server works
/// without.
pub(crate) fn leave_settings(server: &ServerConfig, address: SocketAddr) {
    if let Err(error) = server_settings::write(&server.database, &server.to_variables(address)) {
        tracing::warn!(%error, "the settings could not be written for other commands");
    }
}

fn block_size(database: &Path) -> Option<u64> {
    rustix::fs::statvfs(database).ok().map(|fs| fs.f_bsize)
}

/// Says where the server listens; after the first start, also how to send a lead.
pub(crate) fn log_listening(
    server: &ServerConfig,
    tokens: &IngestTokens,
    address: SocketAddr,
    url: &str,
) {
    let version = env!("CARGO_PKG_VERSION");
    let database = server.database.display();
    let next = match &tokens.token_file {
        Some(file) => {
            format!("POST leads to {url}/inbound/leads with the bearer token in {}", file.display())
        }
        None => format!("POST leads to {url}/inbound/leads with the configured bearer token"),
    };
    tracing::info!(version, %database, %address, next, "FASTCore is listening");
    if let (true, Some(file)) = (tokens.generated, &tokens.token_file) {
        telemetry::flush();
        output::eprint_line(&first_steps(file, url));
    }
}

fn first_steps(token: &Path, url: &str) -> String {
    let token = token.display();
    let request_id = uuid::Uuid::new_v4();
    format!(
        r#"
An ingest token was generated and stored in {token}.
Send a first lead from another terminal in this folder:

  curl -sS {url}/inbound/leads \
    -H "Authorization: Bearer $(cat '{token}')" \
    -H 'Content-Type: application/json' \
    -d '{{"name": "Jean Dupont", "email": "jean@example.com", "service": "diagnostic",
         "message": "Mon compresseur ne démarre plus depuis hier.", "consent": true,
         "meta": {{"source": "fast-techservices.com", "request_id": "{request_id}",
                  "ip_hash": "abc123def456", "timestamp_utc": "2026-01-03T10:30:45Z"}}}}'

Then look at it: fastcore lead list
"#
    )
}

/// How to create the first account; the one place that shows the token of the link.
pub(crate) fn setup_link(url: &str, token: &str) -> String {
    format!(
        r"
There is no account for the admin page yet. This link creates the first one, once, within 30 minutes:

  {url}/admin/setup#{token}

Or at any time: fastcore staff invite NAME
"
    )
}

/// The link of a demo, the one place that shows its secret.
pub(crate) fn sign_in_link(url: &str) -> String {
    format!(
        r"
The demo is ready. This link opens the admin page, signed in:

  {url}

Press Ctrl-C to stop; everything is deleted then.
"
    )
}
