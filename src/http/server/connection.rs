//! What a handler may know of the connection that its request came on.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{mpsc, watch};
use warp::reply::{Reply, Response};

use crate::http::server::limit::ConnectionSlot;

/// The connection under a request.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionInfo {
    pub(crate) peer: IpAddr,
    pub(crate) place: Arc<ConnectionSlot>,
    /// Turns true when the server ends.
    pub(crate) drain: watch::Receiver<bool>,
}

/// Marks an answer whose body takes its time: the connection is at work until that is sent.
#[derive(Debug, Clone)]
pub(crate) struct StreamingBody;

/// An answer whose body comes bit by bit.
pub(crate) fn lasting(
    wire: &ConnectionInfo,
    mut parts: mpsc::Receiver<io::Result<Bytes>>,
) -> Response {
    let sent = MarkIdleOnDrop(Arc::clone(&wire.place));
    let body = stream::poll_fn(move |cx| {
        let _sent = &sent;
        parts.poll_recv(cx)
    });
    let mut response = warp::reply::stream(body).into_response();
    response.extensions_mut().insert(StreamingBody);
    response
}

/// Tells, however the body ends, that the connection is idle again.
struct MarkIdleOnDrop(Arc<ConnectionSlot>);

impl Drop for MarkIdleOnDrop {
    fn drop(&mut self) {
        self.0.mark_idle();
    }
}
