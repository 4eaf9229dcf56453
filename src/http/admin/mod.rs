//! `/admin` and `/admin/api/…`: the page and what it reads. Apart from signing in and out and
//! creating the very first account, nothing here changes anything: a stolen session cannot change
//! or delete a lead.

mod audit;
mod export;
mod figures;
mod leads;
mod live;
mod query;
mod session;
mod state;

use std::time::Duration;

use bytes::Buf;
use futures_util::Stream;
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use self::query::Query;
use super::assets::Assets;
use super::context::Context;
use super::reply::Failure;
use super::secure::Site;
use super::wire::Wire;
use crate::app::Desk;
use crate::app::staff::Staff;
use crate::store::StoreError;

const ASSETS: Assets = Assets { folder: "admin" };
const READ: &str = "GET, HEAD";

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
    let segments: Vec<&str> = path.split('/').skip(2).collect();
    let reads = method == Method::GET || method == Method::HEAD;
    match segments.as_slice() {
        ["api", "session"] => session::answer(asked, method, body).await,
        ["api", "first-account"] if method == Method::POST => session::first(asked, body).await,
        ["api", "first-account"] => Err(Failure::MethodNotAllowed("POST")),
        known if !is_known(known) => Err(Failure::NotFound),
        _ if !reads => Err(Failure::MethodNotAllowed(READ)),
        ["api", "leads"] => leads::page(asked).await,
        ["api", "leads", id] => leads::open(asked, id).await,
        ["api", "figures"] => figures::answer(asked).await,
        ["api", "audit"] => audit::page(asked).await,
        ["api", "state"] => state::answer(asked).await,
        ["api", "export"] => export::answer(asked).await,
        ["api", "live"] => live::answer(asked).await,
        ["assets", name @ ..] => Ok(ASSETS.file(&name.join("/"), &asked.headers)),
        [""] => Ok(redirect("/admin")),
        _ => Ok(ASSETS.page("index.html", &asked.headers)),
    }
}

/// The paths that can be read.
fn is_known(segments: &[&str]) -> bool {
    match segments {
        ["api", name] => {
            matches!(*name, "leads" | "figures" | "audit" | "state" | "export" | "live")
        }
        ["api", "leads", id] | ["leads", id] => !id.is_empty(),
        ["assets", ..] | [] | [""] => true,
        [view] => matches!(*view, "figures" | "audit" | "state" | "welcome" | "sign-in"),
        _ => false,
    }
}

impl Asked {
    /// Who asks.
    async fn staff(&self) -> Result<Staff, Failure> {
        let session = match session::token(&self.site, &self.headers) {
            Some(token) => self.desk.session(token).await.map_err(unread)?,
            None => None,
        };
        session.ok_or(Failure::Unauthorized("Sign in first"))
    }

    /// Refuses what a page of another server sends.
    fn check_origin(&self) -> Result<(), Failure> {
        if self.site.is_own(&self.headers) {
            Ok(())
        } else {
            Err(Failure::Forbidden("This is taken from this server's own pages alone"))
        }
    }
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
