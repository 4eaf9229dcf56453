//! `/admin/api/session` and `/admin/api/setup`: signing in and out.

use bytes::Buf;
use futures_util::Stream;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};
use warp::reply::{Reply, Response};

use crate::app::staff::sessions::{NewSession, StaffSession};
use crate::app::staff::setup::{SetupError, SetupRequest};
use crate::app::staff::sign_in::{SignInError, SignInRequest};
use crate::domain::field_error::FieldError;
use crate::domain::staff::{AccountName, Password};
use crate::http::admin::{AdminRequest, SESSION_METHODS, unread};
use crate::http::error::{ApiError, json};
use crate::http::extract::json_body;
use crate::http::middleware::security_headers::PublicOrigin;
use crate::http::openapi::admin::{NoFirstAccount, NotSignedIn, NotSignedOut, Read};
use crate::http::openapi::params;

/// How long a browser keeps the cookie: as long as a session can last, in seconds.
const KEPT: u32 = 7 * 24 * 3600;

pub(crate) const COOKIE_OF_HTTP: &str = "fastcore_session";
pub(crate) const COOKIE_OF_HTTPS: &str = "__Host-fastcore_session";

/// The cookie's name: on HTTPS one that browsers take from this host over HTTPS alone.
fn cookie_name(site: &PublicOrigin) -> &'static str {
    if site.is_https() { COOKIE_OF_HTTPS } else { COOKIE_OF_HTTP }
}

/// The session's token in a request's cookies.
pub(crate) fn token<'h>(site: &PublicOrigin, headers: &'h HeaderMap) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|c| c.split(';')).filter_map(|c| c.trim().split_once('='));
    pairs.find(|(name, _)| *name == cookie_name(site)).map(|(_, token)| token)
}

/// Signs in, says who is signed in, or signs out.
pub(crate) async fn answer<B: Buf>(
    request: AdminRequest,
    method: &Method,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, ApiError> {
    match *method {
        Method::GET | Method::HEAD => who(request).await,
        Method::POST => sign_in(request, body).await,
        Method::DELETE => sign_out(request).await,
        _ => Err(ApiError::MethodNotAllowed(SESSION_METHODS)),
    }
}

/// Who is signed in
#[utoipa::path(
    get,
    path = "/admin/api/session",
    operation_id = "whoAmI",
    tag = "admin",
    responses((status = 200, description = "The account.", body = StaffSession), Read),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn who(request: AdminRequest) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &request.staff().await?))
}

/// Sign in
///
/// An unknown name and a wrong password have the same answer, after the same time.
#[utoipa::path(
    post,
    path = "/admin/api/session",
    operation_id = "signIn",
    tag = "admin",
    params(params::FromHere),
    request_body = params::SignInRequest,
    responses(
        (status = 200, description = "Signed in: the session is in the cookie.", body = StaffSession,
            headers(("Set-Cookie" = String, description = "The session."))),
        NotSignedIn,
    ),
    security(()),
)]
pub(crate) async fn sign_in<B: Buf>(
    request: AdminRequest,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, ApiError> {
    request.check_origin()?;
    let mut fields =
        Fields::read(&json_body::json(&request.headers, body, request.body_deadline).await?)?;
    let (name, password) = (fields.required("name"), fields.required("password"));
    let code = fields.optional("code");
    fields.check()?;
    let password = Password::from_input(&password);
    let try_ = SignInRequest { name, password, code, peer: request.wire.peer };
    let signed_in = request.state.sign_in.sign_in(try_).await?;
    Ok(welcome(&request.site, StatusCode::OK, &signed_in))
}

/// Make the first account
///
/// With the token of the link that the first start prints: for 30 minutes, once, and only while
/// there is no account.
#[utoipa::path(
    post,
    path = "/admin/api/setup",
    operation_id = "makeFirstAccount",
    tag = "admin",
    params(params::FromHere),
    request_body = params::FirstAccountRequest,
    responses(
        (status = 201, description = "Made, and signed in: the session is in the cookie.", body = StaffSession,
            headers(("Set-Cookie" = String, description = "The session."))),
        NoFirstAccount,
    ),
    security(()),
)]
pub(crate) async fn first<B: Buf>(
    request: AdminRequest,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, ApiError> {
    request.check_origin()?;
    let mut fields =
        Fields::read(&json_body::json(&request.headers, body, request.body_deadline).await?)?;
    let token = fields.required("token");
    if fields.faults.is_empty() && !request.state.setup.accepts(&token) {
        return Err(ApiError::LinkExpired);
    }
    let name = fields.parsed("name", AccountName::RULE, AccountName::parse);
    let password = fields.parsed("password", Password::RULE, Password::parse);
    let (Some(name), Some(password)) = (name, password) else {
        return Err(ApiError::Validation(fields.faults));
    };
    fields.check()?;
    let made = request.state.setup.create_account(SetupRequest { token, name, password }).await;
    let signed_in = made.map_err(|refused| match refused {
        SetupError::LinkExpired => ApiError::LinkExpired,
        SetupError::TooMany(seconds) => ApiError::TooManyRequests(seconds),
        SetupError::Store(error) => unread(error),
    })?;
    Ok(welcome(&request.site, StatusCode::CREATED, &signed_in))
}

/// Sign out
///
/// Ends the session, if there is one.
#[utoipa::path(
    delete,
    path = "/admin/api/session",
    operation_id = "signOut",
    tag = "admin",
    params(params::FromHere),
    responses(
        (status = 204, description = "Nobody is signed in.",
            headers(("Set-Cookie" = String, description = "Takes the cookie away."))),
        NotSignedOut,
    ),
    security((), ("session" = []), ("session_https" = [])),
)]
pub(crate) async fn sign_out(request: AdminRequest) -> Result<Response, ApiError> {
    request.check_origin()?;
    if let Some(token) = token(&request.site, &request.headers) {
        request.state.sessions.close(token).await.map_err(unread)?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&request.site, response.headers_mut(), "", 0);
    Ok(response)
}

