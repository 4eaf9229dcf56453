//! `GET /admin/api/events`: server-sent events (WHATWG HTML, section 9.2) that go on, after a
//! connection was lost, where they were.

use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};
use warp::reply::Response;

use crate::app::live::Subscriber;
use crate::app::live::event::{LiveEvent, SequencedEvent};
use crate::http::admin::{AdminRequest, session, unread};
use crate::http::error::ApiError;
use crate::http::openapi::admin::{LiveEventSchema, Read};
use crate::http::openapi::params;
use crate::http::server::connection;

/// How long a browser waits before it comes back, in milliseconds.
const RETRY: u32 = 2000;

/// LiveEvent happens to leads
///
/// Server-sent events, as they happen, for as long as the session lives. Every event has an `id`: a
/// client that comes back with it has missed nothing.
#[utoipa::path(
    get,
    path = "/admin/api/events",
    operation_id = "live",
    tag = "admin",
    params(params::LivePlace),
    responses(
        (status = 200, body = LiveEventSchema, content_type = "text/event-stream",
            description = "Events, each of this schema; first of all `hello`."),
        Read,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn answer(request: AdminRequest) -> Result<Response, ApiError> {
    request.staff().await?;
    let token = session::token(&request.site, &request.headers).unwrap_or_default();
    let last = request.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = last.or_else(|| request.query.get("after")).and_then(|seq| seq.trim().parse().ok());
    let (follower, at) = request.state.live.subscribe(token, after).await.map_err(unread)?;
    // Few at a time: who does not take them is noticed by the connection's own deadline.
    let (send, parts) = mpsc::channel(1);
    let hello = SequencedEvent { seq: at, event: LiveEvent::Hello { seq: at } };
    let begin = format!("retry: {RETRY}\n\n{}", text(&[hello]));
    tokio::spawn(tell(follower, begin, send, request.wire.drain.clone()));
    let mut response = connection::lasting(&request.wire, parts);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Some proxies hold back what comes bit by bit unless they are told.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

async fn tell(
    mut follower: Subscriber,
    begin: String,
    send: mpsc::Sender<io::Result<Bytes>>,
    mut drain: watch::Receiver<bool>,
) {
    let following = async {
        let mut news = begin;
        while send.send(Ok(Bytes::from(news))).await.is_ok() {
            match follower.next().await {
                Ok(Some(happenings)) => news = text(&happenings),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "a page could not be kept up to date");
                    break;
                }
            }
        }
    };
    tokio::select! {
        () = following => {}
        () = send.closed() => {}
        () = async { drop(drain.wait_for(|draining| *draining).await) } => {}
    }
}

/// Events as text; of none, a comment that keeps the connection open.
fn text(happenings: &[SequencedEvent]) -> String {
    if happenings.is_empty() {
        return ":\n\n".to_owned();
    }
    let mut text = String::new();
    for happening in happenings {
        let what = serde_json::to_value(&happening.event).unwrap_or_default();
        let (seq, name) = (happening.seq, what["event"].as_str().unwrap_or_default());
        let data = &what["data"];
        let _ = write!(text, "id: {seq}\nevent: {name}\ndata: {data}\n\n");
    }
    text
}
