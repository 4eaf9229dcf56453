//! Certificates of an authority of the test's own, and clients that trust it.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fastcore::app::certificate::pem_pair::PemPaths;
use fastcore::app::certificate::pem_watcher::PemWatcher;
use fastcore::clock::Clock;
use fastcore::http::server::tls::ServerTls;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use super::http::Client;

pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: rcgen::Certificate,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Authority of the tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("a certificate");
        Self { issuer: Issuer::new(params, key), root }
    }

    /// A certificate for `localhost` that is valid from and for so many days from now.
    pub(crate) fn issue(&self, from: i32, until: i32) -> Pair {
        self.issue_for("localhost", from, until)
    }

    /// [`Self::issue`] for another host.
    pub(crate) fn issue_for(&self, host: &str, from: i32, until: i32) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        params.not_before = day(from).into();
        params.not_after = day(until).into();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    pub(crate) fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// What a client needs that trusts this authority, and offers these protocols.
    pub(crate) fn client_config(
        &self,
        version: &'static SupportedProtocolVersion,
        protocols: &[&str],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).expect("a root");
        client_config(roots, version, protocols)
    }

    /// A client of TLS 1.3 on a connection of its own.
    pub(crate) fn connect(&self, address: SocketAddr) -> Client<TlsStream> {
        let stream = TcpStream::connect(address).expect("the server accepts");
        Client::on(handshake(stream, &self.client_config(&TLS13, &["http/1.1"])).expect("TLS"))
    }
}

/// What a client needs that trusts these roots, and offers these protocols.
pub(crate) fn client_config(
    roots: RootCertStore,
    version: &'static SupportedProtocolVersion,
    protocols: &[&str],
) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn day(from_now: i32) -> SystemTime {
    let distance = DAY * from_now.unsigned_abs();
    let now = SystemTime::now();
    if from_now < 0 { now - distance } else { now + distance }
}

/// TLS with `localhost` over a connection that is open.
pub(crate) fn handshake(
    stream: TcpStream,
    config: &Arc<ClientConfig>,
) -> std::io::Result<TlsStream> {
    handshake_with(stream, "localhost", config)
}

/// TLS with a host over a connection that is open.
pub(crate) fn handshake_with(
    mut stream: TcpStream,
    host: &'static str,
    config: &Arc<ClientConfig>,
) -> std::io::Result<TlsStream> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from(host).expect("a name");
    let mut connection =
        ClientConnection::new(Arc::clone(config), name).map_err(std::io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// TLS of a server with the pair in a folder.
pub(crate) fn server_config(folder: &Path) -> rustls::ServerConfig {
    let (certificate, key) = paths(folder);
    let chain = vec![CertificateDer::from_pem_file(certificate).expect("PEM")];
    let key = PrivateKeyDer::from_pem_file(key).expect("PEM");
    rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair")
}

/// Where the pair of a folder is.
pub(crate) fn paths(folder: &Path) -> (PathBuf, PathBuf) {
    (folder.join("cert.pem"), folder.join("key.pem"))
}

impl Pair {
    /// Writes both files, one after the other, each whole or not at all.
    pub(crate) fn write(&self, folder: &Path) {
        let (certificate, key) = paths(folder);
        for (path, text) in [(certificate, &self.certificate), (key, &self.key)] {
            let new = path.with_extension("new");
            fs::write(&new, text).expect("written");
            fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).expect("a mode");
            fs::rename(new, path).expect("renamed");
        }
    }

    /// The server's side of TLS with this pair.
    pub(crate) fn server_tls(&self) -> ServerTls {
        let folder = tempfile::tempdir().expect("a folder");
        self.write(folder.path());
        let (certificate, key) = paths(folder.path());
        let store = PemWatcher::open(PemPaths { certificate, key }, &Clock::system());
        ServerTls::new(&store.expect("a pair").store()).expect("a configuration")
    }
}
