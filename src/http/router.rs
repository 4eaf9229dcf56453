//! Every route, in one table. Routing, 404, 405 with `Allow`, and the test that compares the
//! OpenAPI document with the server all read this table.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use crate::http::admin::{
    account, account_sessions, audit, events, export, leads, pages, refused, session, setup, stats,
    status,
};
use crate::http::assets::docs_page;
use crate::http::context::HttpContext;
use crate::http::error::ApiError;
use crate::http::extract::query::Query;
use crate::http::middleware::compression::Compressor;
use crate::http::middleware::security_headers;
use crate::http::openapi::document;
use crate::http::request::{AccountCell, HttpRequest};
use crate::http::response::LoggedAccount;
use crate::http::server::connection::ConnectionInfo;
use crate::http::{health, intake, metrics};

/// All routes of the server, as one warp filter.
pub type Routes = BoxedFilter<(Response,)>;

type HandlerFuture = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;
type Handler = Box<dyn Fn(HttpRequest) -> HandlerFuture + Send + Sync>;

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// One path and method with its handler.
struct Endpoint {
    method: Method,
    path: &'static str,
    handler: Handler,
}

fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        endpoint(POST, "/inbound/leads", intake::submit),
        endpoint(GET, "/health", health::health),
        endpoint(GET, "/metrics", metrics::metrics),
        endpoint(GET, "/openapi.json", |request| {
            docs_page::openapi_json(request, document::asset())
        }),
        endpoint(GET, "/docs", docs_page::page),
        endpoint(GET, "/docs/{file}", docs_page::file),
        endpoint(GET, "/admin/api/session", session::current),
        endpoint(POST, "/admin/api/session", session::sign_in),
        endpoint(DELETE, "/admin/api/session", session::sign_out),
        endpoint(POST, "/admin/api/setup/link", setup::link),
        endpoint(POST, "/admin/api/setup/enrolment", setup::propose_factor),
        endpoint(POST, "/admin/api/setup", setup::set_up_account),
        endpoint(GET, "/admin/api/account", account_sessions::account),
        endpoint(POST, "/admin/api/account/password", account::change_password),
        endpoint(POST, "/admin/api/account/enrolment", account::propose_factor),
        endpoint(POST, "/admin/api/account/totp", account::change_factor),
        endpoint(POST, "/admin/api/account/recovery-codes", account::change_recovery_codes),
        endpoint(DELETE, "/admin/api/account/sessions", account_sessions::end_others),
        endpoint(DELETE, "/admin/api/account/sessions/{id}", account_sessions::end),
        endpoint(GET, "/admin/api/leads", leads::list),
        endpoint(POST, "/admin/api/leads/search", leads::search),
        endpoint(GET, "/admin/api/leads/{id}", leads::open),
        endpoint(POST, "/admin/api/leads/{id}", leads::open_found),
        endpoint(GET, "/admin/api/refused", refused::list),
        endpoint(GET, "/admin/api/refused/{id}", refused::open),
        endpoint(GET, "/admin/api/stats", stats::stats),
        endpoint(GET, "/admin/api/audit", audit::list),
        endpoint(GET, "/admin/api/status", status::status),
        endpoint(POST, export::PATH, export::export),
        endpoint(GET, "/admin/api/events", events::events),
        endpoint(GET, "/admin/assets/{*file}", pages::asset),
        endpoint(GET, "/admin/sw.js", pages::service_worker),
    ];
    endpoints.extend(pages::VIEWS.iter().map(|view| endpoint(GET, view.path, pages::view)));
    endpoints
}

fn endpoint<F>(
    method: Method,
    path: &'static str,
    handler: impl Fn(HttpRequest) -> F + Send + Sync + 'static,
) -> Endpoint
where
    F: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    Endpoint { method, path, handler: Box::new(move |request| Box::pin(handler(request))) }
}

/// The endpoints of one path.
struct Resource {
    path: &'static str,
    /// The value of `Allow`.
    allow: String,
    endpoints: Vec<Endpoint>,
}

impl Resource {
    fn handler(&self, method: &Method) -> Option<&Handler> {
        // `HEAD` is accepted wherever `GET` is.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.endpoints.iter().find(|e| e.method == *method).map(|e| &e.handler)
    }
}

