//! Asks a server for its health, as a monitoring script does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, LOCATION, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Empty;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde::Deserialize;
use tokio::time::timeout;

use crate::http_client::{HttpClient, HttpClientError, system_roots};

/// How long everything may take together.
const TIMEOUT: Duration = Duration::from_secs(5);

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
    #[error(transparent)]
    Request(#[from] HttpClientError),
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
    let client = HttpClient::with_config(tls_config(is_verified)?);
    let agent = concat!("fastcore/", env!("CARGO_PKG_VERSION"));
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_static("/health"));
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_else(|_| url.clone());
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let response = client.send(request).await?;
    let (status, location) = (response.status(), response.headers().get(LOCATION));
    if let (true, Some(location)) = (status.is_redirection(), location) {
        let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
        return Err(HealthRequestError::Redirects(location));
    }
    let health = serde_json::from_slice(response.body()).ok();
    let is_health = matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE);
    health.filter(|_| is_health).ok_or(HealthRequestError::Foreign(status))
}

fn tls_config(is_verified: bool) -> Result<ClientConfig, HttpClientError> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpClientError::Tls(error.to_string()))?;
    Ok(if is_verified {
        config.with_root_certificates(system_roots()).with_no_client_auth()
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
