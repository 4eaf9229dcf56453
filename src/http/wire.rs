//! What a handler may know of the connection that its request came on.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{mpsc, watch};
use warp::reply::{Reply, Response};

use super::connections::Place;

/// The connection under a request.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) peer: IpAddr,
    pub(super) place: Arc<Place>,
    /// Turns true when the server ends.
    pub(super) drain: watch::Receiver<bool>,
}

/// Marks an answer whose body takes its time: the connection is at work until that is sent.
#[derive(Debug, Clone)]
pub(super) struct Lasting;

/// An answer whose body comes bit by bit.
pub(super) fn lasting(wire: &Wire, mut parts: mpsc::Receiver<io::Result<Bytes>>) -> Response {
    let sent = Sent(Arc::clone(&wire.place));
    let body = stream::poll_fn(move |cx| {
        let _sent = &sent;
        parts.poll_recv(cx)
    });
    let mut response = warp::reply::stream(body).into_response();
    response.extensions_mut().insert(Lasting);
    response
}

/// Tells, however the body ends, that the connection is idle again.
struct Sent(Arc<Place>);

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.answered();
    }
}
