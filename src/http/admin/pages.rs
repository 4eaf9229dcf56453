//! The admin page: its views and its files. The views are routes of one page, which shows the view
//! that its address names.

use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use warp::reply::Response;

use crate::http::assets;
use crate::http::assets::{Asset, Caching};
use crate::http::error::ApiError;
use crate::http::middleware::security_headers::{ADMIN_PAGE_CSP, ADMIN_PAGE_REFERRER_POLICY};
use crate::http::request::HttpRequest;

/// The folder of the page's files among the embedded files.
const FOLDER: &str = "admin";

/// A view of the admin page.
pub(crate) struct View {
    pub(crate) path: &'static str,
    pub(crate) operation_id: &'static str,
    pub(crate) summary: &'static str,
}

pub(crate) const VIEWS: [View; 8] = [
    view_at("/admin", "showInbox", "Show the inbox"),
    view_at("/admin/leads/{id}", "showLead", "Show a lead"),
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
    respond(&request, "index.html", Caching::Revalidate)
}

/// A file of the page. Its name contains the hash of its content.
pub(crate) async fn asset(request: HttpRequest) -> Result<Response, ApiError> {
    if request.path_param.ends_with(".html") {
        return Err(ApiError::NotFound);
    }
    respond(&request, &request.path_param, Caching::Immutable)
}

/// The name of one of the page's files, as an example for the OpenAPI document.
pub(crate) fn example_asset() -> Option<String> {
    assets::example_script(FOLDER)
}

fn respond(request: &HttpRequest, name: &str, caching: Caching) -> Result<Response, ApiError> {
    let file = Asset::embedded(&format!("{FOLDER}/{name}")).ok_or(ApiError::NotFound)?;
    let mut response = file.respond(&request.headers, caching);
    let policy = HeaderValue::from_static(ADMIN_PAGE_CSP);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static(ADMIN_PAGE_REFERRER_POLICY));
    Ok(response)
}
