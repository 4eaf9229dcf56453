//! Requests to other servers: HTTP/1.1, a connection for each request, no redirects followed.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::header::{DATE, HOST, RETRY_AFTER};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// For one address of a host: others may be reachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// Bytes of a response, at most.
const MAX_RESPONSE: usize = 1 << 20;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    #[error("{0}")]
    Url(&'static str),
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("no TLS: {0}")]
    Tls(String),
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("the answer cannot be read: {0}")]
    Body(Box<dyn Error + Send + Sync>),
}

/// A client; cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    tls: TlsConnector,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpClient")
    }
}

impl HttpClient {
    /// A client that verifies servers by these roots.
    ///
    /// # Errors
    /// The cryptography is not that of the binary.
    pub fn new(roots: RootCertStore) -> Result<Self, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::with_config(config))
    }

    #[must_use]
    pub fn with_config(config: ClientConfig) -> Self {
        Self { tls: TlsConnector::from(Arc::new(config)) }
    }

    /// Sends a request to an absolute `http` or `https` URL. The caller sets the deadline.
    ///
    /// # Errors
    /// [`HttpClientError`].
    pub async fn send<B>(&self, request: Request<B>) -> Result<Response<Bytes>, HttpClientError>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let uri = request.uri().clone();
        let host = uri.host().ok_or(HttpClientError::Url("the URL has no host"))?;
        let host = host.trim_matches(['[', ']']);
        match uri.scheme_str() {
            Some("https") => {
                let stream = connect(host, uri.port_u16().unwrap_or(443)).await?;
                let name = ServerName::try_from(host.to_owned());
                let name = name.map_err(|error| HttpClientError::Tls(error.to_string()))?;
                let stream = self.tls.connect(name, stream).await;
                let stream = stream.map_err(|error| HttpClientError::Tls(error.to_string()))?;
                exchange(request, stream).await
            }
            Some("http") => {
                exchange(request, connect(host, uri.port_u16().unwrap_or(80)).await?).await
            }
            _ => Err(HttpClientError::Url("the URL is neither http nor https")),
        }
    }
}

/// The roots that the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
#[must_use]
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// `Retry-After`: seconds, or a date by the clock of the server that answers.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let time = |name| DateTime::parse_from_rfc2822(text(name)?).ok();
    let until = || (time(RETRY_AFTER)? - time(DATE)?).to_std().ok();
    text(RETRY_AFTER)?.parse().ok().map(Duration::from_secs).or_else(until)
}

/// Connects to the first address that answers.
async fn connect(host: &str, port: u16) -> Result<TcpStream, HttpClientError> {
    let mut last = io::Error::other("its name has no address");
    for address in lookup_host((host, port)).await.map_err(HttpClientError::Connect)? {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::other(format!("{address} does not answer")),
        }
    }
    Err(HttpClientError::Connect(last))
}

async fn exchange<B, S>(request: Request<B>, stream: S) -> Result<Response<Bytes>, HttpClientError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = in_origin_form(request)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body =
            Limited::new(body, MAX_RESPONSE).collect().await.map_err(HttpClientError::Body)?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    let response = response.await;
    connection.abort();
    response
}

/// The request as HTTP/1.1 has it: with a path, and the host in a header.
fn in_origin_form<B>(mut request: Request<B>) -> Result<Request<B>, HttpClientError> {
    let invalid = HttpClientError::Url("the URL cannot be sent");
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let Ok(path) = path.parse::<Uri>() else { return Err(invalid) };
    let Ok(authority) = HeaderValue::try_from(authority) else { return Err(invalid) };
    *request.uri_mut() = path;
    // It comes first (RFC 9110, section 7.2).
    let headers = std::mem::take(request.headers_mut());
    request.headers_mut().insert(HOST, authority);
    request.headers_mut().extend(headers);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_to_wait_in_seconds_or_until_a_date() {
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static("Sat, 03 Jan 2026 10:00:00 GMT"));
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).expect("a value"));
            retry_after(&headers).map(|time| time.as_secs())
        };
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("Sat, 03 Jan 2026 11:00:00 GMT"), Some(3600));
        assert_eq!(wait("Sat, 03 Jan 2026 09:00:00 GMT"), None);
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }
}
