//! Pebble, the ACME authority that Let's Encrypt tests clients with, and servers that get their certificate from it.

use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;

use super::TOKEN;
use super::binary::{command, free_address, text};
use super::http::Client;
use super::tls::{Authority, TlsStream, client_config, handshake, handshake_with};
use super::tools::find;
use super::wait_until;

/// The host of the certificates.
pub(crate) const HOST: &str = "leads.example.com";
/// Every host name is this machine's.
const DNS: &str = "pebble-challtestsrv";

/// How an authority behaves.
#[derive(Clone, Copy)]
pub(crate) struct Behaviour {
    /// The life of its certificates, in seconds.
    pub(crate) life: u64,
    /// How long it takes to begin a validation, in seconds, at most.
    pub(crate) delay: u64,
    /// Of its nonces, so many per cent are refused, and the client has to try again.
    pub(crate) refused_nonces: u8,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { life: 90 * 24 * 3600, delay: 0, refused_nonces: 5 }
    }
}

/// An authority, with the DNS that it asks; both end when this is dropped.
pub(crate) struct Pebble {
    /// Where the server whose host names it validates has to listen.
    pub(crate) listen: SocketAddr,
    address: SocketAddr,
    management: SocketAddr,
    own: Authority,
    folder: TempDir,
    processes: Vec<Child>,
}

impl Pebble {
    /// `None` where it is not installed.
    pub(crate) fn start(behaviour: Behaviour) -> Option<Self> {
        let listen = free_address();
        Self::start_for(listen, behaviour)
    }

    /// An authority that validates host names at this address.
    pub(crate) fn start_for(listen: SocketAddr, behaviour: Behaviour) -> Option<Self> {
        let (pebble, dns) = (find("pebble")?, find(DNS)?);
        let own = Authority::new();
        let folder = tempfile::tempdir().expect("a folder");
        own.issue(-1, 30).write(folder.path());
        std::fs::write(folder.path().join("root.pem"), own.root_pem()).expect("written");
        let [address, management, names, unused] = std::array::from_fn(|_| free_address());
        let config = serde_json::json!({ "pebble": {
            "listenAddress": address.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": "cert.pem",
            "privateKey": "key.pem",
            "httpPort": 1,
            "tlsPort": listen.port(),
            "certificateValidityPeriod": behaviour.life,
        }});
        std::fs::write(folder.path().join("pebble.json"), config.to_string()).expect("written");
        let run = |program: PathBuf, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(folder.path()).env_clear();
            if behaviour.delay == 0 {
                command.env("PEBBLE_VA_NOSLEEP", "1");
            }
            command.env("PEBBLE_VA_SLEEPTIME", behaviour.delay.max(1).to_string());
            command.env("PEBBLE_WFE_NONCEREJECT", behaviour.refused_nonces.to_string());
            // Each order is validated.
            command.env("PEBBLE_AUTHZREUSE", "0");
            let log = folder.path().join("pebble.log");
            let log = OpenOptions::new().create(true).append(true).open(log).expect("a log");
            command.stdout(log.try_clone().expect("a log")).stderr(log).spawn().expect("it runs")
        };
        let (names, unused) = (names.to_string(), unused.to_string());
        let unused = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", &unused];
        let answers = ["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", &names];
        let processes = vec![
            run(dns, &[&unused[..], &answers].concat()),
            run(pebble, &["-config", "pebble.json", "-strict", "-dnsserver", &names]),
        ];
        let pebble = Self { listen, address, management, own, folder, processes };
        let listens =
            || TcpStream::connect(pebble.management).is_ok() && TcpStream::connect(address).is_ok();
        // It makes RSA keys first, which takes long on a busy machine now and then.
        let begun = wait_until(listens);
        assert!(begun, "pebble listens: {}", pebble.log());
        Some(pebble)
    }

    /// What it and its DNS printed.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("pebble.log")).expect("a log")
    }

    /// A server that gets a certificate for [`HOST`] from it.
    pub(crate) fn serve_command(&self, folder: &Path) -> Command {
        self.serve_command_at(folder, self.listen)
    }

    /// [`Self::serve_command`] at an address where it does not look.
    pub(crate) fn serve_command_at(&self, folder: &Path, listen: SocketAddr) -> Command {
        let mut command = command(folder, &["serve", "--listen", &listen.to_string()]);
        command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN);
        command.env("FASTCORE_ACME_DOMAINS", HOST);
        command.env("FASTCORE_ACME_DIRECTORY", self.directory());
        command.env("FASTCORE_ACME_CA", text(&self.folder.path().join("root.pem")));
        command
    }

    pub(crate) fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.address.port())
    }

    /// What a client needs that trusts its certificates; each handshake is a full one.
    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        let stream = TcpStream::connect(self.management).expect("it answers");
        let own = self.own.client_config(&TLS13, &["http/1.1"]);
        let stream = handshake(stream, &own).expect("TLS");
        let root = Client::on(stream).request("GET", "/roots/0", &[], b"").body;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).expect("PEM")).expect("a root");
        let mut config = (*client_config(roots, &TLS13, &["http/1.1"])).clone();
        config.resumption = Resumption::disabled();
        config.into()
    }

    /// A client of a server that has its certificate from it.
    pub(crate) fn connect(&self, config: &Arc<ClientConfig>) -> Client<TlsStream> {
        Client::on(connect(self.listen, HOST, config).expect("TLS"))
    }
}

/// TLS with the server at an address, for a host.
pub(crate) fn connect(
    address: SocketAddr,
    host: &'static str,
    config: &Arc<ClientConfig>,
) -> std::io::Result<TlsStream> {
    handshake_with(TcpStream::connect(address)?, host, config)
}

/// The folder in which a server keeps what it has from an authority.
pub(crate) fn folder_of(database_folder: &Path, directory: &str) -> PathBuf {
    let name = directory.trim_start_matches("https://").replace([':', '/'], "-");
    database_folder.join("fastcore.db.acme").join(name)
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Pebble {
    /// The authority is down from now on.
    pub(crate) fn stop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
