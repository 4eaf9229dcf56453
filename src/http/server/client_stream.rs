//! The bytes of one connection: closes on a client that does not finish its request head or does not
//! read its response, and closes without losing a response that is still being sent.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::http::server::connection::ConnectionInfo;
use crate::http::server::connection_limit::ConnectionSlot;
use crate::http::server::limits::Limits;
use crate::http::server::transport::Transport;

/// How much is read and discarded on close. Unread bytes of the client would make the kernel reset the
/// connection, and many clients send their whole body before they read: the reset takes the response
/// from them. Such a connection is the first to be closed at the cap.
const LINGER_BYTES: usize = 64 << 20;
const LINGER_TIME: Duration = Duration::from_secs(30);
/// How long a client may pause meanwhile; at a shutdown, which waits for it.
const LINGER_PAUSE: Duration = Duration::from_secs(5);
const LINGER_PAUSE_DRAINING: Duration = Duration::from_secs(1);

/// The stream of a client.
#[derive(Debug)]
pub(crate) struct ClientStream {
    stream: Transport,
    slot: Arc<ConnectionSlot>,
    draining: watch::Receiver<bool>,
    head: HeadDeadline,
    write_timeout: Duration,
    /// Runs while the client does not accept what is written.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Set while the rest of what the client sends is discarded.
    closing: Option<Closing>,
}

#[derive(Debug)]
struct Closing {
    began: Instant,
    /// When the client sent something last.
    heard: Instant,
    discarded: usize,
    timer: Pin<Box<Sleep>>,
}

impl Closing {
    fn new() -> Self {
        let now = Instant::now();
        Self { began: now, heard: now, discarded: 0, timer: Box::pin(sleep(LINGER_PAUSE)) }
    }

    /// Ready when the client has sent for too long, too much, or nothing for `pause`.
    fn poll_over(&mut self, cx: &mut Context<'_>, pause: Duration) -> Poll<()> {
        if self.discarded >= LINGER_BYTES {
            return Poll::Ready(());
        }
        let end = (self.heard + pause).min(self.began + LINGER_TIME);
        self.timer.as_mut().reset(end);
        self.timer.as_mut().poll(cx)
    }
}

/// Limits how long a request head may take, from its first byte on. Between requests it does not run;
/// how long a connection may be idle is the server's to limit.
#[derive(Debug)]
struct HeadDeadline {
    timeout: Duration,
    /// When the connection was opened, until its first head has arrived.
    opened: Option<Instant>,
    /// [`ConnectionSlot::steps`] when something was read last.
    steps: u64,
    /// Whether bytes of the head have arrived. A new connection counts as having sent some.
    is_started: bool,
    timer: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

impl HeadDeadline {
    /// To be called before each read.
    fn follow(&mut self, steps: u64) {
        if self.steps != steps {
            (self.steps, self.is_started, self.timer) = (steps, false, None);
            self.opened = None;
        }
    }

    fn is_awaiting_head(&self) -> bool {
        self.steps.is_multiple_of(2)
    }

    /// Ready when a head that has begun to arrive is late.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_started || !self.is_awaiting_head() {
            return Poll::Pending;
        }
        let end = self.opened.unwrap_or_else(Instant::now) + self.timeout;
        ready!(self.timer.get_or_insert_with(|| Box::pin(sleep_until(end))).as_mut().poll(cx));
        self.is_over = true;
        Poll::Ready(())
    }
}

impl ClientStream {
    /// The stream of a connection that was opened at this moment; the handshake of TLS is part of the time for
    /// the first head.
    pub(crate) fn new(
        stream: Transport,
        info: &ConnectionInfo,
        opened: Instant,
        limits: &Limits,
    ) -> Self {
        let (slot, draining) = (Arc::clone(&info.slot), info.draining.clone());
        let head = HeadDeadline {
            timeout: limits.head_timeout,
            opened: Some(opened),
            steps: slot.steps(),
            is_started: true,
            timer: None,
            is_over: false,
        };
        let write_timeout = limits.write_timeout;
        Self { stream, slot, draining, head, write_timeout, stalled: None, closing: None }
    }

    /// Fails where the client has not accepted anything for too long.
    fn limit_stall<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.write_timeout;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(cx));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// Whether reading failed because a request head was late.
    pub(crate) fn is_head_late(&self) -> bool {
        self.head.is_over
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.head.follow(this.slot.steps());
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Ready(read) => {
                this.head.is_started |= buf.filled().len() > before;
                Poll::Ready(read)
            }
            Poll::Pending => {
                ready!(this.head.poll_over(cx));
                Poll::Ready(Err(ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.limit_stall(cx, written)
    }

    /// Over TLS, what was written may still wait to be sent.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.limit_stall(cx, flushed)
    }

    /// Shuts down the sending side first, then discards what the client still sends, for a while.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.closing.is_none() {
            let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.limit_stall(cx, shut))?;
            this.slot.mark_closing();
        }
        let closing = this.closing.get_or_insert_with(Closing::new);
        // The task polls this again when the server begins to drain.
        let pause = match *this.draining.borrow() {
            true => LINGER_PAUSE_DRAINING,
            false => LINGER_PAUSE,
        };
        let mut scratch = [0; 16 * 1024];
        while closing.poll_over(cx, pause).is_pending() {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(this.stream.poll_discard(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {
                    closing.discarded += buf.filled().len();
                    closing.heard = Instant::now();
                }
                // The client has closed its side too.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
