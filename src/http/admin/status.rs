//! `GET /admin/api/status`.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::certificate::store::{CertificateSource, CertificateStatus};
use crate::app::status::chain_monitor::ChainStatus;
use crate::app::status::facts::{LastBackup, StatusWarning};
use crate::app::status::server_status::{
    CanaryStatus, DatabaseStatus, RetentionStatus, ServerStatus, StorageStatus,
};
use crate::domain::recorded::Recorded;
use crate::domain::timestamp::Timestamp;
use crate::http::admin::authenticate;
use crate::http::admin::notice_types::NoticeChannelDto;
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::openapi::responses::AdminErrors;
use crate::http::request::HttpRequest;
use crate::http::response::json;

/// Get the server's status
///
/// Sizes, the last lead and backup, how far the hash chain was verified, and warnings.
#[utoipa::path(
    get,
    path = "/admin/api/status",
    operation_id = "getServerStatus",
    tag = "admin",
    responses((status = 200, description = "The status.", body = ServerStatusDto), AdminErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn status(request: HttpRequest) -> Result<Response, ApiError> {
    authenticate(&request).await?;
    let status = request.context.app.admin.status.read().await.map_err(read_error)?;
    Ok(json(StatusCode::OK, &ServerStatusDto::from(status)))
}

/// The server's status.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerStatus)]
struct ServerStatusDto {
    version: &'static str,
    database: DatabaseStatusDto,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_lead_at_utc: Option<Timestamp>,
    #[schema(required)]
    last_backup: Option<LastBackupDto>,
    chain: ChainStatusDto,
    health: StorageStatusDto,
    #[schema(required)]
    retention: Option<RetentionStatusDto>,
    /// The channels by which staff hear of new leads; null where they cannot be read.
    #[schema(required)]
    notice_channels: Option<Vec<NoticeChannelDto>>,
    #[schema(required)]
    canary: Option<CanaryStatusDto>,
    #[schema(required)]
    certificate: Option<CertificateStatusDto>,
    warnings: Vec<StatusWarningDto>,
}

/// Sizes in bytes, and row counts.
#[derive(Serialize, ToSchema)]
#[schema(as = DatabaseStatus)]
struct DatabaseStatusDto {
    bytes: u64,
    wal_bytes: u64,
    free_bytes: u64,
    leads: i64,
    audit_rows: i64,
}

/// The last backup that the audit log records.
#[derive(Serialize, ToSchema)]
#[schema(as = LastBackup)]
struct LastBackupDto {
    #[schema(value_type = String, format = DateTime)]
    at_utc: Recorded<Timestamp>,
    #[schema(required)]
    file: Option<String>,
}

/// How far the hash chain was verified, and the result.
#[derive(Serialize, ToSchema)]
#[schema(as = ChainStatus)]
struct ChainStatusDto {
    verified_to: i64,
    /// The `seq` of the last row now.
    head: i64,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    at_utc: Option<Timestamp>,
    ok: bool,
    #[schema(required)]
    finding: Option<String>,
}

/// Whether leads can be stored.
#[derive(Serialize, ToSchema)]
#[schema(as = StorageStatus)]
struct StorageStatusDto {
    ok: bool,
    #[schema(required)]
    detail: Option<String>,
}

/// How long leads are kept.
#[derive(Serialize, ToSchema)]
#[schema(as = RetentionStatus)]
struct RetentionStatusDto {
    days: i64,
    /// Leads that are erased within the next 30 days.
    leads_leaving: u64,
}

/// When canaries come through, where they are expected.
#[derive(Serialize, ToSchema)]
#[schema(as = CanaryStatus)]
struct CanaryStatusDto {
    /// One is expected this often.
    every_seconds: u64,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_at_utc: Option<Timestamp>,
}

/// The certificate of a server that speaks HTTPS itself.
#[derive(Serialize, ToSchema)]
#[schema(as = CertificateStatus)]
struct CertificateStatusDto {
    source: CertificateSourceDto,
    /// `null` where there is none yet.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    expires_at_utc: Option<Timestamp>,
    /// Whole days, 0 once it has expired.
    #[schema(required)]
    days_left: Option<i64>,
    /// Why the last attempt to get another one failed, and when the next one is.
    #[schema(required)]
    failure: Option<String>,
}

/// Who renews the certificate: somebody else in files, or the server by ACME.
#[derive(Serialize, ToSchema)]
#[schema(as = CertificateSource)]
#[serde(rename_all = "lowercase")]
enum CertificateSourceDto {
    Files,
    Acme,
}

/// Something that needs attention.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusWarning)]
struct StatusWarningDto {
    code: &'static str,
    detail: String,
}

impl From<ServerStatus> for ServerStatusDto {
    fn from(status: ServerStatus) -> Self {
        Self {
            version: status.version,
            database: status.database.into(),
            last_lead_at_utc: status.last_lead_at_utc,
            last_backup: status.last_backup.map(LastBackupDto::from),
            chain: status.chain.into(),
            health: status.health.into(),
            retention: status.retention.map(RetentionStatusDto::from),
            notice_channels: (status.notice_channels)
                .map(|of| of.into_iter().map(NoticeChannelDto::from).collect()),
            canary: status.canary.map(CanaryStatusDto::from),
            certificate: status.certificate.map(CertificateStatusDto::from),
            warnings: status.warnings.into_iter().map(StatusWarningDto::from).collect(),
        }
    }
}

impl From<DatabaseStatus> for DatabaseStatusDto {
    fn from(database: DatabaseStatus) -> Self {
        Self {
            bytes: database.bytes,
            wal_bytes: database.wal_bytes,
            free_bytes: database.free_bytes,
            leads: database.leads,
            audit_rows: database.audit_rows,
        }
    }
}

impl From<LastBackup> for LastBackupDto {
    fn from(backup: LastBackup) -> Self {
        Self { at_utc: backup.at_utc, file: backup.file }
    }
}

impl From<ChainStatus> for ChainStatusDto {
    fn from(chain: ChainStatus) -> Self {
        Self {
            verified_to: chain.verified_to,
            head: chain.head,
            at_utc: chain.at_utc,
            ok: chain.ok,
            finding: chain.finding,
        }
    }
}

impl From<StorageStatus> for StorageStatusDto {
    fn from(health: StorageStatus) -> Self {
        Self { ok: health.ok, detail: health.detail }
    }
}

impl From<RetentionStatus> for RetentionStatusDto {
    fn from(retention: RetentionStatus) -> Self {
        Self { days: retention.days, leads_leaving: retention.leads_leaving }
    }
}

impl From<CanaryStatus> for CanaryStatusDto {
    fn from(canary: CanaryStatus) -> Self {
        Self { every_seconds: canary.every.as_secs(), last_at_utc: canary.last_at_utc }
    }
}

impl From<CertificateStatus> for CertificateStatusDto {
    fn from(certificate: CertificateStatus) -> Self {
        let source = match certificate.source {
            CertificateSource::Files => CertificateSourceDto::Files,
            CertificateSource::Acme => CertificateSourceDto::Acme,
        };
        let CertificateStatus { expires_at_utc, days_left, failure, .. } = certificate;
        Self { source, expires_at_utc, days_left, failure }
    }
}

impl From<StatusWarning> for StatusWarningDto {
    fn from(warning: StatusWarning) -> Self {
        Self { code: warning.code, detail: warning.detail }
    }
}
