//! The bytes of one connection: closes on a client that does not read its response, and closes
//! without losing a response that is still being sent.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How much is read and discarded on close, so that unread bytes of the client do not make the
/// kernel reset the connection while the response is still being sent.
const LINGER_BYTES: usize = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// The TCP stream of a client.
#[derive(Debug)]
pub(crate) struct ClientStream {
    stream: TcpStream,
    write_timeout: Duration,
    /// Runs while the client does not accept what is written.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Set while the rest of what the client sends is discarded.
    closing: Option<Closing>,
}

#[derive(Debug)]
struct Closing {
    deadline: Pin<Box<Sleep>>,
    discarded: usize,
}

impl ClientStream {
    /// `write_timeout` is how long the client may take to accept a part of its response.
    pub(crate) fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        Self { stream, write_timeout, stalled: None, closing: None }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(written) => {
                self.stalled = None;
                Poll::Ready(written)
            }
            Poll::Pending => {
                let timeout = self.write_timeout;
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
                ready!(stalled.as_mut().poll(cx));
                Poll::Ready(Err(ErrorKind::TimedOut.into()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Shuts down the sending side first, then waits a little for the client to read everything.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let closing = this.closing.get_or_insert_with(|| Closing {
            deadline: Box::pin(sleep(LINGER_TIME)),
            discarded: 0,
        });
        let mut scratch = [0; 4096];
        while closing.discarded < LINGER_BYTES && closing.deadline.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => closing.discarded += buf.filled().len(),
                // The client has closed its side too.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
