//! `/admin` and `/admin/api/…`: the admin page and the JSON that it reads. No route changes a lead:
//! a stolen session cannot change or delete one.

pub(crate) mod account;
pub(crate) mod account_sessions;
pub(crate) mod audit;
pub(crate) mod enrolment;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod lead_list_types;
pub(crate) mod lead_types;
pub(crate) mod leads;
pub(crate) mod notice_types;
pub(crate) mod pages;
pub(crate) mod refused;
pub(crate) mod search_hits;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod stats;
pub(crate) mod status;

use crate::app::staff::sessions::StaffSession;
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::extract::cookie;
use crate::http::request::HttpRequest;

fn session_token(request: &HttpRequest) -> Option<String> {
    cookie::session_token(&request.context.origin, &request.headers)
}

/// Authenticates the request by its session cookie. A page of another site has nothing to read here, and
/// some reads have effects: an opened lead and an export are recorded.
async fn authenticate(request: &HttpRequest) -> Result<StaffSession, ApiError> {
    check_fetch_site(request)?;
    let sessions = &request.context.app.admin.sessions;
    let session = match session_token(request) {
        Some(token) => sessions.find(&token).await.map_err(read_error)?,
        None => None,
    };
    let session = session.ok_or(ApiError::UNAUTHENTICATED)?;
    request.account.set(&session.name);
    Ok(session)
}

/// [`authenticate`] for a request that only a page of this server may send: one with a body, or that changes
/// something.
async fn authenticate_from_page(request: &HttpRequest) -> Result<StaffSession, ApiError> {
    check_origin(request)?;
    authenticate(request).await
}

/// Fails if a browser says that a page of another site has caused the request, or no page at all.
fn check_fetch_site(request: &HttpRequest) -> Result<(), ApiError> {
    match request.headers.get("sec-fetch-site") {
        Some(site) if site != "same-origin" => Err(ApiError::CROSS_ORIGIN),
        _ => Ok(()),
    }
}

/// Fails if the request was not sent by a page of this server.
fn check_origin(request: &HttpRequest) -> Result<(), ApiError> {
    if request.context.origin.is_same_origin(&request.headers) {
        Ok(())
    } else {
        Err(ApiError::CROSS_ORIGIN)
    }
}
