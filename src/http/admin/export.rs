//! `POST /admin/api/export`: the leads that match a filter, or the refused submissions, as a file. The filter is a form, so that a
//! browser writes the file to the disk as it arrives.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;
use utoipa::IntoResponses;
use utoipa::openapi::header::Header;
use utoipa::openapi::{ObjectBuilder, Type};
use warp::reply::Response;

use crate::app::export::error::ExportError;
use crate::app::export::exports::ExportFile;
use crate::app::export::{Export, ExportSource};
use crate::http::admin::authenticate_from_page;
use crate::http::error::ApiError;
use crate::http::extract::query::{EXPORT_FORMATS, Query};
use crate::http::openapi::responses::{Responses, content_response};
use crate::http::openapi::search_errors::ExportErrors;
use crate::http::openapi::{bodies, params};
use crate::http::request::HttpRequest;
use crate::http::server::connection;

pub(crate) const PATH: &str = "/admin/api/export";
/// How much of the file is read at once, in bytes.
const PART: usize = 64 * 1024;

/// Export leads
///
/// All leads that match the filter, in the order of their arrival, or all refused submissions. The audit log records the
/// export before anything of it is returned. One export runs at a time, for ten minutes at most.
#[utoipa::path(
    post,
    path = "/admin/api/export",
    operation_id = "exportLeads",
    tag = "admin",
    params(params::OriginHeader),
    request_body(content = bodies::ExportBody, content_type = "application/x-www-form-urlencoded"),
    responses(ExportedFile, ExportErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn export(mut request: HttpRequest) -> Result<Response, ApiError> {
    let staff = authenticate_from_page(&request).await?;
    let mut query = Query::parse_form(&request.read_form().await?);
    let filter = query.export_filter();
    let format = query.export_format();
    let (source, name) = if query.exports_refused() {
        (ExportSource::Refused, "refused")
    } else {
        (ExportSource::Leads(filter), "leads")
    };
    query.check()?;
    let export = Export { source, format, actor: staff.actor() };
    let exported = request.context.app.admin.exports.run(export).await;
    let exported = exported.inspect_err(|error| match error {
        ExportError::Busy => {}
        error => tracing::warn!(%error, "an export was not finished"),
    })?;
    let length = exported.file.metadata().map_err(|_| ApiError::Internal)?.len();
    let (extension, media_type) = format.extension_and_media_type();
    let day = request.context.app.db.clock().now().date_naive();
    let disposition = format!("attachment; filename=\"fastcore-{name}-{day}.{extension}\"");
    let parts = send_parts(exported);
    let mut response = connection::streaming_response(&request.connection, parts);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// The parts of a file, read as fast as they are sent. The file, and with it the turn, is held until the
/// client has all of it, is gone, or has taken too long.
fn send_parts(exported: ExportFile) -> mpsc::Receiver<io::Result<Bytes>> {
    let (parts_tx, parts_rx) = mpsc::channel(2);
    tokio::spawn(async move {
        let ExportFile { file, deadline, .. } = &exported;
        let sending = send_file(file, &parts_tx);
        if timeout_at((*deadline).into(), sending).await.is_err() {
            // The body ends before its length, which closes the connection.
            tracing::warn!("an export was not read in time; its connection is closed");
        }
    });
    parts_rx
}

async fn send_file(file: &File, parts: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let part = read_part(file).await;
        let has_more = part.as_ref().is_ok_and(|part| !part.is_empty());
        if !has_more && part.is_ok() {
            break;
        }
        if parts.send(part).await.is_err() || !has_more {
            return;
        }
    }
    // The server drops the body when it has sent the last byte.
    parts.closed().await;
}

async fn read_part(file: &File) -> io::Result<Bytes> {
    let mut file = file.try_clone()?;
    let read = spawn_blocking(move || {
        let mut part = vec![0; PART];
        let length = file.read(&mut part)?;
        part.truncate(length);
        Ok(Bytes::from(part))
    });
    read.await.map_err(io::Error::other)?
}

/// The exported file, by the media type of its format.
pub(crate) struct ExportedFile;

impl IntoResponses for ExportedFile {
    fn responses() -> Responses {
        let types = EXPORT_FORMATS.map(|format| format.extension_and_media_type().1);
        let types = types.map(|of| of.split(';').next().unwrap_or(of));
        let mut file = content_response("The rows, as a file.", types);
        let mut name = Header::new(ObjectBuilder::new().schema_type(Type::String));
        name.description = Some("`attachment`, with a file name.".to_owned());
        file.headers.insert("Content-Disposition".to_owned(), name.into());
        BTreeMap::from([("200".to_owned(), file.into())])
    }
}
