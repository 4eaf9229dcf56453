//! `/admin/api/session` and `/admin/api/first-account`: signing in and out.

use bytes::Buf;
use futures_util::Stream;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};
use warp::reply::{Reply, Response};

use super::super::body;
use super::super::reply::{Failure, json};
use super::super::secure::Site;
use super::document::{NoFirstAccount, NotSignedIn, NotSignedOut, Read};
use super::{Asked, SESSION_METHODS, shape, unread};
use crate::app::staff::{FirstAccount, FirstRefused, Refused, SignIn, SignedIn, Staff};
use crate::domain::fault::Fault;
use crate::domain::staff::{AccountName, Password};

/// How long a browser keeps the cookie: as long as a session can last, in seconds.
const KEPT: u32 = 7 * 24 * 3600;

pub(super) const COOKIE_OF_HTTP: &str = "fastcore_session";
pub(super) const COOKIE_OF_HTTPS: &str = "__Host-fastcore_session";

/// The cookie's name: on HTTPS one that browsers take from this host over HTTPS alone.
fn cookie_name(site: &Site) -> &'static str {
    if site.is_https() { COOKIE_OF_HTTPS } else { COOKIE_OF_HTTP }
}

/// The session's token in a request's cookies.
pub(super) fn token<'h>(site: &Site, headers: &'h HeaderMap) -> Option<&'h str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|c| c.split(';')).filter_map(|c| c.trim().split_once('='));
    pairs.find(|(name, _)| *name == cookie_name(site)).map(|(_, token)| token)
}

/// Signs in, says who is signed in, or signs out.
pub(super) async fn answer<B: Buf>(
    asked: Asked,
    method: &Method,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, Failure> {
    match *method {
        Method::GET | Method::HEAD => who(asked).await,
        Method::POST => sign_in(asked, body).await,
        Method::DELETE => sign_out(asked).await,
        _ => Err(Failure::MethodNotAllowed(SESSION_METHODS)),
    }
}

/// Who is signed in
#[utoipa::path(
    get,
    path = "/admin/api/session",
    operation_id = "whoAmI",
    tag = "admin",
    responses((status = 200, description = "The account.", body = Staff), Read),
    security(("session" = []), ("session_https" = [])),
)]
pub(super) async fn who(asked: Asked) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &asked.staff().await?))
}

/// Sign in
///
/// An unknown name and a wrong password have the same answer, after the same time.
#[utoipa::path(
    post,
    path = "/admin/api/session",
    operation_id = "signIn",
    tag = "admin",
    params(shape::FromHere),
    request_body = shape::SignInRequest,
    responses(
        (status = 200, description = "Signed in: the session is in the cookie.", body = Staff,
            headers(("Set-Cookie" = String, description = "The session."))),
        NotSignedIn,
    ),
    security(()),
)]
pub(super) async fn sign_in<B: Buf>(
    asked: Asked,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, Failure> {
    asked.check_origin()?;
    let mut fields = Fields::read(&body::json(&asked.headers, body, asked.body_deadline).await?)?;
    let (name, password) = (fields.required("name"), fields.required("password"));
    let code = fields.optional("code");
    fields.check()?;
    let password = Password::given(&password);
    let try_ = SignIn { name, password, code, peer: asked.wire.peer };
    let signed_in = asked.desk.sign_in(try_).await?;
    Ok(welcome(&asked.site, StatusCode::OK, &signed_in))
}

/// Make the first account
///
/// With the token of the link that the first start prints: for 30 minutes, once, and only while
/// there is no account.
#[utoipa::path(
    post,
    path = "/admin/api/first-account",
    operation_id = "makeFirstAccount",
    tag = "admin",
    params(shape::FromHere),
    request_body = shape::FirstAccountRequest,
    responses(
        (status = 201, description = "Made, and signed in: the session is in the cookie.", body = Staff,
            headers(("Set-Cookie" = String, description = "The session."))),
        NoFirstAccount,
    ),
    security(()),
)]
pub(super) async fn first<B: Buf>(
    asked: Asked,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Response, Failure> {
    asked.check_origin()?;
    let mut fields = Fields::read(&body::json(&asked.headers, body, asked.body_deadline).await?)?;
    let token = fields.required("token");
    if fields.faults.is_empty() && !asked.desk.is_first_link(&token) {
        return Err(Failure::LinkExpired);
    }
    let name = fields.parsed("name", AccountName::RULE, AccountName::parse);
    let password = fields.parsed("password", Password::RULE, Password::parse);
    let (Some(name), Some(password)) = (name, password) else {
        return Err(Failure::Validation(fields.faults));
    };
    fields.check()?;
    let made = asked.desk.first_account(FirstAccount { token, name, password }).await;
    let signed_in = made.map_err(|refused| match refused {
        FirstRefused::LinkExpired => Failure::LinkExpired,
        FirstRefused::Other(refused) => refused.into(),
    })?;
    Ok(welcome(&asked.site, StatusCode::CREATED, &signed_in))
}

/// Sign out
///
/// Ends the session, if there is one.
#[utoipa::path(
    delete,
    path = "/admin/api/session",
    operation_id = "signOut",
    tag = "admin",
    params(shape::FromHere),
    responses(
        (status = 204, description = "Nobody is signed in.",
            headers(("Set-Cookie" = String, description = "Takes the cookie away."))),
        NotSignedOut,
    ),
    security((), ("session" = []), ("session_https" = [])),
)]
pub(super) async fn sign_out(asked: Asked) -> Result<Response, Failure> {
    asked.check_origin()?;
    if let Some(token) = token(&asked.site, &asked.headers) {
        asked.desk.sign_out(token).await.map_err(unread)?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&asked.site, response.headers_mut(), "", 0);
    Ok(response)
}

fn welcome(site: &Site, status: StatusCode, signed_in: &SignedIn) -> Response {
    let mut response = json(status, &signed_in.staff);
    set_cookie(site, response.headers_mut(), &signed_in.token, KEPT);
    response
}

fn set_cookie(site: &Site, headers: &mut HeaderMap, token: &str, seconds: u32) {
    let secure = if site.is_https() { "; Secure" } else { "" };
    let name = cookie_name(site);
    let cookie =
        format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.insert(SET_COOKIE, cookie);
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => Self::Unauthorized("Wrong name or password"),
            Refused::WrongCode => Self::Unauthorized("Wrong code"),
            Refused::CodeRequired => Self::CodeRequired,
            Refused::TooMany(seconds) => Self::TooManyRequests(seconds),
            Refused::Store(error) => unread(error),
        }
    }
}

/// The text fields of a body.
#[derive(Default)]
pub(super) struct Fields {
    of: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Fields {
    pub(super) fn read(body: &[u8]) -> Result<Self, Failure> {
        // serde_json's own words could quote what was sent.
        let value = serde_json::from_slice(body)
            .map_err(|e| Failure::InvalidJson(format!("Not JSON at column {}", e.column())))?;
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

    pub(super) fn required(&mut self, name: &str) -> String {
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
        self.faults.push(Fault { loc, msg: msg.to_owned(), kind });
    }

    pub(super) fn check(&mut self) -> Result<(), Failure> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Failure::Validation(std::mem::take(&mut self.faults)))
        }
    }
}
