//! `/admin/api/account`: one's own account and its sessions.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::app::staff::own_account::OwnAccountInfo;
use crate::app::staff::sessions::StaffSession;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::{authenticate, authenticate_from_page};
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::extract::cookie;
use crate::http::openapi::params;
use crate::http::openapi::responses::{AdminErrors, NotFoundError, OwnSessionErrors};
use crate::http::request::HttpRequest;
use crate::http::response::json;
use crate::store::staff::sessions::Session;

/// Get one's own account
///
/// Its second factor and its sessions.
#[utoipa::path(
    get,
    path = "/admin/api/account",
    operation_id = "getAccount",
    tag = "admin",
    responses((status = 200, description = "The account.", body = AccountDto), AdminErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn account(request: HttpRequest) -> Result<Response, ApiError> {
    let session = authenticate(&request).await?;
    let info = request.context.app.admin.own_account.info(&session).await.map_err(read_error)?;
    Ok(json(StatusCode::OK, &AccountDto::new(&session, info)))
}

/// End a session of one's own account
///
/// Ending the current one signs out.
#[utoipa::path(
    delete,
    path = "/admin/api/account/sessions/{id}",
    operation_id = "endSession",
    tag = "admin",
    params(("id" = String, Path, description = "The id of the session."), params::OriginHeader),
    responses((status = 204, description = "Ended."), NotFoundError, OwnSessionErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn end(request: HttpRequest) -> Result<Response, ApiError> {
    let session = authenticate_from_page(&request).await?;
    let mut id = [0; 32];
    hex::decode_to_slice(&request.path_param, &mut id).map_err(|_| ApiError::NotFound)?;
    let own_account = &request.context.app.admin.own_account;
    if !own_account.close_session(&session, id).await.map_err(read_error)? {
        return Err(ApiError::NotFound);
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if id == session.token_hash {
        cookie::remove_session(&request.context.origin, response.headers_mut());
    }
    Ok(response)
}

/// End all other sessions of one's own account
///
/// The current one stays.
#[utoipa::path(
    delete,
    path = "/admin/api/account/sessions",
    operation_id = "endOtherSessions",
    tag = "admin",
    params(params::OriginHeader),
    responses((status = 204, description = "Ended."), OwnSessionErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn end_others(request: HttpRequest) -> Result<Response, ApiError> {
    let session = authenticate_from_page(&request).await?;
    let own_account = &request.context.app.admin.own_account;
    own_account.close_other_sessions(&session).await.map_err(read_error)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// One's own account.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
struct AccountDto {
    name: String,
    /// Whether it has a second factor.
    totp: bool,
    /// How many recovery codes are not used.
    recovery_codes_left: usize,
    /// The one used last first.
    sessions: Vec<AccountSessionDto>,
}

/// A session of one's own account.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountSession)]
struct AccountSessionDto {
    /// Names the session; nobody can sign in with it.
    id: String,
    /// Whether it is the session of this request.
    is_current: bool,
    /// What the browser calls itself (`User-Agent`), if it did.
    #[schema(required)]
    browser: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at_utc: Timestamp,
    /// When it was last used, to within 5 minutes.
    #[schema(value_type = String, format = DateTime)]
    seen_at_utc: Timestamp,
}

impl AccountDto {
    fn new(current: &StaffSession, info: OwnAccountInfo) -> Self {
        let session = |session: Session| AccountSessionDto {
            id: hex::encode(session.token_hash),
            is_current: session.token_hash == current.token_hash,
            browser: session.browser,
            created_at_utc: session.created_at_utc,
            seen_at_utc: session.seen_at_utc,
        };
        Self {
            name: current.name.clone(),
            totp: info.totp,
            recovery_codes_left: info.recovery_codes,
            sessions: info.sessions.into_iter().map(session).collect(),
        }
    }
}
