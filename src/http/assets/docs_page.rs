//! `GET /openapi.json`, and the page at `/docs` that shows it. The page loads nothing from another
//! host.

use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use warp::reply::Response;

use crate::http::assets::{Asset, Caching};
use crate::http::error::ApiError;
use crate::http::middleware::security_headers::DOCS_PAGE_CSP;
use crate::http::openapi::responses::NotFoundError;
use crate::http::request::HttpRequest;

/// Get this document
///
/// The same text as `fastcore openapi` prints; it changes only with the server's version.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenapiDocument",
    tag = "documentation",
    responses(
        (status = 200, description = "The OpenAPI 3.1 document.", body = Object, content_type = "application/json"),
        (status = 304, description = "Not modified (`If-None-Match`)."),
    ),
    security(()),
)]
pub(crate) async fn openapi_json(
    request: HttpRequest,
    document: &'static Asset,
) -> Result<Response, ApiError> {
    Ok(document.respond(&request.headers, Caching::Revalidate))
}

/// Show this document
///
/// Nothing is loaded from another host.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "getDocsPage",
    tag = "documentation",
    responses(
        (status = 200, description = "A page that shows this document and can send requests.",
            body = String, content_type = "text/html"),
        (status = 304, description = "Not modified (`If-None-Match`)."),
    ),
    security(()),
)]
pub(crate) async fn page(request: HttpRequest) -> Result<Response, ApiError> {
    let page = Asset::embedded("docs/index.html").ok_or(ApiError::Internal)?;
    let mut response = page.respond(&request.headers, Caching::Revalidate);
    let policy = HeaderValue::from_static(DOCS_PAGE_CSP);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// Get a file of the documentation page
///
/// What the page at `/docs` loads.
#[utoipa::path(
    get,
    path = "/docs/{file}",
    operation_id = "getDocsFile",
    tag = "documentation",
    params(("file" = String, Path, description = "The name of the file.", example = "init.js")),
    responses(
        (status = 200, description = "A script or a style sheet.",
            content((String = "text/javascript"), (String = "text/css"))),
        (status = 304, description = "Not modified (`If-None-Match`)."),
        NotFoundError,
    ),
    security(()),
)]
pub(crate) async fn file(request: HttpRequest) -> Result<Response, ApiError> {
    let name = &request.path_param;
    if name.ends_with(".html") {
        return Err(ApiError::NotFound);
    }
    let file = Asset::embedded(&format!("docs/{name}")).ok_or(ApiError::NotFound)?;
    Ok(file.respond(&request.headers, Caching::Revalidate))
}
