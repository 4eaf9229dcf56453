//! `/admin/api/session`: signing in and out.

use http::StatusCode;
use http::header::USER_AGENT;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::app::staff::sessions::{BrowserInfo, NewSession, StaffSession};
use crate::app::staff::sign_in::{SignInError, SignInRequest, SignedIn};
use crate::domain::password::Password;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::{authenticate, check_origin, session_token};
use crate::http::context::HttpContext;
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::extract::cookie;
use crate::http::extract::fields::Fields;
use crate::http::middleware::refusals::RefusedSignIn;
use crate::http::openapi::responses::{AdminErrors, SignInErrors, SignOutErrors};
use crate::http::openapi::{account_bodies, params};
use crate::http::request::HttpRequest;
use crate::http::response::json;

/// Characters of a browser's name that are stored, at most.
const MAX_USER_AGENT_CHARS: usize = 256;

/// Get the current session
///
/// Whose session the cookie is; the page asks when it is opened.
#[utoipa::path(
    get,
    path = "/admin/api/session",
    operation_id = "getSession",
    tag = "admin",
    responses((status = 200, description = "The account.", body = StaffSessionDto), AdminErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn current(request: HttpRequest) -> Result<Response, ApiError> {
    let session = authenticate(&request).await?;
    Ok(json(StatusCode::OK, &StaffSessionDto::from(session)))
}

/// Sign in
///
/// An unknown name and a wrong password get the same response, after the same time. After a few of them, the
/// next try has to wait; a browser that has signed in before has tries of its own.
#[utoipa::path(
    post,
    path = "/admin/api/session",
    operation_id = "signIn",
    tag = "admin",
    params(params::OriginHeader),
    request_body = account_bodies::SignInBody,
    responses(
        (status = 200, description = "Signed in; the cookies contain the session, and a token of the browser.", body = SignedInDto,
            headers(("Set-Cookie" = String, description = "The session."))),
        SignInErrors,
    ),
    security(()),
)]
pub(crate) async fn sign_in(mut request: HttpRequest) -> Result<Response, ApiError> {
    check_origin(&request)?;
    let mut fields = Fields::parse(&request.read_json().await?)?;
    let (name, password) = (fields.required("name"), fields.required("password"));
    let code = fields.optional("code");
    fields.check()?;
    let password = Password::from_input(&password);
    let (client, browser) = (request.client(), browser_info(&request));
    let devices = cookie::device_tokens(&request.context.origin, &request.headers);
    let attempt = SignInRequest { name, password, code, client, devices, browser };
    let metrics = request.context.app.db.metrics();
    match request.context.app.admin.sign_in.sign_in(attempt).await {
        Ok(SignedIn { session: NewSession { token, staff }, recovery_codes_left }) => {
            metrics.count_sign_in("signed_in");
            let name = staff.name.clone();
            let body = SignedInDto { session: staff.into(), recovery_codes_left };
            Ok(session_response(&request, StatusCode::OK, &name, &token, &body).await)
        }
        Err(error) => {
            let (error, is_guess) = refusal(error);
            metrics.count_sign_in(error.code());
            let mut response = error.into_response();
            if is_guess {
                response.extensions_mut().insert(RefusedSignIn { client });
            }
            Ok(response)
        }
    }
}

/// The response to a sign-in that was refused, and whether it may have been a guess. One that only lacks the
/// code is a step of every sign-in with a second factor.
fn refusal(error: SignInError) -> (ApiError, bool) {
    let is_guess = match error {
        SignInError::Wrong | SignInError::WrongCode | SignInError::TooMany(_) => true,
        SignInError::CodeRequired | SignInError::Store(_) => false,
    };
    (ApiError::from(error), is_guess)
}

/// Sign out
///
/// Ends the session, if there is one.
#[utoipa::path(
    delete,
    path = "/admin/api/session",
    operation_id = "signOut",
    tag = "admin",
    params(params::OriginHeader),
    responses(
        (status = 204, description = "There is no session any more.",
            headers(("Set-Cookie" = String, description = "Deletes the cookie."))),
        SignOutErrors,
    ),
    security((), ("session" = []), ("session_https" = [])),
)]
pub(crate) async fn sign_out(request: HttpRequest) -> Result<Response, ApiError> {
    check_origin(&request)?;
    if let Some(token) = session_token(&request) {
        request.context.app.admin.sessions.close(&token).await.map_err(read_error)?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookie::remove_session(&request.context.origin, response.headers_mut());
    Ok(response)
}

/// The browser of a request, for the session that it opens.
pub(crate) fn browser_info(request: &HttpRequest) -> BrowserInfo {
    let user_agent = request.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(|text| text.chars().take(MAX_USER_AGENT_CHARS).collect());
    BrowserInfo { user_agent, session_token: session_token(request) }
}

/// A response with the cookies of the session that was opened, and of the device.
pub(crate) async fn session_response(
    request: &HttpRequest,
    status: StatusCode,
    account: &str,
    token: &str,
    body: &impl Serialize,
) -> Response {
    let HttpContext { origin, app, .. } = &request.context;
    let tokens = cookie::device_tokens(origin, &request.headers);
    let device = app.admin.devices.remember(account, tokens).await;
    request.account.set(account);
    let mut response = json(status, body);
    cookie::set_session(origin, response.headers_mut(), token);
    match device {
        Ok(tokens) => cookie::set_device(origin, response.headers_mut(), &tokens),
        Err(error) => tracing::warn!(%error, "the device of a sign-in is not remembered"),
    }
    response
}

/// The account that is signed in, and when the session expires if it is not used.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffSession)]
pub(crate) struct StaffSessionDto {
    name: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at_utc: Timestamp,
}

impl From<StaffSession> for StaffSessionDto {
    fn from(session: StaffSession) -> Self {
        Self { name: session.name, expires_at_utc: session.expires_at_utc }
    }
}

/// The session that was opened.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
struct SignedInDto {
    #[serde(flatten)]
    session: StaffSessionDto,
    /// After a sign-in with a recovery code: how many are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes_left: Option<usize>,
}
