//! `/admin/api/refused` and `/admin/api/refused/{id}`: refused submissions, to be read.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::app::db::blocking;
use crate::app::refused::record::StoredFault;
use crate::app::refused::viewing::RefusedPage;
use crate::app::refused::{record, viewing};
use crate::domain::id::LeadId;
use crate::domain::lead::parse::valid_fields;
use crate::domain::phone;
use crate::domain::refused::{contacts, decode};
use crate::domain::timestamp::Timestamp;
use crate::http::admin::authenticate;
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::openapi::params;
use crate::http::openapi::responses::{RefusedErrors, RefusedListErrors};
use crate::http::request::HttpRequest;
use crate::http::response::json;
use crate::store::refused::query::RefusedEntry;

/// Characters of a body that are shown, at most: nobody reads more, and a browser would take long.
const MAX_BODY_CHARS: usize = 20_000;

/// List refused submissions
///
/// Newest first, without their content.
#[utoipa::path(
    get,
    path = "/admin/api/refused",
    operation_id = "listRefusedSubmissions",
    tag = "admin",
    params(params::RefusedParams),
    responses(
        (status = 200, description = "A page of the refused submissions.", body = RefusedPageDto,
            links(
                ("NextPage" = (
                    operation_id = "listRefusedSubmissions",
                    parameters(("cursor" = "$response.body#/next")),
                    description = "The next page."
                )),
                ("OpenRefusedSubmission" = (
                    operation_id = "openRefusedSubmission",
                    parameters(("id" = "$response.body#/rows/0/id")),
                    description = "The first one of the page."
                ))
            )),
        RefusedListErrors,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn list(mut request: HttpRequest) -> Result<Response, ApiError> {
    authenticate(&request).await?;
    let settled = request.query.settled();
    let (cursor, limit) = request.query.audit_page();
    request.query.check()?;
    let page = viewing::page(&request.context.app.db, settled, cursor, limit).await;
    Ok(json(StatusCode::OK, &RefusedPageDto::from(page.map_err(read_error)?)))
}

/// Open a refused submission
///
/// Returns what can be read of it. The audit log records that it was opened before anything of it is returned.
#[utoipa::path(
    get,
    path = "/admin/api/refused/{id}",
    operation_id = "openRefusedSubmission",
    tag = "admin",
    params(("id" = Uuid, Path, description = "The id of the refused submission.")),
    responses((status = 200, description = "The refused submission.", body = RefusedDetailDto), RefusedErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn open(request: HttpRequest) -> Result<Response, ApiError> {
    let staff = authenticate(&request).await?;
    let id = LeadId::parse(&request.path_param).ok_or(ApiError::NotFound)?.to_string();
    let opened = viewing::open(&request.context.app.db, id, &staff.actor()).await;
    let (entry, body) = opened.map_err(read_error)?.ok_or(ApiError::NotFound)?;
    // What is looked for in it takes time.
    let detail = blocking(move || RefusedDetailDto::new(&entry, &body)).await;
    Ok(json(StatusCode::OK, &detail.map_err(read_error)?))
}

/// A page of refused submissions, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedPage)]
struct RefusedPageDto {
    rows: Vec<RefusedSummaryDto>,
    /// The cursor of the next page, if there is one.
    #[schema(required)]
    next: Option<String>,
    /// How many are kept that are no lead yet.
    open: i64,
    /// How many were removed before their time, for want of room.
    evicted: i64,
    /// How many were counted and not kept, since there were too many at once.
    over_budget: i64,
}

/// A refused submission without its content.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedSummary)]
struct RefusedSummaryDto {
    /// The `seq` of the audit row of its first arrival.
    seq: i64,
    #[schema(format = Uuid)]
    id: String,
    /// When it arrived first.
    #[schema(value_type = String, format = DateTime)]
    received_at_utc: Timestamp,
    /// How often it has arrived.
    times: i64,
    #[schema(value_type = String, format = DateTime)]
    last_at_utc: Timestamp,
    /// 400, 415 or 422.
    status_code: i64,
    /// What is wrong with it, at most 30 faults.
    faults: Vec<RefusedFaultDto>,
    #[schema(required)]
    media_type: Option<String>,
    /// When it became a lead after all.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    settled_at_utc: Option<Timestamp>,
    /// That lead.
    #[schema(required, format = Uuid)]
    lead_id: Option<String>,
}

/// One thing that is wrong with a refused submission.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedFault)]
struct RefusedFaultDto {
    /// The path of the field without `body`; empty for the body as a whole. A name may be the client's own.
    field: String,
    /// The rule that is broken, for programs.
    #[serde(rename = "type")]
    kind: String,
    /// A sentence for people.
    msg: String,
}

/// What can be read of a refused submission.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedDetail)]
struct RefusedDetailDto {
    summary: RefusedSummaryDto,
    #[schema(required)]
    content_encoding: Option<String>,
    #[schema(required, format = Uuid)]
    request_id: Option<String>,
    /// The fields that are valid.
    fields: Vec<RefusedFieldDto>,
    /// The e-mail addresses that stand in it, wherever.
    emails: Vec<String>,
    /// The telephone numbers that stand in it.
    phones: Vec<RefusedPhoneDto>,
    /// Bytes of the body.
    size: i64,
    /// The body as text: its first 20,000 characters.
    body: String,
    /// Whether that is not all of it.
    cut: bool,
}

/// A field that is valid.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedField)]
struct RefusedFieldDto {
    name: &'static str,
    value: String,
}

/// A telephone number.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedPhone)]
struct RefusedPhoneDto {
    /// As it is written.
    text: String,
    /// The address of a link that dials it (RFC 3966).
    uri: String,
}

impl From<RefusedPage> for RefusedPageDto {
    fn from(page: RefusedPage) -> Self {
        Self {
            rows: page.entries.iter().map(RefusedSummaryDto::from).collect(),
            next: page.next.map(|seq| seq.to_string()),
            open: page.totals.open_rows,
            evicted: page.totals.evicted,
            over_budget: page.totals.over_budget,
        }
    }
}

impl From<&RefusedEntry> for RefusedSummaryDto {
    fn from(entry: &RefusedEntry) -> Self {
        let fault = |StoredFault { loc, msg, kind }| {
            let field = loc.get(1..).unwrap_or_default().join(".");
            RefusedFaultDto { field, kind, msg }
        };
        Self {
            seq: entry.audit_seq,
            id: entry.id.clone(),
            received_at_utc: entry.received_at_utc,
            times: entry.times,
            last_at_utc: entry.last_at_utc,
            status_code: entry.status_code,
            faults: record::faults(entry).into_iter().map(fault).collect(),
            media_type: entry.media_type.clone(),
            settled_at_utc: entry.settled_at_utc,
            lead_id: entry.lead_id.clone(),
        }
    }
}

impl RefusedDetailDto {
    fn new(entry: &RefusedEntry, body: &[u8]) -> Self {
        let text = decode::text(body);
        let shown = text.char_indices().nth(MAX_BODY_CHARS).map_or(text.len(), |(at, _)| at);
        let numbers = contacts::numbers(body).into_iter().filter_map(|text| {
            let uri = phone::find_all(&text).first()?.uri();
            Some(RefusedPhoneDto { text, uri })
        });
        let fields = valid_fields(body).into_iter();
        Self {
            summary: RefusedSummaryDto::from(entry),
            content_encoding: entry.content_encoding.clone(),
            request_id: entry.request_id.clone(),
            fields: fields.map(|(name, value)| RefusedFieldDto { name, value }).collect(),
            emails: contacts::addresses(body),
            phones: numbers.collect(),
            size: entry.size,
            cut: shown < text.len(),
            body: text[..shown].to_owned(),
        }
    }
}
