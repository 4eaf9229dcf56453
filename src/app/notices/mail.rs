//! Notices by mail (RFC 5321, 5322).

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use tokio::time::timeout;

use crate::app::notices::message::{
    MessageStyle, NoticeMessage, lead_fields, lead_line, lead_url, open_label,
};
use crate::app::notices::send_error::SendError;
use crate::domain::email::Email;
use crate::domain::host_name;
use crate::domain::notice::NoticeContent;
use crate::domain::notice_target::{MailTarget, Recipient, Sender, SmtpServer, SmtpTls};

/// How long a connection to one address of the server may take; there may be several, and the first be unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may take until the mail can be sent.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the server may take for the mail: some look through it before they accept it.
const SEND_TIMEOUT: Duration = Duration::from_secs(300);
/// How long the server may take to say goodbye.
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Replies by which the server wants another login, for whatever mail (RFC 4954, section 6).
const LOGIN_REFUSED: [u16; 4] = [530, 534, 535, 538];

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
        let mut connection = in_time(LOGIN_TIMEOUT, self.connect()).await?;
        let sending = async { connection.send(mail.envelope(), &mail.formatted()).await };
        in_time(SEND_TIMEOUT, sending).await?;
        // The mail is the server's now, whatever becomes of the connection.
        let _ = timeout(QUIT_TIMEOUT, connection.quit()).await;
        Ok(())
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
        if let (NoticeContent::Full, [lead]) = (style.content, message.leads()) {
            // Of an address that lettre does not accept or not every server transports, the text has the address.
            let customer = address(lead.email.as_str()).ok();
            if let Some(customer) = customer.filter(|customer| customer.user().is_ascii()) {
                let name = Some(lead.name.as_str().to_owned());
                builder = builder.reply_to(Mailbox::new(name, customer));
            }
        }
        let body = MultiPart::alternative_plain_html(text(message, style), html(message, style));
        Ok(builder.multipart(body)?)
    }

    /// A connection on which a mail can be sent.
    async fn connect(&self) -> Result<AsyncSmtpConnection, smtp::Error> {
        let SmtpServer { host, port, tls, credentials } = &self.server;
        let domain = self.from.address.as_str().rsplit('@').next().unwrap_or("localhost");
        let domain = host_name::to_ascii(domain).map_or_else(|_| domain.into(), String::from);
        let hello = ClientId::Domain(domain);
        let parameters = || TlsParameters::new(host.clone());
        let implicit = (*tls == SmtpTls::Implicit).then(parameters).transpose()?;
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), *port),
            Some(CONNECT_TIMEOUT),
            &hello,
            implicit,
            None,
        )
        .await?;
        if *tls == SmtpTls::StartTls {
            connection.starttls(parameters()?, &hello).await?;
        }
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }
}

async fn in_time<T>(
    limit: Duration,
    dialogue: impl Future<Output = Result<T, smtp::Error>>,
) -> Result<T, SendError> {
    match timeout(limit, dialogue).await {
        Ok(result) => result.map_err(|error| describe(&error)),
        Err(_) => Err(SendError::late(limit)),
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
fn describe(error: &smtp::Error) -> SendError {
    if error.is_response() {
        return SendError::unavailable("the mail server's answer is not of SMTP");
    }
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
    if error.is_transient() || LOGIN_REFUSED.contains(&code.into()) {
        SendError::unavailable(text)
    } else {
        SendError::Refused(text)
    }
}

/// RFC 3463: `5.1.1`.
fn is_enhanced_code(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number =
        |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number)
}

fn text(message: &NoticeMessage, style: &MessageStyle) -> String {
    let mut text = format!("{}\n", message.paragraphs(style).join("\n\n"));
    for lead in message.leads() {
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
    if message.leads().is_empty() {
        let _ = write!(text, "\n{}\n", message.url(style));
    }
    text
}

fn html(message: &NoticeMessage, style: &MessageStyle) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"{}\"><body style=\"font-family:sans-serif\">",
        style.language.as_str(),
    );
    for paragraph in message.paragraphs(style) {
        let _ = write!(html, "<p>{}</p>", escape(&paragraph).replace('\n', "<br>"));
    }
    for lead in message.leads() {
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
    if message.leads().is_empty() {
        let url = escape(&message.url(style));
        let _ = write!(html, "<p><a href=\"{url}\">{}</a></p>", open_label(style));
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