fn welcome(site: &PublicOrigin, status: StatusCode, signed_in: &NewSession) -> Response {
    let mut response = json(status, &signed_in.staff);
    set_cookie(site, response.headers_mut(), &signed_in.token, KEPT);
    response
}

fn set_cookie(site: &PublicOrigin, headers: &mut HeaderMap, token: &str, seconds: u32) {
    let secure = if site.is_https() { "; Secure" } else { "" };
    let name = cookie_name(site);
    let cookie =
        format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.insert(SET_COOKIE, cookie);
    }
}

impl From<SignInError> for ApiError {
    fn from(refused: SignInError) -> Self {
        match refused {
            SignInError::Wrong => Self::Unauthorized("Wrong name or password"),
            SignInError::WrongCode => Self::Unauthorized("Wrong code"),
            SignInError::CodeRequired => Self::CodeRequired,
            SignInError::TooMany(seconds) => Self::TooManyRequests(seconds),
            SignInError::Store(error) => unread(error),
        }
    }
}

/// The text fields of a body.
#[derive(Default)]
pub(crate) struct Fields {
    of: Map<String, Value>,
    faults: Vec<FieldError>,
}

impl Fields {
    pub(crate) fn read(body: &[u8]) -> Result<Self, ApiError> {
        // serde_json's own words could quote what was sent.
        let value = serde_json::from_slice(body)
            .map_err(|e| ApiError::InvalidJson(format!("Not JSON at column {}", e.column())))?;
        let of = match value {
            Value::Object(of) => of,
            _ => Map::new(),
        };
        Ok(Self { of, faults: Vec::new() })
    }

    fn optional(&mut self, name: &str) -> Option<String> {
        match self.of.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.fault(name, "this takes text", "string_type");
                None
            }
        }
    }

    pub(crate) fn required(&mut self, name: &str) -> String {
        let before = self.faults.len();
        self.optional(name).unwrap_or_else(|| {
            if self.faults.len() == before {
                self.fault(name, "this is missing", "missing");
            }
            String::new()
        })
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let before = self.faults.len();
        let parsed = parse(&self.required(name));
        if parsed.is_none() && self.faults.len() == before {
            self.fault(name, rule, "value_error");
        }
        parsed
    }

    fn fault(&mut self, name: &str, msg: &str, kind: &'static str) {
        let loc = vec!["body".to_owned(), name.to_owned()];
        self.faults.push(FieldError { loc, msg: msg.to_owned(), kind });
    }

    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Validation(std::mem::take(&mut self.faults)))
        }
    }
}
