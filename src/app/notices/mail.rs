//! Notices by mail (RFC 5321, 5322).

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::app::notices::message::{
    MessageStyle, NoticeMessage, lead_fields, lead_line, lead_url, open_label,
};
use crate::app::notices::send_error::SendError;
use crate::domain::email::Email;
use crate::domain::host_name;
use crate::domain::notice::NoticeContent;
use crate::domain::notice_target::{MailTarget, Recipient, Sender, SmtpServer, SmtpTls};

/// How long the server may take for each command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);

/// Sends mails to one recipient.
pub(crate) struct MailSender {
    server: SmtpServer,
    from: Sender,
    to: Email,
}

impl MailSender {
    pub(crate) fn new(target: &MailTarget, recipient: &Recipient) -> Self {
        Self {
            server: target.server.clone(),
            from: target.from.clone(),
            to: recipient.address.clone(),
        }
    }

    /// Sends a notice on a connection of its own.
    pub(crate) async fn send(
        &self,
        message: &NoticeMessage,
        style: &MessageStyle,
    ) -> Result<(), SendError> {
        let mail = self.mail(message, style).map_err(|e| SendError::Refused(e.to_string()))?;
        let transport = self.transport().map_err(|error| describe(&error))?;
        transport.send(mail).await.map(drop).map_err(|error| describe(&error))
    }

    fn mail(
        &self,
        message: &NoticeMessage,
        style: &MessageStyle,
    ) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let from = Mailbox::new(self.from.name.clone(), address(self.from.address.as_str())?);
        let domain = from.email.domain().to_owned();
        let mut builder = Message::builder()
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .from(from)
            .to(Mailbox::new(None, address(self.to.as_str())?))
            .subject(message.title(style))
            // RFC 3834: nobody's absence is answered to it.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(time) = message.created_at_utc {
            builder = builder.date(SystemTime::from(time.to_datetime()));
        }
        if let (NoticeContent::Full, [lead]) = (style.content, &message.leads[..]) {
            // Of an address that lettre does not accept, the text has the address.
            if let Ok(customer) = address(lead.email.as_str()) {
                let name = Some(lead.name.as_str().to_owned());
                builder = builder.reply_to(Mailbox::new(name, customer));
            }
        }
        let body = MultiPart::alternative_plain_html(text(message, style), html(message, style));
        Ok(builder.multipart(body)?)
    }

    fn transport(
        &self,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
        let SmtpServer { host, port, tls, credentials } = &self.server;
        let tls = match tls {
            SmtpTls::Implicit => Tls::Wrapper(TlsParameters::new(host.clone())?),
            SmtpTls::StartTls => Tls::Required(TlsParameters::new(host.clone())?),
            SmtpTls::None => Tls::None,
        };
        let domain = self.from.address.as_str().rsplit('@').next().unwrap_or("localhost");
        let domain = host_name::to_ascii(domain).map_or_else(|_| domain.into(), String::from);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.clone())
            .port(*port)
            .tls(tls)
            .hello_name(ClientId::Domain(domain))
            .timeout(Some(COMMAND_TIMEOUT));
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            builder = builder.credentials(credentials);
        }
        Ok(builder.build())
    }
}

/// The address with its domain in ASCII, which servers without SMTPUTF8 accept.
fn address(text: &str) -> Result<Address, lettre::address::AddressError> {
    let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    match host_name::to_ascii(domain) {
        Ok(ascii) => Address::new(local, ascii),
        Err(_) => Address::new(local, domain),
    }
}

/// What a failure says of the server. Its own words are left out: they often repeat an address.
fn describe(error: &lettre::transport::smtp::Error) -> SendError {
    let Some(code) = error.status() else {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.ends_with(&cause_text) {
                let _ = write!(text, ": {cause_text}");
            }
            source = cause.source();
        }
        return SendError::unavailable(text);
    };
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let enhanced = text.split_whitespace().find(|word| is_enhanced_code(word)).unwrap_or_default();
    let text = format!("the mail server answers {code} {enhanced}").trim_end().to_owned();
    if error.is_transient() { SendError::unavailable(text) } else { SendError::Refused(text) }
}

/// RFC 3463: `5.1.1`.
fn is_enhanced_code(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number =
        |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number)
}

fn text(message: &NoticeMessage, style: &MessageStyle) -> String {
    let mut text = format!("{}\n", message.introduction(style));
    for lead in &message.leads {
        let _ = write!(text, "\n{}\n", lead_line(lead, style));
        for (label, value) in lead_fields(lead, style) {
            let separator = if value.contains('\n') { "\n" } else { " " };
            let _ = writeln!(text, "{label} :{separator}{value}");
        }
        let _ = writeln!(text, "{}", lead_url(lead, style));
    }
    if let Some(more) = message.more(style) {
        let _ = write!(text, "\n{more}\n{}\n", message.url(style));
    }
    text
}

fn html(message: &NoticeMessage, style: &MessageStyle) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"{}\"><body style=\"font-family:sans-serif\"><p>{}</p>",
        style.language.as_str(),
        escape(message.introduction(style))
    );
    for lead in &message.leads {
        let _ = write!(html, "<p><b>{}</b><br>", escape(&lead_line(lead, style)));
        for (label, value) in lead_fields(lead, style) {
            let value = escape(value).replace('\n', "<br>");
            let _ = write!(html, "{} : <span dir=\"auto\">{value}</span><br>", escape(label));
        }
        let url = escape(&lead_url(lead, style));
        let _ = write!(html, "<a href=\"{url}\">{}</a></p>", open_label(style));
    }
    if let Some(more) = message.more(style) {
        let url = escape(&message.url(style));
        let _ =
            write!(html, "<p>{} <a href=\"{url}\">{}</a></p>", escape(&more), open_label(style));
    }
    html.push_str("</body></html>\n");
    html
}

/// A text as HTML shows it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
