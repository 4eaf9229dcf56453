//! TLS 1.2 and 1.3 in front of HTTP/1.1.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::app::certificate::store::{CHALLENGE_PROTOCOL, CertificateSource, CertificateStore};

/// The type of the first record of a handshake.
const HANDSHAKE_RECORD: u8 = 22;

/// The server's side of TLS; cheap to clone.
#[derive(Clone)]
pub struct ServerTls(TlsAcceptor);

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerTls")
    }
}

/// Why there is no TLS with a client.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    /// What it sends looks like an HTTP request.
    PlainHttp(TcpStream),
    /// It was an authority that validates a host name, and has seen what it wanted to see.
    Validated,
    /// Anything else.
    Failed(io::Error),
}

impl ServerTls {
    /// TLS with the certificate that is current at each handshake. rustls's own choice of
    /// suites and groups: all have forward secrecy and authenticated encryption.
    ///
    /// # Errors
    /// None with the provider that is built in.
    pub fn new(certificates: &CertificateStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(certificates.resolver());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if certificates.source() == CertificateSource::Acme {
            config.alpn_protocols.push(CHALLENGE_PROTOCOL.to_vec());
        }
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// The handshake. The caller limits its time.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> Result<Box<TlsStream<TcpStream>>, HandshakeError> {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1) if first[0].is_ascii_alphabetic() => Err(HandshakeError::PlainHttp(stream)),
            Ok(1) if first[0] != HANDSHAKE_RECORD => {
                let error = io::Error::new(io::ErrorKind::InvalidData, "not a TLS handshake");
                Err(HandshakeError::Failed(error))
            }
            Ok(_) => match self.0.accept(stream).await {
                // No request may follow (RFC 8737, section 3).
                Ok(mut stream)
                    if stream.get_ref().1.alpn_protocol() == Some(CHALLENGE_PROTOCOL) =>
                {
                    let _ = stream.shutdown().await;
                    Err(HandshakeError::Validated)
                }
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) => Err(HandshakeError::Failed(error)),
            },
            Err(error) => Err(HandshakeError::Failed(error)),
        }
    }
}
