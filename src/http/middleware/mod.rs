//! What happens around every request: its id, CORS, the panic guard, one line in the log.

pub(crate) mod cors;
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

use crate::http::context::Route;
use crate::http::error::{ApiError, LoggedLead};
use crate::http::server::connection::{ConnectionInfo, StreamingBody};
use crate::http::server::limit::ConnectionSlot;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The routes with what surrounds them; cheap to clone.
#[derive(Clone)]
pub(crate) struct Middleware {
    routes: Route,
    cors_origins: Arc<[String]>,
}

impl Middleware {
    pub(crate) fn new(routes: Route, cors_origins: Arc<[String]>) -> Self {
        Self { routes, cors_origins }
    }

    /// Answers one request, whatever it is and whatever happens inside.
    pub(crate) async fn answer(
        &self,
        mut request: Request<Incoming>,
        wire: ConnectionInfo,
    ) -> Response {
        let began = Instant::now();
        let id = request_id(request.headers());
        let method = request.method().clone();
        let path = logged_path(&request);
        // The admin page is no page of the site's.
        let origin = cors::origin(request.headers(), &self.cors_origins)
            .filter(|_| !request.uri().path().starts_with("/admin"));
        let place = Arc::clone(&wire.place);
        request.extensions_mut().insert(wire);
        let mut response = self.guarded(request, &place, origin.is_some()).await;
        if response.extensions().get::<StreamingBody>().is_none() {
            place.mark_idle();
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id.clone());
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        cors::allow(headers, origin);
        log(&method, &path, &response, began, &id);
        response
    }

    async fn guarded(
        &self,
        request: Request<Incoming>,
        place: &Arc<ConnectionSlot>,
        origin_may: bool,
    ) -> Response {
        // warp 0.4.3's own path filters panic on a URI without a path.
        if request.uri().path_and_query().is_none() || !request.uri().path().starts_with('/') {
            return ApiError::BadRequest("The request's target is not a path").into_response();
        }
        if origin_may && cors::is_preflight(request.method(), request.headers()) {
            return cors::preflight();
        }
        let place = Arc::clone(place);
        let request = request.map(|body| TrackedBody::new(body, place));
        let mut routes = warp::service(self.routes.clone());
        // `call` looks at the first filter at once, so it belongs under the guard as well.
        match AssertUnwindSafe(async move { routes.call(request).await }).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            // The log has the place; the panic's own words could quote what was sent.
            Err(_) => ApiError::Internal.into_response(),
        }
    }
}

/// The client's own id of the request if it is sane, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sane = |v: &&HeaderValue| {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        (1..=128).contains(&v.len()) && v.as_bytes().iter().all(plain)
    };
    headers.get(REQUEST_ID).filter(sane).cloned().unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        let text: &str = Uuid::now_v7().hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-"))
    })
}

/// The path for the log. Ours have neither of these characters; another's could hold an address.
fn logged_path<B>(request: &Request<B>) -> String {
    let path = request.uri().path();
    if path.contains(['@', '%']) || path.len() > 100 {
        "(masked)".to_owned()
    } else {
        path.to_owned()
    }
}

fn log(method: &Method, path: &str, response: &Response, began: Instant, id: &HeaderValue) {
    let status = response.status();
    let duration_ms = began.elapsed().as_micros() as f64 / 1000.0;
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

/// A request's body that tells when it has arrived whole.
struct TrackedBody {
    body: Incoming,
    place: Arc<ConnectionSlot>,
}

impl TrackedBody {
    fn new(body: Incoming, place: Arc<ConnectionSlot>) -> Self {
        let delivery = Self { body, place };
        delivery.look();
        delivery
    }

    fn look(&self) {
        if self.body.is_end_stream() {
            self.place.mark_busy();
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
            Poll::Ready(None) => self.place.mark_busy(),
            Poll::Ready(Some(Ok(_))) => self.look(),
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
