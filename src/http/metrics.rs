//! `GET /metrics`.

use http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::extract::bearer_auth;
use crate::http::openapi::responses::MetricsErrors;
use crate::http::request::HttpRequest;
use crate::metrics::scrape::MEDIA_TYPE;

/// Get the metrics
///
/// For Prometheus, in its text format. 404 unless FASTCORE_METRICS_TOKEN is set.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "health",
    responses(
        (status = 200, description = "What the server counts and measures.", body = String,
            content_type = "text/plain"),
        MetricsErrors,
    ),
    security(("metrics" = [])),
)]
pub(crate) async fn metrics(request: HttpRequest) -> Result<Response, ApiError> {
    let token = request.context.metrics_token.as_ref().ok_or(ApiError::NotFound)?;
    bearer_auth::check(&request.headers, |given| token.is(given))?;
    let text = request.context.app.metrics.text().await.map_err(|error| {
        tracing::error!(%error, "the metrics could not be written");
        ApiError::Internal
    })?;
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Ok(response)
}
