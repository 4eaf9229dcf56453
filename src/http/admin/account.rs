//! `/admin/api/account/…`: changing one's own password and second factor. Each change asks for the present
//! password.

use http::StatusCode;
use warp::reply::Response;

use crate::app::staff::sessions::StaffSession;
use crate::domain::password::Password;
use crate::domain::staff::AccountName;
use crate::http::admin::authenticate_from_page;
use crate::http::admin::enrolment::{EnrolmentDto, RecoveryCodesDto};
use crate::http::error::ApiError;
use crate::http::extract::fields::Fields;
use crate::http::openapi::responses::{OwnAccountErrors, RecoveryCodeErrors};
use crate::http::openapi::{account_bodies, params};
use crate::http::request::HttpRequest;
use crate::http::response::json;
use crate::store::staff::rows::Account;

/// Change one's own password
///
/// Ends all other sessions of the account.
#[utoipa::path(
    post,
    path = "/admin/api/account/password",
    operation_id = "changePassword",
    tag = "admin",
    params(params::OriginHeader),
    request_body = account_bodies::PasswordChangeBody,
    responses((status = 200, description = "Changed.", body = Object), OwnAccountErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn change_password(mut request: HttpRequest) -> Result<Response, ApiError> {
    let mut form = AccountForm::read(&mut request).await?;
    let new = form.fields.chosen_password("new_password", Some(&form.name));
    let (session, account) = form.authenticate(&request).await?;
    let new = new.ok_or(ApiError::Internal)?;
    request.context.app.admin.own_account.change_password(&session, account, new).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({})))
}

/// Propose a second factor
///
/// It is set when its first code is sent.
#[utoipa::path(
    post,
    path = "/admin/api/account/enrolment",
    operation_id = "proposeOwnSecondFactor",
    tag = "admin",
    params(params::OriginHeader),
    request_body = account_bodies::PresentPasswordBody,
    responses((status = 200, description = "A new secret.", body = EnrolmentDto), OwnAccountErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn propose_factor(mut request: HttpRequest) -> Result<Response, ApiError> {
    let form = AccountForm::read(&mut request).await?;
    let name = form.name.clone();
    form.authenticate(&request).await?;
    let (enrolment, sealed) = request.context.app.admin.setup.propose(&name);
    Ok(json(StatusCode::OK, &EnrolmentDto::new(&enrolment, sealed)?))
}

/// Set or replace the second factor
///
/// Returns new recovery codes; the old ones end.
#[utoipa::path(
    post,
    path = "/admin/api/account/totp",
    operation_id = "changeSecondFactor",
    tag = "admin",
    params(params::OriginHeader),
    request_body = account_bodies::FactorChangeBody,
    responses((status = 200, description = "Changed.", body = RecoveryCodesDto), OwnAccountErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn change_factor(mut request: HttpRequest) -> Result<Response, ApiError> {
    let mut form = AccountForm::read(&mut request).await?;
    let sealed = form.fields.required("enrolment");
    let code = form.fields.required("code");
    let name = form.name.clone();
    let (_, account) = form.authenticate(&request).await?;
    let admin = &request.context.app.admin;
    let proposed = admin.setup.proposed(&sealed, &name).ok_or_else(ApiError::enrolment_expired)?;
    let codes = admin.own_account.change_factor(account, proposed, &code).await?;
    Ok(json(StatusCode::OK, &RecoveryCodesDto::new(&codes)))
}

/// Make new recovery codes
///
/// The old ones end.
#[utoipa::path(
    post,
    path = "/admin/api/account/recovery-codes",
    operation_id = "changeRecoveryCodes",
    tag = "admin",
    params(params::OriginHeader),
    request_body = account_bodies::PresentPasswordBody,
    responses((status = 200, description = "Changed.", body = RecoveryCodesDto), RecoveryCodeErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn change_recovery_codes(mut request: HttpRequest) -> Result<Response, ApiError> {
    let form = AccountForm::read(&mut request).await?;
    let (_, account) = form.authenticate(&request).await?;
    let codes = request.context.app.admin.own_account.change_recovery_codes(account).await?;
    Ok(json(StatusCode::OK, &RecoveryCodesDto::new(&codes)))
}

/// What the forms of one's own account have in common.
struct AccountForm {
    session: StaffSession,
    name: AccountName,
    password: Password,
    fields: Fields,
}

impl AccountForm {
    async fn read(request: &mut HttpRequest) -> Result<Self, ApiError> {
        let session = authenticate_from_page(request).await?;
        let mut fields = Fields::parse(&request.read_json().await?)?;
        let password = Password::from_input(&fields.required("password"));
        let name = AccountName::parse(&session.name).ok_or(ApiError::Internal)?;
        Ok(Self { session, name, password, fields })
    }

    /// The account, if all fields are valid and the present password is right.
    async fn authenticate(
        self,
        request: &HttpRequest,
    ) -> Result<(StaffSession, Account), ApiError> {
        self.fields.check()?;
        let own_account = &request.context.app.admin.own_account;
        let account = own_account.authenticate(&self.session, self.password).await?;
        Ok((self.session, account))
    }
}
