//! The second factor that the page proposes, and what confirms it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::staff::enrolment::TotpEnrolment;
use crate::domain::recovery_code::RecoveryCode;
use crate::http::error::ApiError;

/// A second factor that is proposed. It is set by sending `enrolment` back with the first code of the app.
#[derive(Serialize, ToSchema)]
#[schema(as = ProposedFactor)]
pub(crate) struct EnrolmentDto {
    /// For this server alone; valid for 30 minutes.
    enrolment: String,
    /// The secret to type into the app: base 32 in groups of four.
    secret: String,
    /// The content of the QR code, which apps open as well.
    url: String,
    /// The QR code, an SVG image.
    qr: String,
}

impl EnrolmentDto {
    pub(crate) fn new(enrolment: &TotpEnrolment, sealed: String) -> Result<Self, ApiError> {
        let qr = enrolment.qr_svg().map_err(|error| {
            tracing::error!(error, "the QR code cannot be made");
            ApiError::Internal
        })?;
        Ok(Self { enrolment: sealed, secret: enrolment.base32(), url: enrolment.url(), qr })
    }
}

/// Recovery codes, which are not shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = NewRecoveryCodes)]
pub(crate) struct RecoveryCodesDto {
    recovery_codes: Vec<String>,
}

impl RecoveryCodesDto {
    pub(crate) fn new(codes: &[RecoveryCode]) -> Self {
        Self { recovery_codes: revealed(codes) }
    }
}

/// The codes as their owner keeps them.
pub(crate) fn revealed(codes: &[RecoveryCode]) -> Vec<String> {
    codes.iter().map(RecoveryCode::reveal).collect()
}
