//! The HTTPS client for the authority's API.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, HttpClient, Problem};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::timeout;

use crate::http::acme::error::AcmeError;
use crate::http_client;

/// For a request with its response, the connection included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const PROBLEM: &str = "application/problem+json";

/// A client with a connection for each request: an order has few. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AcmeClient {
    client: http_client::HttpClient,
    /// How long the authority has asked to wait, at the last refusal that says so.
    retry_after: Arc<Mutex<Option<Duration>>>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl AcmeClient {
    pub(crate) fn new(roots: RootCertStore) -> Result<Self, AcmeError> {
        let client = http_client::HttpClient::new(roots);
        let client = client.map_err(|error| AcmeError::Roots(error.to_string()))?;
        Ok(Self { client, retry_after: Arc::default() })
    }

    /// How long the authority has asked to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Response<Bytes>, Failure> {
        if request.uri().scheme_str() != Some("https") {
            return Err(format!("{} is not an https URL", request.uri()).into());
        }
        Ok(self.client.send(request).await?)
    }

    /// Keeps what a refusal says of the next attempt, and refuses one that is not of ACME, such as a page of a proxy.
    fn check(
        &self,
        method: &Method,
        response: Response<Bytes>,
    ) -> Result<Response<Bytes>, Failure> {
        let status = response.status();
        if !(status.is_client_error() || status.is_server_error()) {
            return Ok(response);
        }
        if let Some(wait) = http_client::retry_after(response.headers()) {
            *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner) = Some(wait);
        }
        let kind = response.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let is_problem = kind.starts_with(PROBLEM.as_bytes());
        // The library takes the answer to a POST alone for a refusal.
        if is_problem && *method == Method::POST {
            return Ok(response);
        }
        let problem =
            serde_json::from_slice::<Problem>(response.body()).ok().filter(|_| is_problem);
        Err(match problem.and_then(|problem| problem.detail) {
            Some(detail) => format!("it answers {status}: {detail}").into(),
            None => format!("it answers {status}").into(),
        })
    }
}

impl HttpClient for AcmeClient {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            let method = request.method().clone();
            let sent = timeout(REQUEST_TIMEOUT, client.send(request)).await;
            let response = sent.unwrap_or_else(|_| Err("no answer within 30 s".into()));
            match response.and_then(|response| client.check(&method, response)) {
                Ok(response) => Ok(response.map(http_body_util::Full::new).into()),
                Err(error) => Err(instant_acme::Error::Other(
                    format!("the authority at {host}: {error}").into(),
                )),
            }
        })
    }
}

/// The roots by which the authority's HTTPS is verified: those of a PEM file, or else of the system.
pub(crate) fn roots(file: Option<&Path>) -> Result<RootCertStore, AcmeError> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(path) => {
            let failed = |cause: &dyn std::fmt::Display| {
                AcmeError::Roots(format!("{}: {cause}", path.display()))
            };
            let found = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
            for root in found {
                let root = root.map_err(|error| failed(&error))?;
                roots.add(root).map_err(|error| failed(&error))?;
            }
            if roots.is_empty() {
                return Err(failed(&"there is no certificate in it"));
            }
        }
        None => {
            roots = http_client::system_roots();
            if roots.is_empty() {
                return Err(AcmeError::Roots(
                    "this system has no root certificates: install the package ca-certificates"
                        .into(),
                ));
            }
        }
    }
    Ok(roots)
}
