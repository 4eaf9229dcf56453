//! What a handler can know about the connection of its request.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{mpsc, watch};
use warp::reply::{Reply, Response};

use crate::http::server::connection_limit::ConnectionSlot;

/// The connection of a request.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionInfo {
    pub(crate) peer: IpAddr,
    pub(crate) slot: Arc<ConnectionSlot>,
    /// Becomes true when the server shuts down.
    pub(crate) draining: watch::Receiver<bool>,
}

/// Marks a response with a streaming body: the connection is busy until the body has been sent.
#[derive(Debug, Clone)]
pub(crate) struct StreamingBody;

/// A response whose body is sent part by part.
pub(crate) fn streaming_response(
    connection: &ConnectionInfo,
    mut parts: mpsc::Receiver<io::Result<Bytes>>,
) -> Response {
    let guard = MarkIdleOnDrop(Arc::clone(&connection.slot));
    let body = stream::poll_fn(move |cx| {
        let _guard = &guard;
        parts.poll_recv(cx)
    });
    let mut response = warp::reply::stream(body).into_response();
    response.extensions_mut().insert(StreamingBody);
    response
}

/// Marks the connection as idle when the body ends, however it ends.
struct MarkIdleOnDrop(Arc<ConnectionSlot>);

impl Drop for MarkIdleOnDrop {
    fn drop(&mut self) {
        self.0.mark_idle();
    }
}
