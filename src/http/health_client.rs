//! Asks a server for its health, as a monitoring script does.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long everything may take together.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A longer body is not that of FASTCore.
const MAX_BODY: usize = 64 * 1024;

/// What a server says about its health.
#[derive(Debug, Deserialize)]
pub struct ReportedHealth {
    pub version: String,
    status: String,
    /// Why leads cannot be stored.
    detail: Option<String>,
}

impl ReportedHealth {
    /// Why leads cannot be stored; `None` while they can.
    #[must_use]
    pub fn unavailable_reason(&self) -> Option<&str> {
        (self.status != "ok").then(|| self.detail.as_deref().unwrap_or("no reason is given"))
    }
}

/// Why a server's health is not known.
#[derive(Debug, thiserror::Error)]
pub enum HealthRequestError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("no TLS: {0}")]
    Tls(String),
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Late,
    #[error("it redirects to {0}")]
    Redirects(String),
    #[error("it answers {0}, and not as FASTCore does")]
    Foreign(StatusCode),
}

/// Asks the server at a URL. Without `is_verified`, any certificate is accepted: nothing secret is sent.
///
/// # Errors
/// [`HealthRequestError`].
pub async fn get_health(
    url: &Uri,
    is_verified: bool,
) -> Result<ReportedHealth, HealthRequestError> {
    timeout(TIMEOUT, ask(url, is_verified)).await.map_err(|_| HealthRequestError::Late)?
}

async fn ask(url: &Uri, is_verified: bool) -> Result<ReportedHealth, HealthRequestError> {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_https = url.scheme_str() == Some("https");
    let port = url.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await.map_err(HealthRequestError::Connect)?;
    let response = if is_https {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| HealthRequestError::Tls(error.to_string()))?;
        let config = tls_config(is_verified).map_err(|e| HealthRequestError::Tls(e.to_string()))?;
        let secured = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        send(url, secured.map_err(|error| HealthRequestError::Tls(error.to_string()))?).await?
    } else {
        send(url, stream).await?
    };
    let (status, location) = (response.status(), response.headers().get(LOCATION).cloned());
    if let (true, Some(location)) = (status.is_redirection(), location) {
        let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
        return Err(HealthRequestError::Redirects(location));
    }
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let health = serde_json::from_slice(&body).ok();
    let is_health = matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE);
    health.filter(|_| is_health).ok_or(HealthRequestError::Foreign(status))
}

/// Sends the request on a connection of its own.
async fn send<S>(url: &Uri, stream: S) -> Result<Response<Incoming>, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = Uri::from_static("/health");
    let headers = request.headers_mut();
    let host = url.authority().map_or("", http::uri::Authority::as_str);
    if let Ok(host) = host.parse() {
        headers.insert(HOST, host);
    }
    let agent = concat!("fastcore/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, http::HeaderValue::from_static(agent));
    headers.insert(ACCEPT, http::HeaderValue::from_static("application/json"));
    sender.send_request(request).await
}

fn tls_config(is_verified: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    Ok(if is_verified {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        config.with_root_certificates(roots).with_no_client_auth()
    } else {
        let any = Arc::new(AnyCertificate(provider));
        config.dangerous().with_custom_certificate_verifier(any).with_no_client_auth()
    })
}

/// Accepts every certificate whose key the server has.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
