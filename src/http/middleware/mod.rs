//! What surrounds every request: its id, CORS, the panic guard, the unread rest of its body, its line in
//! the log.

pub(crate) mod client_address;
pub(crate) mod compression;
pub(crate) mod cors;
pub(crate) mod origin;
pub(crate) mod refusals;
pub(crate) mod request_log;
pub(crate) mod security_headers;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONNECTION, EXPECT, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Request, StatusCode, Version};
use hyper::body::Incoming;
use tower_service::Service as _;
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::header_policy::HeaderPolicy;
use crate::http::middleware::refusals::RefusedSignIn;
use crate::http::middleware::request_log::{
    LoggedRequest, RequestLog, logged_method, logged_route,
};
use crate::http::response::{LoggedAccount, LoggedLead};
use crate::http::router::{self, Routes};
use crate::http::server::connection::{ConnectionInfo, StreamingBody};
use crate::http::server::request_body::RequestBody;
use crate::metrics::Metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// How long a client may count on an idle connection; the server keeps it for longer.
const KEEP_ALIVE_PROMISE: &str = "timeout=75";

/// The routes and the middleware around them; cheap to clone.
#[derive(Clone)]
pub(crate) struct Middleware {
    routes: Routes,
    policy: HeaderPolicy,
    pub(crate) log: RequestLog,
}

impl Middleware {
    pub(crate) fn new(routes: Routes, policy: HeaderPolicy, metrics: Option<Metrics>) -> Self {
        Self { routes, policy, log: RequestLog::new(metrics) }
    }

    /// Adds the headers that every response has.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, request_id: HeaderValue) {
        headers.insert(REQUEST_ID, request_id);
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        security_headers::add(headers, self.policy.is_https);
    }

    /// Responds to a request; a panic of its handler becomes a 500.
    pub(crate) async fn respond(
        &self,
        request: Request<Incoming>,
        connection: ConnectionInfo,
    ) -> Response {
        let start = Instant::now();
        let slot = Arc::clone(&connection.slot);
        slot.mark_head_received();
        let draining = connection.draining.clone();
        let (mut head, incoming) = request.into_parts();
        let body = RequestBody::new(incoming, Arc::clone(&slot));
        let id = request_id(&head.headers);
        let method = logged_method(&head.method);
        let path = head.uri.path().to_owned();
        // No other origin may read the admin page.
        let origin = cors::allowed_origin(&head.headers, &self.policy.cors_origins)
            .filter(|_| !path.starts_with("/admin"));
        let client_closes = head.version != Version::HTTP_11 || asks_to_close(&head.headers);
        let expects_continue = head.headers.contains_key(EXPECT);
        head.extensions.insert(connection);
        let request = Request::from_parts(head, body.clone());
        let mut response = self.route(request, origin.is_some()).await;
        let duration = start.elapsed();
        // The time for the body is over when a part of it is late.
        let is_late = response.status() == StatusCode::REQUEST_TIMEOUT;
        let is_body_read = !is_late && body.discard(expects_continue).await;
        if response.extensions().get::<StreamingBody>().is_none() {
            slot.mark_idle();
        }
        let headers = response.headers_mut();
        if !is_body_read || *draining.borrow() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        } else if !client_closes && !headers.contains_key(CONNECTION) {
            headers.insert(KEEP_ALIVE, HeaderValue::from_static(KEEP_ALIVE_PROMISE));
        }
        self.add_headers(headers, id.clone());
        cors::add_headers(headers, origin);
        self.log.record(&LoggedRequest {
            method,
            route: logged_route(router::route_of(&path)),
            path: &path,
            status: response.status(),
            duration: Some(duration),
            request_id: id.to_str().unwrap_or("-"),
            lead_id: response.extensions().get::<LoggedLead>().map(|lead| lead.0.as_str()),
            account: response.extensions().get::<LoggedAccount>().map(|account| account.0.as_str()),
            refused_sign_in: response.extensions().get::<RefusedSignIn>().copied(),
        });
        response
    }

    async fn route(&self, request: Request<RequestBody>, is_allowed_origin: bool) -> Response {
        // RFC 9112, section 3.2.
        let hosts = request.headers().get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
            return ApiError::NOT_ONE_HOST.into_response();
        }
        // warp 0.4.3's path filters panic on a URI without a path.
        if request.uri().path_and_query().is_none() || !request.uri().path().starts_with('/') {
            return ApiError::NOT_A_PATH.into_response();
        }
        if is_allowed_origin && cors::is_preflight(request.method(), request.headers()) {
            return cors::preflight_response();
        }
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

/// Whether the client closes the connection after the response.
fn asks_to_close(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|v| v.split(',')).any(|option| option.trim().eq_ignore_ascii_case("close"))
}

/// The client's id of the request if it is valid, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_valid = |v: &&HeaderValue| {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        (1..=128).contains(&v.len()) && v.as_bytes().iter().all(plain)
    };
    headers.get(REQUEST_ID).filter(is_valid).cloned().unwrap_or_else(new_request_id)
}

/// A new id for a request.
pub(crate) fn new_request_id() -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    let text: &str = Uuid::now_v7().hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-"))
}
