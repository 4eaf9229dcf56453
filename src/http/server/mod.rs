//! The accept loop: HTTP/1.1 with a timeout for every wait, a cap on connections, and a shutdown
//! that finishes the requests that have arrived.

pub(crate) mod client_stream;
pub(crate) mod connection;
pub(crate) mod connection_limit;
pub mod limits;
pub mod listener;
pub(crate) mod request_body;
pub mod tls;
pub(crate) mod transport;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::http::error::ApiError;
use crate::http::header_policy::HeaderPolicy;
use crate::http::middleware::request_log::REPORT_INTERVAL;
use crate::http::middleware::{Middleware, new_request_id};
use crate::http::router::Routes;
use crate::http::server::client_stream::ClientStream;
use crate::http::server::connection::ConnectionInfo;
use crate::http::server::connection_limit::{ConnectionLimiter, ConnectionSlot};
pub use crate::http::server::limits::Limits;
use crate::http::server::listener::Listener;
use crate::http::server::tls::{HandshakeError, ServerTls};
use crate::http::server::transport::Transport;
use crate::metrics::Metrics;

/// The maximum size of a request head, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// The response to plaintext where the server speaks TLS.
const BARE_400: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/// A pause: after a failed accept (no free descriptor), and before connections are asked to close.
const PAUSE: Duration = Duration::from_millis(20);

/// Serves until `stop` resolves, then stops accepting and finishes the requests that have arrived. They are
/// counted in `metrics`, if there are any.
pub async fn serve(
    listener: Listener,
    tls: Option<ServerTls>,
    routes: Routes,
    policy: HeaderPolicy,
    limits: Limits,
    metrics: Option<Metrics>,
    stop: impl Future<Output = ()>,
) {
    let server = HttpServer {
        middleware: Middleware::new(routes, policy, metrics),
        connections: Arc::new(ConnectionLimiter::new(limits.connections)),
        tls,
        limits,
    };
    let (start_draining, draining) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut stop = pin!(stop);
    let mut report = interval(REPORT_INTERVAL);
    report.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Since the last report; only the first has a line of its own.
    let mut failed_accepts: u64 = 0;
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = report.tick() => {
                server.middleware.log.report();
                if failed_accepts > 1 {
                    tracing::warn!(repeated = failed_accepts - 1, "cannot accept a connection");
                }
                failed_accepts = 0;
            }
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => server.open(stream, peer, &mut tasks, &draining).await,
                Err(error) => {
                    if failed_accepts == 0 {
                        tracing::warn!(%error, "cannot accept a connection");
                    }
                    failed_accepts += 1;
                    server.connections.make_room();
                    sleep(PAUSE).await;
                }
            },
        }
    }
    // Serve what has arrived: the connections that wait to be accepted, and the requests whose
    // bytes are in the socket buffers.
    for (stream, peer) in listener.close() {
        server.open(stream, peer, &mut tasks, &draining).await;
    }
    sleep(PAUSE).await;
    start_draining.send_replace(true);
    let ended =
        timeout(limits.drain_timeout, async { while tasks.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(
            connections = tasks.len(),
            "closing connections that did not finish in time"
        );
        tasks.shutdown().await;
    }
    server.middleware.log.report();
}

#[derive(Clone)]
struct HttpServer {
    middleware: Middleware,
    connections: Arc<ConnectionLimiter>,
    tls: Option<ServerTls>,
    limits: Limits,
}

impl HttpServer {
    /// Starts a task that serves a connection.
    async fn open(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tasks: &mut JoinSet<()>,
        draining: &watch::Receiver<bool>,
    ) {
        while !self.connections.make_room() {
            // All connections are busy; one will be idle soon.
            sleep(Duration::from_millis(1)).await;
        }
        let slot = self.connections.new_slot();
        let info =
            ConnectionInfo { peer: peer.ip(), slot: Arc::clone(&slot), draining: draining.clone() };
        let task = tasks.spawn(self.clone().serve_connection(stream, info));
        self.connections.register(&slot, task);
    }

