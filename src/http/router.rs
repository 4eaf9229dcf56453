//! Every route, in one table: the router is made of nothing else, so what it takes can be held
//! against the document. A route rejects on path and method alone, so what no route takes is a 405
//! or a 404 and nothing else.

use futures_util::future::ready;
use http::HeaderMap;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::filters::path::FullPath;
use warp::reply::Reply;

use crate::http::assets::docs_page;
use crate::http::context::{Context, Route};
use crate::http::error::ApiError;
use crate::http::server::connection::ConnectionInfo;
use crate::http::{admin, health, intake, path_pattern};

/// One path and the methods that it takes.
struct Resource {
    /// As in the document; a segment in braces is any segment.
    path: &'static str,
    /// For `Allow`: what `take` takes.
    methods: &'static str,
    /// Takes these methods and rejects the others.
    take: fn(&Context) -> Route,
}

const READ: &str = "GET, HEAD";

const RESOURCES: [Resource; 5] = [
    Resource { path: "/inbound/leads", methods: "POST", take: submit },
    Resource { path: "/health", methods: READ, take: report },
    Resource { path: "/openapi.json", methods: READ, take: document },
    Resource { path: "/docs", methods: READ, take: page },
    Resource { path: "/docs/{file}", methods: READ, take: file },
];

/// All the routes of the server.
#[must_use]
pub fn routes(context: &Context) -> Route {
    RESOURCES.iter().rev().fold(under_admin(context), |rest, resource| {
        let methods = resource.methods;
        let not_allowed = move || ApiError::MethodNotAllowed(methods).into_response();
        let taken = at(resource.path).and((resource.take)(context));
        let path = taken.or(at(resource.path).map(not_allowed)).unify();
        path.or(rest).unify().boxed()
    })
}

/// Every path with the methods that it takes.
pub fn paths() -> impl Iterator<Item = (&'static str, &'static str)> {
    RESOURCES.iter().map(|resource| (resource.path, resource.methods)).chain(admin::PATHS)
}

/// Everything under `/admin` is one route with a table of its own, and then there is nothing left.
fn under_admin(context: &Context) -> Route {
    warp::path!("admin" / ..)
        .and(with(context))
        .and(warp::method())
        .and(warp::path::full())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<ConnectionInfo>())
        .and(warp::body::stream())
        .then(admin::answer)
        .or(not_found())
        .unify()
        .boxed()
}

fn submit(context: &Context) -> Route {
    warp::post()
        .and(with(context))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(intake::submit)
        .map(Reply::into_response)
        .boxed()
}

fn report(context: &Context) -> Route {
    get_or_head().and(with(context)).map(|context| health::report(&context)).boxed()
}

fn document(_: &Context) -> Route {
    read().map(|headers| docs_page::document(&headers)).boxed()
}

fn page(_: &Context) -> Route {
    read().map(|headers| docs_page::page(&headers)).boxed()
}

fn file(_: &Context) -> Route {
    read()
        .and(warp::path::full())
        .map(|headers, path| docs_page::file(&headers, path_pattern::last(without_slash(&path))))
        .boxed()
}

/// Matches one path of the table, with or without a slash at its end.
fn at(pattern: &'static str) -> BoxedFilter<()> {
    let path_matches = move |path: FullPath| {
        let same = path_pattern::path_matches(pattern, without_slash(&path));
        ready(if same { Ok(()) } else { Err(warp::reject::not_found()) })
    };
    warp::path::full().and_then(path_matches).untuple_one().boxed()
}

fn without_slash(path: &FullPath) -> &str {
    path.as_str().strip_suffix('/').unwrap_or(path.as_str())
}

fn not_found() -> Route {
    warp::any().map(|| ApiError::NotFound.into_response()).boxed()
}

fn with(
    context: &Context,
) -> impl Filter<Extract = (Context,), Error = std::convert::Infallible> + Clone + use<> {
    let context = context.clone();
    warp::any().map(move || context.clone())
}

/// Takes GET and HEAD, with the headers.
fn read() -> impl Filter<Extract = (HeaderMap,), Error = warp::Rejection> + Clone {
    get_or_head().and(warp::header::headers_cloned())
}

fn get_or_head() -> impl Filter<Extract = (), Error = warp::Rejection> + Clone {
    warp::get().or(warp::head()).unify()
}
