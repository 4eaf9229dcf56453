//! How failures of the layers below become errors of HTTP.

use crate::app::export::error::ExportError;
use crate::app::intake::Refusal;
use crate::app::leads::OpenLeadError;
use crate::app::staff::own_account::OwnAccountError;
use crate::app::staff::setup::SetupError;
use crate::app::staff::sign_in::SignInError;
use crate::http::error::ApiError;
use crate::store::error::StoreError;

/// `Retry-After` where another export is not over yet, in seconds.
const EXPORT_RETRY_SECONDS: i64 = 10;

/// Logs a failed read or write of the admin API and maps it to a response.
pub(crate) fn read_error(error: StoreError) -> ApiError {
    tracing::warn!(%error, "the admin API cannot use the database");
    error.into()
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(_) | StoreError::Sqlite(_) => {
                tracing::error!(%error, "unexpected database error");
                Self::Internal
            }
            other => Self::Unavailable(format!("The database cannot be used now: {other}")),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotJson { detail, kept } => Self::InvalidJson(detail).kept_if(kept),
            Refusal::Invalid { errors, kept } => Self::Validation(errors).kept_if(kept),
            Refusal::Conflict(fields) => Self::DuplicateRequestId(format!(
                "This request_id is stored with other content in: {}",
                fields.join(", ")
            )),
            Refusal::Erased => Self::LeadErased(
                "This request_id belonged to a lead that was erased; nothing is stored",
            ),
            Refusal::Store(error) => error.into(),
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Self::Unauthorized("Wrong name or password"),
            SignInError::WrongCode => Self::Unauthorized("Wrong code"),
            SignInError::CodeRequired => Self::CodeRequired,
            SignInError::TooMany(seconds) => Self::TooManyRequests(seconds),
            SignInError::Store(error) => read_error(error),
        }
    }
}

impl From<SetupError> for ApiError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::LinkExpired => Self::LinkExpired,
            SetupError::WrongCode => Self::wrong_code(),
            SetupError::TooMany(seconds) => Self::TooManyRequests(seconds),
            SetupError::Store(error) => read_error(error),
        }
    }
}

impl From<OwnAccountError> for ApiError {
    fn from(error: OwnAccountError) -> Self {
        match error {
            OwnAccountError::WrongPassword => Self::WrongPassword,
            OwnAccountError::WrongCode => Self::wrong_code(),
            OwnAccountError::NoSecondFactor => Self::NoSecondFactor,
            OwnAccountError::TooMany(seconds) => Self::TooManyRequests(seconds),
            OwnAccountError::Store(error) => read_error(error),
        }
    }
}

impl From<OpenLeadError> for ApiError {
    fn from(error: OpenLeadError) -> Self {
        match error {
            OpenLeadError::Unknown => Self::NotFound,
            OpenLeadError::Erased => Self::ERASED,
            OpenLeadError::Store(error) => read_error(error),
        }
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Busy => Self::ExportBusy(EXPORT_RETRY_SECONDS),
            error @ (ExportError::DiskLimit(_) | ExportError::TimedOut | ExportError::Io(_)) => {
                Self::Unavailable(format!("The file cannot be written now: {error}"))
            }
        }
    }
}
