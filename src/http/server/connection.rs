//! What a handler can know about the connection of its request.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
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

impl ConnectionInfo {
    /// Returns when the server shuts down; for a connection without a request yet, not before `first_request`.
    pub(crate) async fn told_to_end(&self, first_request: Instant) {
        let mut draining = self.draining.clone();
        drop(draining.wait_for(|draining| *draining).await);
        if self.slot.steps() == 0 {
            sleep_until(first_request).await;
        }
    }
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
