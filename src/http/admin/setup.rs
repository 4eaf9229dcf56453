//! `/admin/api/setup`: creating the first account.

use http::StatusCode;
use warp::reply::Response;

use crate::app::staff::setup::SetupRequest;
use crate::domain::staff::{AccountName, Password};
use crate::http::admin::check_origin;
use crate::http::admin::session::{StaffSessionDto, session_response};
use crate::http::error::ApiError;
use crate::http::extract::fields::Fields;
use crate::http::openapi::params;
use crate::http::openapi::responses::SetupErrors;
use crate::http::request::HttpRequest;

/// Create the first account
///
/// Requires the token of the link that the first start prints. The link is valid for 30 minutes,
/// once, and only while there is no account.
#[utoipa::path(
    post,
    path = "/admin/api/setup",
    operation_id = "createFirstAccount",
    tag = "admin",
    params(params::OriginHeader),
    request_body = params::SetupBody,
    responses(
        (status = 201, description = "Created and signed in; the cookies contain the session, and a token of the browser.", body = StaffSessionDto,
            headers(("Set-Cookie" = String, description = "The session."))),
        SetupErrors,
    ),
    security(()),
)]
pub(crate) async fn create_first_account(mut request: HttpRequest) -> Result<Response, ApiError> {
    check_origin(&request)?;
    let mut fields = Fields::parse(&request.read_json().await?)?;
    let token = fields.required("token");
    let setup = &request.context.app.admin.setup;
    // An expired link is reported before the errors of a form that cannot be used any more.
    if fields.is_valid() && !setup.accepts(&token) {
        return Err(ApiError::LinkExpired);
    }
    let name = fields.parsed("name", AccountName::RULE, AccountName::parse);
    let password = fields.parsed("password", Password::RULE, Password::parse);
    fields.check()?;
    let (Some(name), Some(password)) = (name, password) else { return Err(ApiError::Internal) };
    let session = setup.create_account(SetupRequest { token, name, password }).await?;
    Ok(session_response(&request, StatusCode::CREATED, session).await)
}
