//! The HTTPS client for the authority's API.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::header::{CONTENT_TYPE, DATE, HOST, RETRY_AFTER};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient, Problem};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::http::acme::error::AcmeError;

/// For a request with its response, the connection included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// For one address of the authority: others may be reachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// Bytes of a response, at most.
const MAX_RESPONSE: usize = 1 << 20;
const PROBLEM: &str = "application/problem+json";

/// A client with a connection for each request: an order has few. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AcmeClient {
    tls: TlsConnector,
    /// How long the authority has asked to wait, at the last refusal that says so.
    retry_after: Arc<Mutex<Option<Duration>>>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl AcmeClient {
    pub(crate) fn new(roots: RootCertStore) -> Result<Self, AcmeError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| AcmeError::Roots(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), retry_after: Arc::default() })
    }

    /// How long the authority has asked to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Response<Bytes>, Failure> {
        let uri = request.uri().clone();
        let host = uri.host().ok_or("the authority's URL has no host")?;
        if uri.scheme_str() != Some("https") {
            return Err(format!("{uri} is not an https URL").into());
        }
        let stream = connect(host, uri.port_u16().unwrap_or(443)).await?;
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        let stream = self.tls.connect(name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let response = async {
            let (head, body) = sender.send_request(in_origin_form(request)?).await?.into_parts();
            let body = Limited::new(body, MAX_RESPONSE).collect().await?.to_bytes();
            Ok::<_, Failure>(Response::from_parts(head, body))
        };
        let response = response.await;
        connection.abort();
        response
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
        if let Some(wait) = wait_time(response.headers()) {
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

/// Connects to the first address that answers.
async fn connect(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let mut last: Failure = "its name has no address".into();
    for address in lookup_host((host.trim_matches(['[', ']']), port)).await? {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error.into(),
            Err(_) => last = format!("{address} does not answer").into(),
        }
    }
    Err(last)
}

/// The request as HTTP/1.1 has it: with a path, and the host in a header.
fn in_origin_form<B>(mut request: Request<B>) -> Result<Request<B>, Failure> {
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let path: Uri = path.parse()?;
    *request.uri_mut() = path;
    request.headers_mut().insert(HOST, HeaderValue::try_from(authority)?);
    Ok(request)
}

/// `Retry-After`: seconds, or a date by the clock of the authority.
fn wait_time(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let time = |name| DateTime::parse_from_rfc2822(text(name)?).ok();
    let until = || (time(RETRY_AFTER)? - time(DATE)?).to_std().ok();
    text(RETRY_AFTER)?.parse().ok().map(Duration::from_secs).or_else(until)
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
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_asks_to_wait_in_seconds_or_until_a_date() {
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static("Sat, 03 Jan 2026 10:00:00 GMT"));
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).expect("a value"));
            wait_time(&headers).map(|time| time.as_secs())
        };
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("Sat, 03 Jan 2026 11:00:00 GMT"), Some(3600));
        assert_eq!(wait("Sat, 03 Jan 2026 09:00:00 GMT"), None);
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }
}
