//! `/admin/api/setup`: setting an account up by a link, of the first start or of an invitation.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::staff::sessions::NewSession;
use crate::app::staff::setup::{SetupLink, SetupRequest};
use crate::domain::password::Password;
use crate::domain::staff::AccountName;
use crate::http::admin::check_origin;
use crate::http::admin::enrolment::{EnrolmentDto, revealed};
use crate::http::admin::session::{StaffSessionDto, browser_info, session_response};
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::extract::fields::Fields;
use crate::http::openapi::responses::SetupErrors;
use crate::http::openapi::{account_bodies, params};
use crate::http::request::HttpRequest;
use crate::http::response::json;

/// Get what a link is for
///
/// The token is in the body: browsers keep the address of a request, and proxies log it.
#[utoipa::path(
    post,
    path = "/admin/api/setup/link",
    operation_id = "readSetupLink",
    tag = "admin",
    params(params::OriginHeader),
    request_body = account_bodies::SetupLinkBody,
    responses((status = 200, description = "The link is valid.", body = SetupLinkDto), SetupErrors),
    security(()),
)]
pub(crate) async fn link(mut request: HttpRequest) -> Result<Response, ApiError> {
    check_origin(&request)?;
    let mut fields = Fields::parse(&request.read_json().await?)?;
    let token = fields.required("token");
    fields.check()?;
    let link = request.context.app.admin.setup.link(&token).await.map_err(read_error)?;
    let link = link.ok_or(ApiError::LinkExpired)?;
    Ok(json(StatusCode::OK, &SetupLinkDto::from(link)))
}

/// Propose a second factor for an account that is set up
///
/// Also checks the name and the password, which are not stored yet.
#[utoipa::path(
    post,
    path = "/admin/api/setup/enrolment",
    operation_id = "proposeSecondFactor",
    tag = "admin",
    params(params::OriginHeader),
    request_body = account_bodies::SetupEnrolmentBody,
    responses((status = 200, description = "A new secret.", body = EnrolmentDto), SetupErrors),
    security(()),
)]
pub(crate) async fn propose_factor(mut request: HttpRequest) -> Result<Response, ApiError> {
    let form = SetupForm::read(&mut request).await?;
    let (name, _) = form.credentials()?;
    let (enrolment, sealed) = request.context.app.admin.setup.propose(&name);
    Ok(json(StatusCode::OK, &EnrolmentDto::new(&enrolment, sealed)?))
}

/// Set an account up
///
/// Requires the token of a link: the first start prints one (valid for 30 minutes, once, and only while
/// there is no account), and `fastcore staff invite` another (24 hours, once).
#[utoipa::path(
    post,
    path = "/admin/api/setup",
    operation_id = "setUpAccount",
    tag = "admin",
    params(params::OriginHeader),
    request_body = account_bodies::SetupBody,
    responses(
        (status = 201, description = "Set up and signed in; the cookies contain the session, and a token of the browser.", body = AccountSetUpDto,
            headers(("Set-Cookie" = String, description = "The session."))),
        SetupErrors,
    ),
    security(()),
)]
pub(crate) async fn set_up_account(mut request: HttpRequest) -> Result<Response, ApiError> {
    let mut form = SetupForm::read(&mut request).await?;
    let enrolment = form.fields.optional("enrolment");
    let code = match enrolment {
        Some(_) => form.fields.required("code"),
        None => String::new(),
    };
    if enrolment.is_none() && form.requires_factor() {
        form.fields.required("enrolment");
    }
    let token = form.token.clone();
    let (name, password) = form.credentials()?;
    let setup = &request.context.app.admin.setup;
    let factor = match enrolment {
        None => None,
        Some(sealed) => {
            let proposed = setup.proposed(&sealed, &name);
            Some((proposed.ok_or_else(ApiError::enrolment_expired)?, code))
        }
    };
    let browser = browser_info(&request);
    let (session, codes) =
        setup.complete(SetupRequest { token, name, password, factor, browser }).await?;
    let NewSession { token, staff } = session;
    let name = staff.name.clone();
    let body = AccountSetUpDto { session: staff.into(), recovery_codes: revealed(&codes) };
    Ok(session_response(&request, StatusCode::CREATED, &name, &token, &body).await)
}

/// What the forms of a link have in common.
struct SetupForm {
    fields: Fields,
    token: String,
    link: SetupLink,
    name: Option<AccountName>,
    password: Option<Password>,
}

impl SetupForm {
    async fn read(request: &mut HttpRequest) -> Result<Self, ApiError> {
        check_origin(request)?;
        let mut fields = Fields::parse(&request.read_json().await?)?;
        let token = fields.required("token");
        // An expired link is reported before the errors of a form that cannot be used any more.
        if !fields.is_valid() {
            fields.required("password");
            fields.check()?;
            return Err(ApiError::Internal);
        }
        let link = request.context.app.admin.setup.link(&token).await.map_err(read_error)?;
        let link = link.ok_or(ApiError::LinkExpired)?;
        let name = match &link {
            SetupLink::FirstAccount => fields.parsed("name", AccountName::RULE, AccountName::parse),
            SetupLink::Invitation(invitation) => AccountName::parse(&invitation.name),
        };
        let password = fields.chosen_password("password", name.as_ref());
        Ok(Self { fields, token, link, name, password })
    }

    fn requires_factor(&self) -> bool {
        matches!(&self.link, SetupLink::Invitation(invitation) if invitation.totp)
    }

    /// The name and the password, if all fields are valid.
    fn credentials(self) -> Result<(AccountName, Password), ApiError> {
        self.fields.check()?;
        self.name.zip(self.password).ok_or(ApiError::Internal)
    }
}

/// What a link is for.
#[derive(Serialize, ToSchema)]
#[schema(as = SetupLink)]
struct SetupLinkDto {
    /// `first_account`: the person chooses the name.
    #[schema(value_type = String, examples("first_account", "invitation"))]
    kind: &'static str,
    /// The name of the account; `null` for the first.
    #[schema(required)]
    name: Option<String>,
    /// Whether the account gets a second factor: `optional`, `required` or `none`.
    #[schema(value_type = String, examples("required"))]
    totp: &'static str,
}

impl From<SetupLink> for SetupLinkDto {
    fn from(link: SetupLink) -> Self {
        match link {
            SetupLink::FirstAccount => Self { kind: "first_account", name: None, totp: "optional" },
            SetupLink::Invitation(invitation) => {
                let totp = if invitation.totp { "required" } else { "none" };
                Self { kind: "invitation", name: Some(invitation.name), totp }
            }
        }
    }
}

/// The session that was opened, and the recovery codes, which are not shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountSetUp)]
struct AccountSetUpDto {
    #[serde(flatten)]
    session: StaffSessionDto,
    /// Empty without a second factor.
    recovery_codes: Vec<String>,
}