fn resources() -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    for endpoint in endpoints() {
        let name = match endpoint.method {
            Method::GET => "GET, HEAD",
            ref other => other.as_str(),
        };
        match resources.iter_mut().find(|resource| resource.path == endpoint.path) {
            Some(resource) => {
                resource.allow = format!("{}, {name}", resource.allow);
                resource.endpoints.push(endpoint);
            }
            None => resources.push(Resource {
                path: endpoint.path,
                allow: name.to_owned(),
                endpoints: vec![endpoint],
            }),
        }
    }
    resources
}

/// Every path as the OpenAPI document writes it, with its methods as `Allow` lists them.
pub fn paths() -> impl Iterator<Item = (String, String)> {
    // OpenAPI has no notation for a parameter that contains slashes.
    resources().into_iter().map(|resource| (resource.path.replace("{*", "{"), resource.allow))
}

/// Finds the resource of a path.
static TABLE: LazyLock<matchit::Router<Resource>> = LazyLock::new(|| {
    let mut matcher = matchit::Router::new();
    for resource in resources() {
        let path = resource.path;
        let inserted = matcher.insert(path, resource);
        debug_assert!(inserted.is_ok(), "{path} conflicts with another path");
    }
    matcher
});

/// The route of a path, such as `/admin/api/leads/{id}`.
pub(crate) fn route_of(path: &str) -> Option<&'static str> {
    find(path).map(|(resource, _)| resource.path)
}

/// The resource of a path, and the value of the path's parameter.
fn find(path: &str) -> Option<(&'static Resource, &str)> {
    // A trailing slash is ignored, except below `/admin/`.
    let sought = match path.strip_suffix('/') {
        Some(rest) if rest == "/admin" || !rest.starts_with("/admin/") => rest,
        _ => path,
    };
    let found = TABLE.at(sought).ok()?;
    let path_param = found.params.iter().next().map_or("", |(_, value)| value);
    Some((found.value, path_param))
}

/// The handler of a path and method, and the value of the path's parameter.
fn find_handler(path: &str, method: &Method) -> Result<(&'static Handler, String), ApiError> {
    let (resource, path_param) = find(path).ok_or(ApiError::NotFound)?;
    let handler = resource
        .handler(method)
        .ok_or_else(|| ApiError::MethodNotAllowed(resource.allow.clone()))?;
    Ok((handler, path_param.to_owned()))
}

struct Router {
    context: HttpContext,
}

/// All routes of the server.
#[must_use]
pub fn routes(context: &HttpContext) -> Routes {
    let router = Arc::new(Router { context: context.clone() });
    warp::method()
        .and(warp::path::full())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<ConnectionInfo>())
        .and(warp::body::stream())
        .then(move |method, path, query, headers, connection, body| {
            Arc::clone(&router).dispatch(method, path, query, headers, connection, body)
        })
        .boxed()
}

impl Router {
    async fn dispatch(
        self: Arc<Self>,
        method: Method,
        path: FullPath,
        query: String,
        headers: HeaderMap,
        connection: Option<ConnectionInfo>,
        body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send + Sync + 'static,
    ) -> Response {
        let path = path.as_str();
        let account = AccountCell::default();
        let compressor = Compressor::new(path, &headers);
        let response = match find_handler(path, &method) {
            // The admin page's own routing expects `/admin`.
            Ok(_) if path == "/admin/" => Ok(redirect("/admin")),
            Ok((handler, path_param)) => match connection {
                Some(connection) => {
                    let bytes = |part: Result<_, _>| part.map(into_bytes);
                    let request = HttpRequest {
                        context: self.context.clone(),
                        headers,
                        path_param,
                        query: Query::parse(&query),
                        connection,
                        body: Box::pin(body.map(bytes)),
                        account: account.clone(),
                    };
                    handler(request).await
                }
                None => {
                    tracing::error!("the request has no ConnectionInfo");
                    Err(ApiError::Internal)
                }
            },
            Err(ApiError::NotFound) => {
                pages::instead_of_not_found(&method, path, &headers).ok_or(ApiError::NotFound)
            }
            Err(error) => Err(error),
        };
        let mut response = response.unwrap_or_else(Reply::into_response);
        if let Some(account) = account.get() {
            response.extensions_mut().insert(LoggedAccount(account.to_owned()));
        }
        if path == export::PATH {
            security_headers::allow_own_frames(response.headers_mut());
        }
        compressor.apply(response).await
    }
}

/// Without a copy where the buffer is `Bytes`, as hyper's is.
fn into_bytes(mut part: impl Buf) -> Bytes {
    part.copy_to_bytes(part.remaining())
}

fn redirect(location: &'static str) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}
