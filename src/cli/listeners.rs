//! The addresses of a server, and what speaks on them: HTTPS or plaintext, and the redirect to HTTPS.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;

use crate::app::certificate::pem_pair::PemPaths;
use crate::app::certificate::store::CertificateStore;
use crate::cli::error::CliError;
use crate::clock::Clock;
use crate::config::https::TlsFiles;
use crate::config::server::ServerConfig;
use crate::http;
use crate::http::server::tls::ServerTls;

/// The addresses, taken before anything is created, so that a port in use leaves nothing behind.
pub(crate) struct Sockets {
    main: TcpSocket,
    redirect: Option<TcpSocket>,
}

/// What takes connections.
pub(crate) struct Listeners {
    pub(crate) main: TcpListener,
    pub(crate) redirect: Option<TcpListener>,
}

impl Sockets {
    pub(crate) fn bind(server: &ServerConfig) -> Result<Self, CliError> {
        let bind = |name: &str, address: SocketAddr| {
            http::server::bind(address).map_err(|error| cannot_listen(name, address, &error))
        };
        let main = bind("FASTCORE_LISTEN", server.listen)?;
        let redirect =
            server.redirect_listen.map(|address| bind("FASTCORE_REDIRECT_LISTEN", address));
        Ok(Self { main, redirect: redirect.transpose()? })
    }

    /// Takes connections only when leads can be stored: until then, the site sees at once that none can.
    pub(crate) fn listen(
        self,
        runtime: &Runtime,
        server: &ServerConfig,
    ) -> Result<Listeners, CliError> {
        let _inside = runtime.enter();
        let listen = |name: &str, socket: TcpSocket, address: SocketAddr| {
            http::server::listen(socket).map_err(|error| cannot_listen(name, address, &error))
        };
        let main = listen("FASTCORE_LISTEN", self.main, server.listen)?;
        let redirect = self.redirect.zip(server.redirect_listen);
        let redirect = redirect
            .map(|(socket, at)| listen("FASTCORE_REDIRECT_LISTEN", socket, at))
            .transpose()?;
        Ok(Listeners { main, redirect })
    }
}

fn cannot_listen(name: &str, address: SocketAddr, error: &std::io::Error) -> CliError {
    CliError::Failed(format!("{name}: cannot listen on {address}: {error}"))
}

/// The certificate of a server that speaks HTTPS itself. A pair that cannot be used stops the start; one
/// that has expired is used, and reported.
pub(crate) fn open_certificate(
    files: Option<&TlsFiles>,
    clock: &Clock,
) -> Result<Option<CertificateStore>, CliError> {
    let Some(TlsFiles { certificate, key }) = files else { return Ok(None) };
    let paths = PemPaths { certificate: certificate.clone(), key: key.clone() };
    let opened = CertificateStore::open(paths, clock);
    opened.map(Some).map_err(|error| {
        let (certificate, key) = (certificate.display(), key.display());
        CliError::Failed(format!(
            "FASTCORE_TLS_CERT={certificate}, FASTCORE_TLS_KEY={key}: {error}"
        ))
    })
}

/// HTTPS with a certificate.
pub(crate) fn tls(certificate: &CertificateStore) -> Result<ServerTls, CliError> {
    ServerTls::new(certificate.resolver()).map_err(|error| CliError::Failed(error.to_string()))
}
