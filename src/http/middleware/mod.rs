//! What surrounds every request: its id, CORS, the panic guard, one line in the log.

pub(crate) mod cors;
pub(crate) mod origin;
pub(crate) mod security_headers;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tower_service::Service as _;
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::response::LoggedLead;
use crate::http::router::Routes;
use crate::http::server::connection::{ConnectionInfo, StreamingBody};
use crate::http::server::connection_limit::ConnectionSlot;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The routes and the middleware around them; cheap to clone.
#[derive(Clone)]
pub(crate) struct Middleware {
    routes: Routes,
    cors_origins: Arc<[String]>,
}

impl Middleware {
    pub(crate) fn new(routes: Routes, cors_origins: Arc<[String]>) -> Self {
        Self { routes, cors_origins }
    }

    /// Responds to a request; a panic of its handler becomes a 500.
    pub(crate) async fn respond(
        &self,
        mut request: Request<Incoming>,
        connection: ConnectionInfo,
    ) -> Response {
        let start = Instant::now();
        let id = request_id(request.headers());
        let method = request.method().clone();
        let path = logged_path(&request);
        // No other origin may read the admin page.
        let origin = cors::allowed_origin(request.headers(), &self.cors_origins)
            .filter(|_| !request.uri().path().starts_with("/admin"));
        let slot = Arc::clone(&connection.slot);
        request.extensions_mut().insert(connection);
        let mut response = self.route(request, &slot, origin.is_some()).await;
        if response.extensions().get::<StreamingBody>().is_none() {
            slot.mark_idle();
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id.clone());
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        cors::add_headers(headers, origin);
        log(&method, &path, &response, start, &id);
        response
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        slot: &Arc<ConnectionSlot>,
        is_allowed_origin: bool,
    ) -> Response {
        // warp 0.4.3's path filters panic on a URI without a path.
        if request.uri().path_and_query().is_none() || !request.uri().path().starts_with('/') {
            return ApiError::NOT_A_PATH.into_response();
        }
        if is_allowed_origin && cors::is_preflight(request.method(), request.headers()) {
            return cors::preflight_response();
        }
        let slot = Arc::clone(slot);
        let request = request.map(|body| TrackedBody::new(body, slot));
        let mut routes = warp::service(self.routes.clone());
        // `call` polls the first filter at once, so it is inside the guard as well.
        match AssertUnwindSafe(async move { routes.call(request).await }).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            // The log contains the location only; the panic's message could quote the request.
            Err(_) => ApiError::Internal.into_response(),
        }
    }
}

/// The client's id of the request if it is valid, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_valid = |v: &&HeaderValue| {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        (1..=128).contains(&v.len()) && v.as_bytes().iter().all(plain)
    };
    headers.get(REQUEST_ID).filter(is_valid).cloned().unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        let text: &str = Uuid::now_v7().hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-"))
    })
}

/// The path for the log. The server's paths contain none of these characters; others could contain
/// an email address.
fn logged_path<B>(request: &Request<B>) -> String {
    let path = request.uri().path();
    if path.contains(['@', '%']) || path.len() > 100 {
        "(masked)".to_owned()
    } else {
        path.to_owned()
    }
}

fn log(method: &Method, path: &str, response: &Response, start: Instant, id: &HeaderValue) {
    let status = response.status();
    let duration_ms = start.elapsed().as_micros() as f64 / 1000.0;
    let request_id = id.to_str().unwrap_or("-");
    let lead_id = response.extensions().get::<LoggedLead>().map(|l| l.0.as_str());
    let (method, status_code) = (method.as_str(), status.as_u16());
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::warn!(method, path, status = status_code, duration_ms, request_id, "request");
    } else {
        tracing::info!(
            method,
            path,
            status = status_code,
            duration_ms,
            request_id,
            lead_id,
            "request"
        );
    }
}

/// A request body that marks its connection as busy when it has arrived completely.
struct TrackedBody {
    body: Incoming,
    slot: Arc<ConnectionSlot>,
}

impl TrackedBody {
    fn new(body: Incoming, slot: Arc<ConnectionSlot>) -> Self {
        let tracked = Self { body, slot };
        tracked.mark_if_complete();
        tracked
    }

    fn mark_if_complete(&self) {
        if self.body.is_end_stream() {
            self.slot.mark_busy();
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match &frame {
            Poll::Ready(None) => self.slot.mark_busy(),
            Poll::Ready(Some(Ok(_))) => self.mark_if_complete(),
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
