//! Sends a canary to a server as the site sends a lead.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::domain::hash_chain::ChainPosition;
use crate::domain::id::LeadId;
use crate::domain::lead::CANARY_SOURCE;
use crate::domain::timestamp::Timestamp;
use crate::http_client::{HttpClient, HttpClientError, system_roots};

/// Where leads are sent.
pub const INTAKE_PATH: &str = "/inbound/leads";
/// How long everything may take together.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of what a server says that are repeated.
const MAX_DETAIL: usize = 300;

/// What the server has answered to a canary that it has stored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryReceipt {
    pub lead_id: String,
    pub receipt: String,
}

/// Why a canary did not come through.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    #[error(transparent)]
    Request(#[from] HttpClientError),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Late,
    #[error("it redirects to {0}, and what is posted does not follow; use that URL")]
    Redirects(String),
    #[error(
        "it does not accept the token: is it the one in FASTCORE_SITE_INGEST_TOKEN of the server?"
    )]
    Token,
    /// The server's own words.
    #[error("it answers {status} ({code}): {detail}")]
    Refused { status: StatusCode, code: String, detail: String },
    #[error("it answers {0}, and not as FASTCore does")]
    Foreign(StatusCode),
}

/// Sends a canary to the server at a URL without a path.
///
/// # Errors
/// [`CanaryError`]; it may be stored nevertheless where there was no answer.
pub async fn send_canary(
    url: &str,
    token: &str,
    now: Timestamp,
) -> Result<CanaryReceipt, CanaryError> {
    timeout(TIMEOUT, send(url, token, now)).await.map_err(|_| CanaryError::Late)?
}

async fn send(url: &str, token: &str, now: Timestamp) -> Result<CanaryReceipt, CanaryError> {
    let client = HttpClient::new(system_roots());
    let client = client.map_err(|error| HttpClientError::Tls(error.to_string()))?;
    let target: Uri = format!("{url}{INTAKE_PATH}")
        .parse()
        .map_err(|_| HttpClientError::Url("the URL cannot be sent"))?;
    let request = Request::post(target)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("fastcore/", env!("CARGO_PKG_VERSION")))
        .body(submission(now).to_string())
        .map_err(|_| HttpClientError::Url("the token cannot be sent"))?;
    receipt(&client.send(request).await?)
}

/// As the site's form sends it; nothing of it is of a person.
fn submission(now: Timestamp) -> Value {
    json!({
        "name": "Canary",
        "email": "canary@example.com",
        "service": "autre",
        "message": "Sent by `fastcore canary` to see whether leads arrive. There is nothing to answer.",
        "consent": false,
        "meta": {
            "source": CANARY_SOURCE,
            "request_id": Uuid::new_v4().to_string(),
            "ip_hash": CANARY_SOURCE,
            "timestamp_utc": now,
        },
    })
}

fn receipt(response: &Response<Bytes>) -> Result<CanaryReceipt, CanaryError> {
    let status = response.status();
    if let Some(location) = response.headers().get(LOCATION).filter(|_| status.is_redirection()) {
        return Err(CanaryError::Redirects(shown(&String::from_utf8_lossy(location.as_bytes()))));
    }
    let foreign = || CanaryError::Foreign(status);
    if status == StatusCode::CREATED {
        let stored: CanaryReceipt =
            serde_json::from_slice(response.body()).map_err(|_| foreign())?;
        LeadId::parse(&stored.lead_id).ok_or_else(foreign)?;
        ChainPosition::parse(&stored.receipt).ok_or_else(foreign)?;
        return Ok(stored);
    }
    let refusal: Value = serde_json::from_slice(response.body()).map_err(|_| foreign())?;
    let Some(code) = refusal["error"].as_str().filter(|_| refusal["ok"] == false) else {
        return Err(foreign());
    };
    if status == StatusCode::UNAUTHORIZED {
        return Err(CanaryError::Token);
    }
    let detail = match &refusal["detail"] {
        Value::String(text) => shown(text),
        other => shown(&other.to_string()),
    };
    Err(CanaryError::Refused { status, code: shown(code), detail })
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_DETAIL).collect()
}