    async fn serve_connection(self, stream: TcpStream, info: ConnectionInfo) {
        let _release = ReleaseOnDrop(Arc::clone(&self.connections), Arc::clone(&info.slot));
        let end = info.clone();
        // A response is one small write; waiting to fill a packet would only delay it.
        let _ = stream.set_nodelay(true);
        let opened = Instant::now();
        let Some(transport) = self.secure(stream, &info, opened).await else { return };
        let stream = ClientStream::new(transport, &info, opened, &self.limits);
        let middleware = self.middleware.clone();
        let service = service_fn(move |request| {
            let (middleware, info) = (middleware.clone(), info.clone());
            async move { Ok::<_, Infallible>(middleware.respond(request, info).await) }
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle_timeout)
            .half_close(true)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let ended = tokio::select! {
            biased;
            ended = &mut connection => ended,
            () = end.told_to_end(opened + self.limits.first_request_grace) => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
        };
        let Err(error) = ended else {
            // hyper leaves this out after a request that offered an upgrade, as Java's HttpClient does.
            let _ = connection.into_parts().io.into_inner().shutdown().await;
            return;
        };
        if error.is_parse() {
            // hyper has answered it without a body.
            let status = match error.is_parse_too_large() {
                true => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                false => StatusCode::BAD_REQUEST,
            };
            self.middleware.log.record_malformed(status, &error);
            return;
        }
        let parts = connection.into_parts();
        let stream = parts.io.into_inner();
        // Without a byte of a request this was an idle connection.
        if !parts.read_buf.is_empty() && (stream.is_head_late() || error.is_timeout()) {
            self.send_408(stream).await;
        } else {
            tracing::debug!(%error, "connection closed with an error");
        }
    }

    /// Begins TLS, where the server speaks it. Returns nothing where the connection is over.
    async fn secure(
        &self,
        stream: TcpStream,
        info: &ConnectionInfo,
        opened: Instant,
    ) -> Option<Transport> {
        let Some(tls) = &self.tls else { return Some(Transport::Plain(stream)) };
        let handshake = tokio::select! {
            biased;
            handshake = timeout(self.limits.head_timeout, tls.accept(stream)) => handshake,
            () = info.told_to_end(opened + self.limits.first_request_grace) => return None,
        };
        match handshake {
            Ok(Ok(stream)) => return Some(Transport::Tls(stream)),
            Ok(Err(HandshakeError::PlainHttp(stream))) => {
                let transport = Transport::Plain(stream);
                let mut stream = ClientStream::new(transport, info, opened, &self.limits);
                self.middleware.log.record_no_tls(&"plaintext HTTP on the port of HTTPS");
                if stream.write_all(BARE_400).await.is_ok() {
                    let _ = stream.shutdown().await;
                }
            }
            Ok(Err(HandshakeError::Validated)) => {
                tracing::debug!(client = %info.peer, "a host name is being validated for a certificate");
            }
            Ok(Err(HandshakeError::Failed(error))) => self.middleware.log.record_no_tls(&error),
            Err(late) => self.middleware.log.record_no_tls(&late),
        }
        None
    }

    /// Answers a request whose head did not arrive in time. hyper closes such a connection without a
    /// response.
    async fn send_408(&self, mut stream: ClientStream) {
        let error = ApiError::HEAD_TIMEOUT;
        let (status, body, request_id) = (error.status(), error.body(), new_request_id());
        self.middleware.log.record_late_head(status, request_id.to_str().unwrap_or("-"));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        self.middleware.add_headers(&mut headers, request_id);
        let mut response = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for (name, value) in &headers {
            response.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        response.extend([b"\r\n", body.as_bytes()].concat());
        if stream.write_all(&response).await.is_ok() {
            let _ = stream.shutdown().await;
        }
    }
}

/// Releases the slot however the connection ends.
struct ReleaseOnDrop(Arc<ConnectionLimiter>, Arc<ConnectionSlot>);

impl Drop for ReleaseOnDrop {
    fn drop(&mut self) {
        self.0.release(&self.1);
    }
}
