//! The addresses of a server, and what speaks on them: HTTPS or plaintext, and the redirect to HTTPS.

use std::io::{self, ErrorKind};
use std::net::{self, SocketAddr};

use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::app::certificate::acme_folder::AcmeFolder;
use crate::app::certificate::pem_pair::PemPaths;
use crate::app::certificate::pem_watcher::PemWatcher;
use crate::app::certificate::store::CertificateStore;
use crate::cli::error::CliError;
use crate::clock::Clock;
use crate::config::certificate::CertificateConfig;
use crate::config::https::TlsFiles;
use crate::config::passed_sockets::PassedSockets;
use crate::config::server::ServerConfig;
use crate::http::acme::renewer::{RenewalPacing, Renewer};
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

    /// Where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.main.address
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

impl SocketSource {
    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Bound(socket) => socket.local_addr(),
            Self::Passed(socket) => socket.local_addr(),
        }
    }
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
        // Of the socket: port 0 is none yet, and systemd may listen elsewhere.
        let address = source.address().unwrap_or(address);
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
    let hint = match error.kind() {
        ErrorKind::AddrInUse => {
            format!("; `ss -ltnp sport = :{}` names the program that has it", address.port())
        }
        ErrorKind::PermissionDenied => {
            "; a port below 1024 needs CAP_NET_BIND_SERVICE, or a socket of systemd's".to_owned()
        }
        ErrorKind::AddrNotAvailable => "; no interface of this machine has it".to_owned(),
        _ => String::new(),
    };
    CliError::Failed(format!("{name}: cannot listen on {address}: {error}{hint}"))
}

/// The certificate of a server that speaks HTTPS itself, and what looks after it.
pub(crate) enum CertificateTask {
    Files(PemWatcher),
    Acme(Box<Renewer>),
}

impl CertificateTask {
    /// Opens the certificate, where the server speaks HTTPS. Files that cannot be used stop the start; a
    /// certificate that has expired is used, and reported.
    pub(crate) fn open(server: &ServerConfig, clock: &Clock) -> Result<Option<Self>, CliError> {
        match &server.tls {
            None => Ok(None),
            Some(CertificateConfig::Files(TlsFiles { certificate, key })) => {
                let paths = PemPaths { certificate: certificate.clone(), key: key.clone() };
                let opened = PemWatcher::open(paths, clock);
                opened.map(|watcher| Some(Self::Files(watcher))).map_err(|error| {
                    let (certificate, key) = (certificate.display(), key.display());
                    CliError::Failed(format!(
                        "FASTCORE_TLS_CERT={certificate}, FASTCORE_TLS_KEY={key}: {error}"
                    ))
                })
            }
            Some(CertificateConfig::Acme(acme)) => {
                let folder = AcmeFolder::new(&server.database, &acme.directory);
                let store = folder
                    .open(clock)
                    .map_err(|error| CliError::Failed(format!("FASTCORE_ACME_DOMAINS: {error}")))?;
                let pacing = RenewalPacing::default();
                let renewer = Renewer::new(folder, store, acme.clone(), pacing);
                renewer
                    .map(|renewer| Some(Self::Acme(Box::new(renewer))))
                    .map_err(|error| CliError::Failed(format!("FASTCORE_ACME_CA: {error}")))
            }
        }
    }

    pub(crate) fn store(&self) -> CertificateStore {
        match self {
            Self::Files(watcher) => watcher.store(),
            Self::Acme(renewer) => renewer.store(),
        }
    }

    /// HTTPS with the certificate, which is looked after until the server stops.
    pub(crate) fn start(
        self,
        runtime: &Runtime,
        shutdown: CancellationToken,
    ) -> Result<ServerTls, CliError> {
        let tls = ServerTls::new(&self.store());
        match self {
            Self::Files(watcher) => {
                runtime.spawn(shutdown.run_until_cancelled_owned(watcher.run()));
            }
            Self::Acme(renewer) => {
                runtime.spawn(shutdown.run_until_cancelled_owned(renewer.run()));
            }
        }
        tls.map_err(|error| CliError::Failed(error.to_string()))
    }
}
