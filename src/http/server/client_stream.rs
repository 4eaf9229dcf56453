//! The bytes of one connection: gives up on a client that does not read its answer, closes so that
//! an answer in flight survives, and puts hyper's own bare errors into the one error shape.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::http::error::ApiError;

/// What is read and thrown away when closing, so that the client's unread bytes do not make the
/// kernel reset the connection under an answer that is still on its way.
const LINGER_BYTES: usize = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// A client's connection.
#[derive(Debug)]
pub(crate) struct ClientStream {
    stream: TcpStream,
    patience: Duration,
    /// Runs while the client does not take what is written.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs while what the client still sends is thrown away.
    closing: Option<Closing>,
    /// An error of hyper's in our words, and how much of it is written.
    instead: Option<(Vec<u8>, usize)>,
}

#[derive(Debug)]
struct Closing {
    deadline: Pin<Box<Sleep>>,
    thrown_away: usize,
}

impl ClientStream {
    pub(crate) fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, stalled: None, closing: None, instead: None }
    }

    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(written) => {
                self.stalled = None;
                Poll::Ready(written)
            }
            Poll::Pending => {
                let patience = self.patience;
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
                ready!(stalled.as_mut().poll(cx));
                Poll::Ready(Err(ErrorKind::TimedOut.into()))
            }
        }
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
        let io = &mut *self;
        if io.instead.is_none()
            && let Some(failure) = bare_error(bytes)
        {
            io.instead = Some((whole_response(&failure), 0));
        }
        let Some((mut ours, mut done)) = io.instead.take() else {
            return io.write(cx, bytes);
        };
        while done < ours.len() {
            match io.write(cx, &ours[done..]) {
                Poll::Ready(Ok(written)) => done += written,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending => {
                    io.instead = Some((std::mem::take(&mut ours), done));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes our side first, then waits a little for the client to have read everything.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = &mut *self;
        if io.closing.is_none() {
            ready!(Pin::new(&mut io.stream).poll_shutdown(cx))?;
        }
        let closing = io.closing.get_or_insert_with(|| Closing {
            deadline: Box::pin(tokio::time::sleep_until(Instant::now() + LINGER_TIME)),
            thrown_away: 0,
        });
        let mut scratch = [0; 4096];
        while closing.thrown_away < LINGER_BYTES && closing.deadline.as_mut().poll(cx).is_pending()
        {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut io.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => closing.thrown_away += buf.filled().len(),
                // The client has closed its side too.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Recognises the head that hyper answers malformed requests with by itself: a whole response
/// without a body, and without the request id that every answer of ours has.
fn bare_error(bytes: &[u8]) -> Option<ApiError> {
    if !bytes.starts_with(b"HTTP/1.1 4") || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.to_ascii_lowercase();
    if !head.contains("\r\ncontent-length: 0\r\n") || head.contains("\r\nx-request-id:") {
        return None;
    }
    Some(match &bytes[9..12] {
        b"431" | b"414" => ApiError::HeadTooLarge,
        _ => ApiError::BadRequest("The request is not valid HTTP/1.1"),
    })
}

/// A failure as the bytes of a response that ends the connection, with its line in the log: the
/// request never became one that has a method and a path.
pub(crate) fn whole_response(failure: &ApiError) -> Vec<u8> {
    let (status, body) = failure.parts();
    let request_id = uuid::Uuid::now_v7();
    tracing::info!(method = "-", path = "-", status = status.as_u16(), %request_id, "request");
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {request_id}\r\n\
         connection: close\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}
