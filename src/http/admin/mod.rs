//! `/admin` and `/admin/api/…`: the page and what it reads. Apart from signing in and out and
//! creating the very first account, nothing here changes anything: a stolen session cannot change
//! or delete a lead.

mod audit;
mod document;
mod export;
mod figures;
mod leads;
mod live;
mod query;
mod session;
mod shape;
mod state;

use std::time::Duration;

use bytes::Buf;
use futures_util::Stream;
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::{Reply, Response};

pub(super) use self::document::document;
use self::query::Query;
use super::assets::Assets;
use super::context::Context;
use super::pattern::{fits, last};
use super::reply::Failure;
use super::secure::Site;
use super::wire::Wire;
use crate::app::Desk;
use crate::app::staff::Staff;
use crate::store::StoreError;

const ASSETS: Assets = Assets { folder: "admin" };
const READ: &str = "GET, HEAD";
const SESSION_METHODS: &str = "GET, HEAD, POST, DELETE";

const SESSION: &str = "/admin/api/session";
const FIRST_ACCOUNT: &str = "/admin/api/first-account";
const LEADS: &str = "/admin/api/leads";
const LEAD: &str = "/admin/api/leads/{id}";
const FIGURES: &str = "/admin/api/figures";
const AUDIT: &str = "/admin/api/audit";
const STATE: &str = "/admin/api/state";
const EXPORT: &str = "/admin/api/export";
const LIVE: &str = "/admin/api/live";
const FILES: &str = "/admin/assets/";
const FILE: &str = "/admin/assets/{file*}";

/// Every path under `/admin` with the methods that it takes; what has no arm in `route` is a view
/// of the page.
pub(super) const PATHS: [(&str, &str); 17] = [
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
    ("/admin/figures", READ),
    ("/admin/audit", READ),
    ("/admin/state", READ),
    ("/admin/welcome", READ),
    ("/admin/sign-in", READ),
];

/// A request for the page or its data.
struct Asked {
    desk: Desk,
    site: Site,
    wire: Wire,
    headers: HeaderMap,
    query: Query,
    body_deadline: Duration,
}

/// Answers everything under `/admin`.
pub(super) async fn answer<B: Buf>(
    context: Context,
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    wire: Option<Wire>,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Response {
    let site = context.site.clone();
    let (Some(desk), Some(wire)) = (context.app.desk, wire) else {
        return Failure::NotFound.into_response();
    };
    let asked = Asked {
        desk,
        site: context.site,
        wire,
        headers,
        query: Query::read(&query),
        body_deadline: context.body_deadline,
    };
    let mut response =
        route(asked, &method, path.as_str(), body).await.unwrap_or_else(Reply::into_response);
    site.secure(response.headers_mut());
    response
}

async fn route<B: Buf>(
    asked: Asked,
    method: &Method,
    path: &str,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, Failure> {
    // A slash at the end of the front door is forgiven.
    let door = path == "/admin/";
    let sought = if door { "/admin" } else { path };
    let found = PATHS.into_iter().find(|(pattern, _)| fits(pattern, sought));
    let (known, methods) = found.ok_or(Failure::NotFound)?;
    if !methods.split(", ").any(|taken| taken == method.as_str()) {
        return Err(Failure::MethodNotAllowed(methods));
    }
    match known {
        _ if door => Ok(redirect("/admin")),
        SESSION => session::answer(asked, method, body).await,
        FIRST_ACCOUNT => session::first(asked, body).await,
        LEADS => leads::page(asked).await,
        LEAD => leads::open(asked, last(path)).await,
        FIGURES => figures::answer(asked).await,
        AUDIT => audit::page(asked).await,
        STATE => state::answer(asked).await,
        EXPORT => export::answer(asked).await,
        LIVE => live::answer(asked).await,
        FILE => Ok(ASSETS.file(path.strip_prefix(FILES).unwrap_or(path), &asked.headers)),
        _ => Ok(ASSETS.page("index.html", &asked.headers)),
    }
}

impl Asked {
    /// Who asks.
    async fn staff(&self) -> Result<Staff, Failure> {
        let session = match session::token(&self.site, &self.headers) {
            Some(token) => self.desk.session(token).await.map_err(unread)?,
            None => None,
        };
        session.ok_or_else(signed_out)
    }

    /// Refuses what a page of another server sends.
    fn check_origin(&self) -> Result<(), Failure> {
        if self.site.is_own(&self.headers) { Ok(()) } else { Err(foreign()) }
    }
}

/// Without a session that lives.
fn signed_out() -> Failure {
    Failure::Unauthorized("Sign in first")
}

/// From a page of another server.
fn foreign() -> Failure {
    Failure::Forbidden("This is taken from this server's own pages alone")
}

/// Why something could not be read.
fn unread(error: StoreError) -> Failure {
    tracing::warn!(%error, "the admin page could not read");
    error.into()
}

fn redirect(to: &'static str) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
    response
}
