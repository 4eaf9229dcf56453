//! The body of a request. What the handler leaves unread is discarded, so that the next request on
//! the connection can be read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::poll_fn;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::http::server::connection_limit::ConnectionSlot;

/// How much of an unread body is discarded, and for how long; beyond that, closing the connection is
/// cheaper.
const MAX_DISCARDED: u64 = 64 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// A request body, shared by the handler and the server. Marks its connection as busy when it has
/// arrived completely.
#[derive(Clone)]
pub(crate) struct RequestBody {
    state: Arc<Mutex<BodyState>>,
    slot: Arc<ConnectionSlot>,
}

struct BodyState {
    incoming: Incoming,
    progress: BodyProgress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyProgress {
    Unread,
    Reading,
    Complete,
    Failed,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, slot: Arc<ConnectionSlot>) -> Self {
        let mut progress = BodyProgress::Unread;
        if incoming.is_end_stream() {
            progress = BodyProgress::Complete;
            slot.mark_busy();
        }
        Self { state: Arc::new(Mutex::new(BodyState { incoming, progress })), slot }
    }

    /// Discards what is left of the body, within limits. Returns whether all of it has been read: only
    /// then is what follows on the connection the next request.
    pub(crate) async fn discard(&self, expects_continue: bool) -> bool {
        let (progress, least_left) = {
            let state = self.lock();
            (state.progress, state.incoming.size_hint().lower())
        };
        match progress {
            BodyProgress::Complete => return true,
            BodyProgress::Failed => return false,
            // Reading would send `100 Continue` for a body that is not wanted.
            BodyProgress::Unread if expects_continue => return false,
            _ if least_left > MAX_DISCARDED => return false,
            BodyProgress::Unread | BodyProgress::Reading => {}
        }
        timeout(DISCARD_TIMEOUT, self.discard_frames()).await.unwrap_or(false)
    }

    async fn discard_frames(&self) -> bool {
        let mut discarded = 0;
        let mut body = self.clone();
        while discarded <= MAX_DISCARDED {
            match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                Some(Ok(frame)) => discarded += frame.data_ref().map_or(0, |d| d.len() as u64),
                Some(Err(_)) => return false,
                None => return true,
            }
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, BodyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut state = self.lock();
        let frame = match state.progress {
            BodyProgress::Complete => return Poll::Ready(None),
            _ => Pin::new(&mut state.incoming).poll_frame(cx),
        };
        state.progress = match &frame {
            Poll::Ready(None) => BodyProgress::Complete,
            Poll::Ready(Some(Err(_))) => BodyProgress::Failed,
            _ if state.incoming.is_end_stream() => BodyProgress::Complete,
            _ => BodyProgress::Reading,
        };
        if state.progress == BodyProgress::Complete {
            self.slot.mark_busy();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.lock().progress == BodyProgress::Complete
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().incoming.size_hint()
    }
}
