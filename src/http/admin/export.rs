//! `GET /admin/api/export`: what the filter shows, as a file.

use std::fs::File;
use std::io::{self, Read};

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use tokio::sync::mpsc;
use warp::reply::Response;

use crate::app::export::format::ExportFormat;
use crate::app::export::{Export, ExportError, ExportSource};
use crate::http::admin::{AdminRequest, unread};
use crate::http::error::ApiError;
use crate::http::openapi::admin::{ExportedFile, Filtered};
use crate::http::openapi::params;
use crate::http::server::connection;

/// How much of the file is read at once.
const PART: usize = 64 * 1024;

/// The forms that people open; a script for a database is the shell's affair.
pub(crate) const FORMATS: [ExportFormat; 4] =
    [ExportFormat::Xlsx, ExportFormat::Csv, ExportFormat::CsvExcelFr, ExportFormat::Jsonl];

/// ExportSource the filter finds, as a file
///
/// All rows, in the order of their arrival. That somebody has taken them out is told in the audit
/// log first.
#[utoipa::path(
    get,
    path = "/admin/api/export",
    operation_id = "exportLeads",
    tag = "admin",
    params(params::LeadFilter, params::ExportForm),
    responses(ExportedFile, Filtered),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn answer(mut request: AdminRequest) -> Result<Response, ApiError> {
    let staff = request.staff().await?;
    let filter = request.query.leads();
    let accepts = "xlsx, csv, csv-excel-fr or jsonl";
    let format = |name: &str| FORMATS.into_iter().find(|format| format.as_str() == name);
    let format = request.query.parsed("format", accepts, format);
    request.query.check()?;
    let format = format.unwrap_or(ExportFormat::Csv);
    let export = Export { source: ExportSource::Leads(filter), format, actor: staff.actor() };
    let file = request.state.exports.run(export).await.map_err(|e| match e {
        ExportError::Store(error) => unread(error),
        ExportError::Io(error) => {
            tracing::error!(%error, "an export could not be written");
            ApiError::Unavailable(format!("The file cannot be written now: {error}"))
        }
    })?;
    let length = file.metadata().map_err(|_| ApiError::Internal)?.len();
    let (ending, media_type) = format.extension_and_media_type();
    let day = request.state.db.clock().now().date_naive();
    let name = format!("attachment; filename=\"fastcore-leads-{day}.{ending}\"");
    let mut response = connection::lasting(&request.wire, read(file));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// The file's parts, read no faster than they are taken.
fn read(mut file: File) -> mpsc::Receiver<io::Result<Bytes>> {
    let (parts, taken) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let mut read = move || {
            let mut part = vec![0; PART];
            let length = file.read(&mut part)?;
            part.truncate(length);
            Ok(Bytes::from(part))
        };
        loop {
            let part = read();
            let goes_on = part.as_ref().is_ok_and(|part| !part.is_empty());
            if parts.blocking_send(part).is_err() || !goes_on {
                break;
            }
        }
    });
    taken
}
