//! The admin page: its views and its files. The views are routes of one page, which shows the view
//! that its address names.

use http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, VARY,
};
use http::{HeaderMap, Method, StatusCode};
use warp::reply::{Reply, Response};

use crate::http::assets;
use crate::http::assets::{Asset, Caching};
use crate::http::error::ApiError;
use crate::http::middleware::security_headers::{ADMIN_PAGE_CSP, ADMIN_PAGE_REFERRER_POLICY};
use crate::http::request::HttpRequest;

/// The folder of the page's files among the embedded files.
const FOLDER: &str = "admin";
/// The page itself.
const INDEX: &str = "index.html";
const SERVICE_WORKER: &str = "sw.js";

/// A view of the admin page.
pub(crate) struct View {
    pub(crate) path: &'static str,
    pub(crate) operation_id: &'static str,
    pub(crate) summary: &'static str,
}

pub(crate) const VIEWS: [View; 10] = [
    view_at("/admin", "showInbox", "Show the inbox"),
    view_at("/admin/leads/{id}", "showLead", "Show a lead"),
    view_at("/admin/refused", "showRefusedSubmissions", "Show the refused submissions"),
    view_at("/admin/refused/{id}", "showRefusedSubmission", "Show a refused submission"),
    view_at("/admin/stats", "showStats", "Show the stats"),
    view_at("/admin/audit", "showAuditLog", "Show the audit log"),
    view_at("/admin/status", "showServerStatus", "Show the server's status"),
    view_at("/admin/account", "showAccount", "Show one's own account"),
    view_at("/admin/setup", "showSetup", "Set an account up by a link"),
    view_at("/admin/sign-in", "showSignIn", "Sign in"),
];

const fn view_at(path: &'static str, operation_id: &'static str, summary: &'static str) -> View {
    View { path, operation_id, summary }
}

/// Any view.
pub(crate) async fn view(request: HttpRequest) -> Result<Response, ApiError> {
    respond(&request.headers, INDEX, Caching::Revalidate)
}

/// What a browser gets at an address that is no route: the root leads to the page, and below `/admin` the page
/// itself says that there is nothing. Other clients get the error as JSON.
pub(crate) fn instead_of_not_found(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response> {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !matches!(*method, Method::GET | Method::HEAD) || !accept.contains("text/html") {
        return None;
    }
    let mut response = if path == "/" {
        let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
        response.headers_mut().insert(LOCATION, HeaderValue::from_static("/admin"));
        response
    } else {
        let below = path.strip_prefix("/admin/")?;
        if ["api/", "assets/"].iter().any(|folder| below.starts_with(folder)) {
            return None;
        }
        let mut response = respond(headers, INDEX, Caching::Revalidate).ok()?;
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    Some(response)
}

/// A file of the page. Its name contains the hash of its content.
pub(crate) async fn asset(request: HttpRequest) -> Result<Response, ApiError> {
    if request.path_param.ends_with(".html") || request.path_param == SERVICE_WORKER {
        return Err(ApiError::NotFound);
    }
    respond(&request.headers, &request.path_param, Caching::Immutable)
}

/// The page's service worker. Its address stays the same, and its scope is the whole page.
pub(crate) async fn service_worker(request: HttpRequest) -> Result<Response, ApiError> {
    let mut response = respond(&request.headers, SERVICE_WORKER, Caching::Revalidate)?;
    let scope = HeaderName::from_static("service-worker-allowed");
    response.headers_mut().insert(scope, HeaderValue::from_static("/admin"));
    Ok(response)
}

/// The name of one of the page's files, as an example for the OpenAPI document.
pub(crate) fn example_asset() -> Option<String> {
    assets::example_script(FOLDER)
}

fn respond(headers: &HeaderMap, name: &str, caching: Caching) -> Result<Response, ApiError> {
    let file = Asset::embedded(&format!("{FOLDER}/{name}")).ok_or(ApiError::NotFound)?;
    let mut response = file.respond(headers, caching);
    let policy = HeaderValue::from_static(ADMIN_PAGE_CSP);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static(ADMIN_PAGE_REFERRER_POLICY));
    Ok(response)
}
