//! The accept loop: HTTP/1.1 with a deadline for every wait, a cap that honest clients survive, and
//! an end that lets finish what has arrived.

pub(crate) mod client_stream;
pub(crate) mod connection;
pub(crate) mod limit;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::http::context::Route;
use crate::http::error::ApiError;
use crate::http::middleware::Middleware;
use crate::http::server::client_stream::{ClientStream, whole_response};
use crate::http::server::connection::ConnectionInfo;
use crate::http::server::limit::{ConnectionLimiter, ConnectionSlot};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;
/// The largest head of a request, in bytes.
const HEAD: usize = 16 * 1024;
/// A pause: after the system had no descriptor to give, and before connections are told to end.
const BREATH: Duration = Duration::from_millis(20);

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// ConnectionLimiter at once.
    pub connections: usize,
    /// For a whole head to arrive; also for an idle connection to send its next request.
    pub head: Duration,
    /// For a client to take a part of its answer.
    pub answer: Duration,
    /// For requests under way to end once the server is told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            drain: Duration::from_secs(5),
        }
    }
}

/// Listens on an address.
///
/// # Errors
/// The system's: the address is in use, not ours, or its port needs more rights.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` resolves, then stops accepting and lets what has arrived finish.
pub async fn serve(
    listener: TcpListener,
    routes: Route,
    cors_origins: Arc<[String]>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let server = Server {
        service: Middleware::new(routes, cors_origins),
        connections: Arc::new(ConnectionLimiter::new(limits.connections)),
        limits,
    };
    let (draining, drain) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => server.open(stream, peer, &mut tasks, &drain).await,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    server.connections.make_room();
                    sleep(BREATH).await;
                }
            },
        }
    }
    // What has arrived is served: the connections that wait to be accepted, and the requests whose
    // bytes are here and have not been looked at yet.
    for _ in 0..BACKLOG {
        let Some(Ok((stream, peer))) = listener.accept().now_or_never() else { break };
        server.open(stream, peer, &mut tasks, &drain).await;
    }
    drop(listener);
    sleep(BREATH).await;
    draining.send_replace(true);
    let ended = timeout(limits.drain, async { while tasks.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(connections = tasks.len(), "closing what did not end in time");
        tasks.shutdown().await;
    }
}

#[derive(Clone)]
struct Server {
    service: Middleware,
    connections: Arc<ConnectionLimiter>,
    limits: Limits,
}

impl Server {
    /// Gives a connection its place and its task.
    async fn open(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tasks: &mut JoinSet<()>,
        drain: &watch::Receiver<bool>,
    ) {
        while !self.connections.make_room() {
            // Every connection has its request under way; one will be done soon.
            sleep(Duration::from_millis(1)).await;
        }
        let place = self.connections.new_slot();
        let wire =
            ConnectionInfo { peer: peer.ip(), place: Arc::clone(&place), drain: drain.clone() };
        let connection = self.clone().connection(stream, wire);
        self.connections.register(&place, tasks.spawn(connection));
    }

    async fn connection(self, stream: TcpStream, wire: ConnectionInfo) {
        let _leave = ReleaseOnDrop(Arc::clone(&self.connections), Arc::clone(&wire.place));
        let mut drain = wire.drain.clone();
        // An answer is one small write; waiting to fill a packet would only delay it.
        let _ = stream.set_nodelay(true);
        let service = self.service.clone();
        let answer = service_fn(move |request| {
            let (service, wire) = (service.clone(), wire.clone());
            async move { Ok::<_, Infallible>(service.answer(request, wire).await) }
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .half_close(true)
            .max_buf_size(HEAD)
            .serve_connection(TokioIo::new(ClientStream::new(stream, self.limits.answer)), answer);
        let ended = tokio::select! {
            biased;
            ended = &mut connection => ended,
            () = async { drop(drain.wait_for(|draining| *draining).await) } => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
        };
        let Err(error) = ended else { return };
        if error.is_timeout() {
            let parts = connection.into_parts();
            if !parts.read_buf.is_empty() {
                half_sent(parts.io.into_inner()).await;
            }
        } else {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

/// Tells a client that began a request why it is not waited for.
async fn half_sent(mut io: ClientStream) {
    let late = ApiError::Timeout("The request's head did not arrive in time");
    if io.write_all(&whole_response(&late)).await.is_ok() {
        let _ = io.shutdown().await;
    }
}

/// Gives the place back however the connection ends.
struct ReleaseOnDrop(Arc<ConnectionLimiter>, Arc<ConnectionSlot>);

impl Drop for ReleaseOnDrop {
    fn drop(&mut self) {
        self.0.release(&self.1);
    }
}
