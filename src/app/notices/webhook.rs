//! Notices by HTTP: signed JSON, chats like Slack, ntfy.

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::sync::OnceCell;

use crate::app::alerts::text as alert_text;
use crate::app::notices::message::{
    MessageBody, MessageStyle, NoticeMessage, lead_fields, lead_line, lead_url, open_label,
};
use crate::app::notices::send_error::SendError;
use crate::clock::Clock;
use crate::domain::lead::Lead;
use crate::domain::notice_target::{WebhookFormat, WebhookTarget};
use crate::http_client::{HttpClient, retry_after, system_roots};

/// Characters of a chat's message, at most; Slack cuts at 40,000 and Google Chat refuses above 4,096 bytes.
const MAX_CHAT_CHARS: usize = 1500;

/// Sends notices to one webhook.
pub(crate) struct WebhookSender {
    target: WebhookTarget,
    /// Made at the first use: reading the system's authorities takes a while.
    client: OnceCell<HttpClient>,
}

impl WebhookSender {
    pub(crate) fn new(target: &WebhookTarget) -> Self {
        Self { target: target.clone(), client: OnceCell::new() }
    }

    /// Whether each lead has a request of its own.
    pub(crate) fn is_single(&self) -> bool {
        matches!(self.target.format, WebhookFormat::Standard { .. })
    }

    /// Sends a notice on a connection of its own.
    pub(crate) async fn send(
        &self,
        message: &NoticeMessage,
        style: &MessageStyle,
    ) -> Result<(), SendError> {
        let request = self.request(message, style)?;
        let client = self.client.get_or_try_init(create_client).await?;
        let response = client.send(request).await.map_err(SendError::unavailable)?;
        let status = response.status();
        let text = format!("the receiver answers {status}");
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::GONE => Err(SendError::Gone(text)),
            status if is_of_every_notice(status) => {
                let retry_after = retry_after(response.headers());
                Err(SendError::Unavailable { error: text, retry_after })
            }
            status if status.is_redirection() => {
                Err(SendError::Refused(format!("{text}; redirects are not followed")))
            }
            _ => Err(SendError::Refused(text)),
        }
    }

    fn request(
        &self,
        message: &NoticeMessage,
        style: &MessageStyle,
    ) -> Result<Request<String>, SendError> {
        let url = self.target.url.reveal();
        let (url, body) = match &self.target.format {
            WebhookFormat::Standard { .. } => (url.to_owned(), event(message, style)),
            WebhookFormat::Slack => (url.to_owned(), json!({ "text": chat_text(message, style) })),
            WebhookFormat::Ntfy => {
                let (server, topic) = url.rsplit_once('/').unwrap_or((url, ""));
                (format!("{server}/"), ntfy(topic, message, style))
            }
        };
        let body = body.to_string();
        let agent = concat!("fastcore/", env!("CARGO_PKG_VERSION"));
        let mut request =
            Request::post(url).header(CONTENT_TYPE, "application/json").header(USER_AGENT, agent);
        if let WebhookFormat::Standard { secret } = &self.target.format {
            let time = Clock::system().now().timestamp();
            let signature = Webhook::new(secret.reveal())
                .and_then(|webhook| webhook.sign(&message.id, time, body.as_bytes()));
            let signature = signature.map_err(|error| SendError::Refused(error.to_string()))?;
            request = request
                .header(standardwebhooks::HEADER_WEBHOOK_ID, &message.id)
                .header(standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, time)
                .header(standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signature);
        }
        let request = request.body(body);
        request.map_err(|error| SendError::Refused(error.to_string()))
    }
}

/// Whether another notice would be answered alike, as far as the status says.
fn is_of_every_notice(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_EARLY
                | StatusCode::TOO_MANY_REQUESTS
        )
}

async fn create_client() -> Result<HttpClient, SendError> {
    let client = tokio::task::spawn_blocking(|| HttpClient::new(system_roots())).await;
    client.map_err(SendError::unavailable)?.map_err(SendError::unavailable)
}

/// The event of Standard Webhooks.
fn event(message: &NoticeMessage, style: &MessageStyle) -> Value {
    let url = message.url(style);
    match (&message.body, message.leads()) {
        (MessageBody::Alert(alert), _) => json!({
            "type": format!("alert.{}", alert.phase.as_str()),
            "timestamp": message.created_at_utc,
            "data": {
                "kind": alert.kind,
                "began_at_utc": alert.began_at_utc,
                "title": alert_text::meaning(&alert.kind, style.language),
                "detail": alert.detail,
                "cure": alert_text::cure(&alert.kind, style.language),
                "url": url,
            },
        }),
        (_, [lead, ..]) => {
            json!({ "type": "lead.received", "timestamp": lead.created_at_utc, "data": data(lead, style) })
        }
        (_, []) => json!({ "type": "test", "data": { "url": url } }),
    }
}

fn data(lead: &Lead, style: &MessageStyle) -> Value {
    let mut data = json!({
        "lead_id": lead.id,
        "created_at_utc": lead.created_at_utc,
        "service": lead.service,
        "canary": lead.is_canary(),
        "url": lead_url(lead, style),
    });
    if !lead_fields(lead, style).is_empty() {
        let optional = |text: &Option<crate::domain::text::Personal>| {
            text.as_ref().map(|text| text.as_str().to_owned())
        };
        data["name"] = lead.name.as_str().into();
        data["email"] = lead.email.as_str().into();
        data["phone"] = optional(&lead.phone).into();
        data["company"] = optional(&lead.company).into();
        data["message"] = lead.message.as_str().into();
    }
    data
}

/// `<url|text>` is a link for Slack, Mattermost and Google Chat.
fn chat_text(message: &NoticeMessage, style: &MessageStyle) -> String {
    let link = format!("<{}|{}>", message.url(style), open_label(style));
    format!("{}\n{}\n{link}", message.title(style), escape(&lines(message, style)))
}

fn ntfy(topic: &str, message: &NoticeMessage, style: &MessageStyle) -> Value {
    json!({
        "topic": topic,
        "title": message.title(style),
        "message": lines(message, style),
        // 3 is the default, 4 is high.
        "priority": if message.is_urgent() { 4 } else { 3 },
        "click": message.url(style),
    })
}

/// A line for each lead, and in full notices its words.
fn lines(message: &NoticeMessage, style: &MessageStyle) -> String {
    if message.leads().is_empty() {
        return message.paragraphs(style).join("\n");
    }
    let mut lines: Vec<String> = Vec::new();
    for lead in message.leads() {
        lines.push(lead_line(lead, style));
        lines.extend(
            lead_fields(lead, style).iter().map(|(label, text)| format!("{label} : {text}")),
        );
    }
    lines.extend(message.more(style));
    let text = lines.join("\n");
    match text.char_indices().nth(MAX_CHAT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What Slack would take for a mention or a link.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
