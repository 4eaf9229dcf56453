//! `/admin/api/leads`, `/admin/api/leads/search` and `/admin/api/leads/{id}`. What is searched for is personal
//! data, so it comes in a body: addresses are in the logs of proxies.

use http::StatusCode;
use warp::reply::Response;

use crate::app::leads;
use crate::domain::id::LeadId;
use crate::http::admin::lead_list_types::LeadPageDto;
use crate::http::admin::lead_types::LeadDetailDto;
use crate::http::admin::{authenticate, authenticate_from_page};
use crate::http::context::HttpContext;
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::extract::query::Query;
use crate::http::openapi::responses::{FilterErrors, LeadErrors};
use crate::http::openapi::search_errors::{SearchErrors, SearchedLeadErrors};
use crate::http::openapi::{bodies, params};
use crate::http::request::HttpRequest;
use crate::http::response::{LoggedLead, json};

/// List leads
///
/// The first page has the number of leads that match the filter, and how many there are of each status. A search is
/// refused: see `searchLeads`.
#[utoipa::path(
    get,
    path = "/admin/api/leads",
    operation_id = "listLeads",
    tag = "admin",
    params(params::LeadFilterParams, params::LeadOrderParam, params::LeadPageParams),
    responses(
        (status = 200, description = "A page of the leads that match the filter.", body = LeadPageDto,
            links(
                ("NextPage" = (
                    operation_id = "listLeads",
                    parameters(("cursor" = "$response.body#/next")),
                    description = "The next page."
                )),
                ("OpenLead" = (
                    operation_id = "openLead",
                    parameters(("id" = "$response.body#/leads/0/id")),
                    description = "The first lead of the page."
                ))
            )),
        FilterErrors,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn list(request: HttpRequest) -> Result<Response, ApiError> {
    authenticate(&request).await?;
    page(&request.context, request.query).await
}

/// Search leads
///
/// As `listLeads`, with a search, whose text does not belong in an address.
#[utoipa::path(
    post,
    path = "/admin/api/leads/search",
    operation_id = "searchLeads",
    tag = "admin",
    params(params::OriginHeader),
    request_body = bodies::LeadSearchBody,
    responses(
        (status = 200, description = "A page of the leads that match the filter.", body = LeadPageDto),
        SearchErrors,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn search(mut request: HttpRequest) -> Result<Response, ApiError> {
    authenticate_from_page(&request).await?;
    let query = Query::parse_json(&request.read_json().await?)?;
    page(&request.context, query).await
}

async fn page(context: &HttpContext, mut query: Query) -> Result<Response, ApiError> {
    let filter = query.lead_filter();
    let order = query.lead_order();
    let (cursor, limit) = query.lead_page();
    query.check()?;
    let page = leads::page(&context.app.db, filter, order, cursor, limit);
    let page = page.await.map_err(read_error)?;
    Ok(json(StatusCode::OK, &LeadPageDto::from(page)))
}

/// Open a lead
///
/// Returns the whole lead with its history, and its neighbours in the list of the filter. The
/// audit log records that the lead was opened before anything of it is returned.
#[utoipa::path(
    get,
    path = "/admin/api/leads/{id}",
    operation_id = "openLead",
    tag = "admin",
    params(("id" = Uuid, Path, description = "The lead's id."), params::LeadFilterParams),
    responses(
        (status = 200, description = "The lead.", body = LeadDetailDto,
            links(("OlderLead" = (
                operation_id = "openLead",
                parameters(("id" = "$response.body#/older")),
                description = "The next older lead."
            )))),
        LeadErrors,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn open(request: HttpRequest) -> Result<Response, ApiError> {
    let staff = authenticate(&request).await?;
    opened(&request.context, &request.path_param, request.query, staff.actor()).await
}

/// Open a lead from a search
///
/// As `openLead`; the neighbours are those in the list of the search.
#[utoipa::path(
    post,
    path = "/admin/api/leads/{id}",
    operation_id = "openFoundLead",
    tag = "admin",
    params(("id" = Uuid, Path, description = "The lead's id."), params::OriginHeader),
    request_body = bodies::LeadFilterBody,
    responses((status = 200, description = "The lead.", body = LeadDetailDto), SearchedLeadErrors),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn open_found(mut request: HttpRequest) -> Result<Response, ApiError> {
    let staff = authenticate_from_page(&request).await?;
    let query = Query::parse_json(&request.read_json().await?)?;
    opened(&request.context, &request.path_param, query, staff.actor()).await
}

async fn opened(
    context: &HttpContext,
    id: &str,
    mut query: Query,
    actor: String,
) -> Result<Response, ApiError> {
    let filter = query.lead_filter();
    query.check()?;
    let id = LeadId::parse(id).ok_or(ApiError::NotFound)?.to_string();
    let opened = leads::open(&context.app.db, id, filter, actor).await?;
    let lead_id = opened.detail.lead.id.clone();
    let mut response = json(StatusCode::OK, &LeadDetailDto::from(opened));
    response.extensions_mut().insert(LoggedLead(lead_id));
    Ok(response)
}
