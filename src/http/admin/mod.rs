//! `/admin` and `/admin/api/…`: the page and what it reads. Apart from signing in and out and
//! creating the very first account, nothing here changes anything: a stolen session cannot change
//! or delete a lead.

pub(crate) mod audit;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod leads;
pub(crate) mod session;
pub(crate) mod stats;
pub(crate) mod status;

use std::time::Duration;

use bytes::Buf;
use futures_util::Stream;
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use crate::app::admin_state::AdminState;
use crate::app::staff::sessions::StaffSession;
use crate::http::assets::Assets;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::extract::query::Query;
use crate::http::middleware::security_headers::PublicOrigin;
use crate::http::path_pattern::{last, path_matches};
use crate::http::server::connection::ConnectionInfo;
use crate::store::error::StoreError;

pub(crate) const ASSETS: Assets = Assets { folder: "admin" };
pub(crate) const READ: &str = "GET, HEAD";
pub(crate) const SESSION_METHODS: &str = "GET, HEAD, POST, DELETE";

const SESSION: &str = "/admin/api/session";
const FIRST_ACCOUNT: &str = "/admin/api/setup";
const LEADS: &str = "/admin/api/leads";
const LEAD: &str = "/admin/api/leads/{id}";
const FIGURES: &str = "/admin/api/stats";
const AUDIT: &str = "/admin/api/audit";
const STATE: &str = "/admin/api/status";
const EXPORT: &str = "/admin/api/export";
const LIVE: &str = "/admin/api/events";
const FILES: &str = "/admin/assets/";
const FILE: &str = "/admin/assets/{file*}";

/// Every path under `/admin` with the methods that it takes; what has no arm in `route` is a view
/// of the page.
pub(crate) const PATHS: [(&str, &str); 17] = [
    (SESSION, SESSION_METHODS),
    (FIRST_ACCOUNT, "POST"),
    (LEADS, READ),
    (LEAD, READ),
    (FIGURES, READ),
    (AUDIT, READ),
    (STATE, READ),
    (EXPORT, READ),
    (LIVE, READ),
    (FILE, READ),
    ("/admin", READ),
    ("/admin/leads/{id}", READ),
    ("/admin/stats", READ),
    ("/admin/audit", READ),
    ("/admin/status", READ),
    ("/admin/setup", READ),
    ("/admin/sign-in", READ),
];

/// A request for the page or its data.
pub(crate) struct AdminRequest {
    state: AdminState,
    site: PublicOrigin,
    wire: ConnectionInfo,
    headers: HeaderMap,
    query: Query,
    body_deadline: Duration,
}

/// Answers everything under `/admin`.
pub(crate) async fn answer<B: Buf>(
    context: Context,
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    wire: Option<ConnectionInfo>,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Response {
    let site = context.site.clone();
    let Some(wire) = wire else {
        return ApiError::NotFound.into_response();
    };
    let request = AdminRequest {
        state: context.app.admin,
        site: context.site,
        wire,
        headers,
        query: Query::read(&query),
        body_deadline: context.body_deadline,
    };
    let mut response =
        route(request, &method, path.as_str(), body).await.unwrap_or_else(Reply::into_response);
    site.apply(response.headers_mut());
    response
}

async fn route<B: Buf>(
    request: AdminRequest,
    method: &Method,
    path: &str,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, ApiError> {
    // A slash at the end of the front door is forgiven.
    let door = path == "/admin/";
    let sought = if door { "/admin" } else { path };
    let found = PATHS.into_iter().find(|(pattern, _)| path_matches(pattern, sought));
    let (known, methods) = found.ok_or(ApiError::NotFound)?;
    if !methods.split(", ").any(|taken| taken == method.as_str()) {
        return Err(ApiError::MethodNotAllowed(methods));
    }
    match known {
        _ if door => Ok(redirect("/admin")),
        SESSION => session::answer(request, method, body).await,
        FIRST_ACCOUNT => session::first(request, body).await,
        LEADS => leads::page(request).await,
        LEAD => leads::open(request, last(path)).await,
        FIGURES => stats::answer(request).await,
        AUDIT => audit::page(request).await,
        STATE => status::answer(request).await,
        EXPORT => export::answer(request).await,
        LIVE => events::answer(request).await,
        FILE => Ok(ASSETS.file(path.strip_prefix(FILES).unwrap_or(path), &request.headers)),
        _ => Ok(ASSETS.page("index.html", &request.headers)),
    }
}

impl AdminRequest {
    /// Who asks.
    async fn staff(&self) -> Result<StaffSession, ApiError> {
        let session = match session::token(&self.site, &self.headers) {
            Some(token) => self.state.sessions.find(token).await.map_err(unread)?,
            None => None,
        };
        session.ok_or_else(signed_out)
    }

    /// Refuses what a page of another server sends.
    fn check_origin(&self) -> Result<(), ApiError> {
        if self.site.is_same_origin(&self.headers) { Ok(()) } else { Err(foreign()) }
    }
}

/// Without a session that lives.
pub(crate) fn signed_out() -> ApiError {
    ApiError::Unauthorized("Sign in first")
}

/// From a page of another server.
pub(crate) fn foreign() -> ApiError {
    ApiError::Forbidden("This is taken from this server's own pages alone")
}

/// Why something could not be read.
pub(crate) fn unread(error: StoreError) -> ApiError {
    tracing::warn!(%error, "the admin page could not read");
    error.into()
}

fn redirect(to: &'static str) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
    response
}
