//! `GET /admin/api/events`: server-sent events (WHATWG HTML, section 9.2). After a lost connection
//! the stream resumes where it was.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use warp::reply::Response;

use crate::app::live::Subscriber;
use crate::app::live::event::{LiveEvent, SequencedEvent};
use crate::domain::lead::status::LeadStatus;
use crate::http::admin::lead_list_types::{LeadSummaryDto, LeadViewDto};
use crate::http::admin::{authenticate, session_token};
use crate::http::error::ApiError;
use crate::http::error_sources::read_error;
use crate::http::openapi::params;
use crate::http::openapi::responses::AdminErrors;
use crate::http::request::HttpRequest;
use crate::http::server::connection;

/// How long a browser waits before it reconnects, in milliseconds.
const RETRY_MS: u32 = 2000;

/// Subscribe to live events
///
/// Server-sent events about leads, for as long as the session lives. Every event has an `id`: a
/// client that reconnects with it has missed nothing.
#[utoipa::path(
    get,
    path = "/admin/api/events",
    operation_id = "subscribeToEvents",
    tag = "admin",
    params(params::EventParams),
    responses(
        (status = 200, body = LiveEventSchema, content_type = "text/event-stream",
            description = "Events, each of this schema; the first one is `hello`."),
        AdminErrors,
    ),
    security(("session" = []), ("session_https" = [])),
)]
pub(crate) async fn events(request: HttpRequest) -> Result<Response, ApiError> {
    authenticate(&request).await?;
    let token = session_token(&request).unwrap_or_default();
    let last = request.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = last.or_else(|| request.query.get("after")).and_then(|seq| seq.trim().parse().ok());
    let live = &request.context.app.admin.live;
    let (subscriber, seq) = live.subscribe(&token, after).await.map_err(read_error)?;
    // One part at a time: the connection's write timeout ends a client that does not read.
    let (parts_tx, parts_rx) = mpsc::channel(1);
    let hello = SequencedEvent { seq, event: LiveEvent::Hello { seq } };
    let first = format!("retry: {RETRY_MS}\n\n{}", to_text(&[hello]));
    tokio::spawn(send_events(subscriber, first, parts_tx, request.connection.draining.clone()));
    let mut response = connection::streaming_response(&request.connection, parts_rx);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Some proxies buffer a streaming response unless they are told not to.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

async fn send_events(
    mut subscriber: Subscriber,
    first: String,
    parts: mpsc::Sender<io::Result<Bytes>>,
    mut draining: watch::Receiver<bool>,
) {
    let send_all = async {
        let mut text = first;
        while parts.send(Ok(Bytes::from(text))).await.is_ok() {
            match subscriber.next().await {
                Ok(Some(events)) => text = to_text(&events),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "cannot read live events");
                    break;
                }
            }
        }
    };
    tokio::select! {
        () = send_all => {}
        () = parts.closed() => {}
        () = async { drop(draining.wait_for(|draining| *draining).await) } => {}
    }
}

/// Events as text; without any, a comment that keeps the connection open.
fn to_text(events: &[SequencedEvent]) -> String {
    if events.is_empty() {
        return ":\n\n".to_owned();
    }
    let mut text = String::new();
    for SequencedEvent { seq, event } in events {
        let event = serde_json::to_value(LiveEventDto::from(event)).unwrap_or_default();
        let (name, data) = (event["event"].as_str().unwrap_or_default(), &event["data"]);
        let _ = write!(text, "id: {seq}\nevent: {name}\ndata: {data}\n\n");
    }
    text
}

/// The name of an event, and its data.
#[derive(Serialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
#[schema(as = LiveEvent)]
pub(crate) enum LiveEventDto {
    /// The first event of a stream: everything after `seq` follows.
    Hello { seq: i64 },
    /// A new lead.
    Lead(Box<LeadSummaryDto>),
    /// The new status of a lead.
    Status {
        #[schema(format = Uuid)]
        id: String,
        status: LeadStatus,
    },
    /// Somebody opened a lead.
    Viewed {
        #[schema(format = Uuid)]
        id: String,
        view: LeadViewDto,
    },
    /// A lead was erased.
    Erased {
        #[schema(format = Uuid)]
        id: String,
    },
    /// The refused submissions are others than before.
    Refusals {
        /// How many are kept that are no lead yet.
        open: i64,
    },
}

impl From<&LiveEvent> for LiveEventDto {
    fn from(event: &LiveEvent) -> Self {
        match event {
            LiveEvent::Hello { seq } => Self::Hello { seq: *seq },
            LiveEvent::Lead(lead) => Self::Lead(Box::new(LeadSummaryDto::from(&**lead))),
            LiveEvent::Status { id, status } => Self::Status { id: id.clone(), status: *status },
            LiveEvent::Viewed { id, view } => {
                Self::Viewed { id: id.clone(), view: LeadViewDto::from(view) }
            }
            LiveEvent::Erased { id } => Self::Erased { id: id.clone() },
            LiveEvent::Refusals { open } => Self::Refusals { open: *open },
        }
    }
}

/// The schema of an event as it is sent: `data` is text that contains JSON.
pub(crate) struct LiveEventSchema;

impl PartialSchema for LiveEventSchema {
    fn schema() -> RefOr<Schema> {
        let mut schema = LiveEventDto::schema();
        let RefOr::T(Schema::OneOf(events)) = &mut schema else { return schema };
        for event in &mut events.items {
            let RefOr::T(Schema::Object(event)) = event else { continue };
            let Some(data) = event.properties.get_mut("data") else { continue };
            let of_data = serde_json::to_value(&*data).unwrap_or_default();
            *data = ObjectBuilder::new()
                .schema_type(Type::String)
                .content_media_type("application/json")
                .extensions(Some(Extensions::from_iter([("contentSchema", of_data)])))
                .into();
            let id = ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^[0-9]+$"))
                .description(Some("The `seq` of its audit row, for `Last-Event-ID`."));
            event.properties.insert("id".to_owned(), id.into());
            event.required.push("id".to_owned());
        }
        schema
    }
}

impl ToSchema for LiveEventSchema {
    fn name() -> Cow<'static, str> {
        "LiveEvent".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        LiveEventDto::schemas(schemas);
    }
}
