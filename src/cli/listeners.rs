//! The addresses of a server, and what speaks on them: HTTPS or plaintext, and the redirect to HTTPS.

use std::net::{self, SocketAddr};

use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

use crate::app::certificate::pem_pair::PemPaths;
use crate::app::certificate::store::CertificateStore;
use crate::cli::error::CliError;
use crate::clock::Clock;
use crate::config::https::TlsFiles;
use crate::config::passed_sockets::PassedSockets;
use crate::config::server::ServerConfig;
use crate::http::server::listener::{self, Listener};
use crate::http::server::tls::ServerTls;

/// The addresses, taken before anything is created, so that a port in use leaves nothing behind.
pub(crate) struct Sockets {
    main: NamedSocket,
    redirect: Option<NamedSocket>,
}

/// What takes connections.
pub(crate) struct Listeners {
    pub(crate) main: Listener,
    pub(crate) redirect: Option<Listener>,
}

impl Sockets {
    /// Takes the addresses of the settings, each unless systemd passed a socket for it.
    pub(crate) fn bind(server: &ServerConfig, passed: PassedSockets) -> Result<Self, CliError> {
        let main = NamedSocket::take("FASTCORE_LISTEN", server.listen, passed.main)?;
        let redirect = server.redirect_listen;
        let redirect = redirect
            .map(|address| NamedSocket::take("FASTCORE_REDIRECT_LISTEN", address, passed.redirect));
        Ok(Self { main, redirect: redirect.transpose()? })
    }

    /// Takes connections only when leads can be stored: until then, the site sees at once that none can.
    /// Those on a socket of systemd's wait.
    pub(crate) fn listen(self, runtime: &Runtime) -> Result<Listeners, CliError> {
        let _inside = runtime.enter();
        let redirect = self.redirect.map(NamedSocket::listen).transpose()?;
        Ok(Listeners { main: self.main.listen()?, redirect })
    }
}

/// The socket for the address of a setting.
struct NamedSocket {
    setting: &'static str,
    address: SocketAddr,
    source: SocketSource,
}

enum SocketSource {
    Bound(TcpSocket),
    Passed(net::TcpListener),
}

impl NamedSocket {
    fn take(
        setting: &'static str,
        address: SocketAddr,
        passed: Option<net::TcpListener>,
    ) -> Result<Self, CliError> {
        let source = match passed {
            Some(socket) => {
                tracing::info!(socket_address = %address, "systemd passed the socket for {setting}");
                SocketSource::Passed(socket)
            }
            None => SocketSource::Bound(
                listener::bind(address).map_err(|error| cannot_listen(setting, address, &error))?,
            ),
        };
        Ok(Self { setting, address, source })
    }

    fn listen(self) -> Result<Listener, CliError> {
        let listener = match self.source {
            SocketSource::Bound(socket) => Listener::new(socket),
            SocketSource::Passed(socket) => Listener::of_manager(socket),
        };
        listener.map_err(|error| cannot_listen(self.setting, self.address, &error))
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
