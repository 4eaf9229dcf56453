//! Receivers of notices on loopback, which answer as a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a receiver got, in the order of arrival, and how it answers.
struct Shared<T, A> {
    received: Vec<T>,
    answer: A,
}

type Locked<T, A> = Arc<Mutex<Shared<T, A>>>;

fn lock<T, A>(shared: &Locked<T, A>) -> MutexGuard<'_, Shared<T, A>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Accepts connections on a free port until the test ends; each has a thread of its own.
fn listen<T: Send + 'static, A: Send + 'static>(
    shared: &Locked<T, A>,
    serve: fn(TcpStream, &Locked<T, A>) -> std::io::Result<()>,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let shared = Arc::clone(&shared);
            stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
            // A client that goes away is no failure of the receiver.
            std::thread::spawn(move || drop(serve(stream, &shared)));
        }
    });
    address
}

/// A request that a webhook sent.
#[derive(Debug, Clone)]
pub(crate) struct HookRequest {
    pub(crate) path: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl HookRequest {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().expect("ASCII")
    }
}

/// How a webhook's receiver answers.
#[derive(Debug, Clone)]
pub(crate) enum HookAnswer {
    /// A status, with header lines.
    Status(u16, &'static str),
    /// Reads the request and closes the connection.
    Close,
    /// Reads the request and says nothing for a while.
    Silence,
}

pub(crate) const OK: HookAnswer = HookAnswer::Status(204, "");

type HookRule = Box<dyn FnMut(&HookRequest) -> HookAnswer + Send>;

/// A receiver of webhooks.
pub(crate) struct HookReceiver {
    pub(crate) address: SocketAddr,
    shared: Locked<HookRequest, HookRule>,
}

impl HookReceiver {
    /// Answers by a rule.
    pub(crate) fn start(rule: impl FnMut(&HookRequest) -> HookAnswer + Send + 'static) -> Self {
        let answer: HookRule = Box::new(rule);
        let shared = Arc::new(Mutex::new(Shared { received: Vec::new(), answer }));
        Self { address: listen(&shared, serve_hook), shared }
    }

    pub(crate) fn set_rule(&self, rule: impl FnMut(&HookRequest) -> HookAnswer + Send + 'static) {
        lock(&self.shared).answer = Box::new(rule);
    }

    /// What it got so far, also what it refused.
    pub(crate) fn received(&self) -> Vec<HookRequest> {
        lock(&self.shared).received.clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }
}

fn serve_hook(stream: TcpStream, shared: &Locked<HookRequest, HookRule>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(());
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = http::HeaderMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let name = http::HeaderName::try_from(name).expect("a name");
        headers.insert(name, value.trim().parse().expect("a value"));
    }
    let length =
        headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let request = HookRequest { path, headers, body };
    let answer = {
        let mut shared = lock(shared);
        let answer = (shared.answer)(&request);
        shared.received.push(request);
        answer
    };
    let mut stream = stream;
    match answer {
        HookAnswer::Status(status, headers) => {
            write!(
                stream,
                "HTTP/1.1 {status} X\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        HookAnswer::Close => Ok(()),
        HookAnswer::Silence => {
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        }
    }
}

/// A mail that a mail server took.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
}

impl Mail {
    /// A header's value, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.text.split_once("\r\n\r\n")?;
        let unfolded = head.replace("\r\n ", " ");
        let prefix = format!("{name}: ");
        unfolded.lines().find_map(|line| Some(line.strip_prefix(&prefix)?.trim().to_owned()))
    }
}

/// The commands at which a mail server may answer otherwise than it should.
type SmtpRule = Box<dyn FnMut(&str) -> Option<SmtpAnswer> + Send>;

/// What a mail server answers to a command.
#[derive(Debug, Clone)]
pub(crate) enum SmtpAnswer {
    Line(&'static str),
    /// Closes the connection.
    Close,
    /// Says nothing for a while.
    Silence,
}

/// A mail server without TLS.
pub(crate) struct SmtpReceiver {
    pub(crate) address: SocketAddr,
    shared: Locked<Mail, SmtpRule>,
}

impl SmtpReceiver {
    /// Answers by a rule: `None` is the usual answer. It is asked with each command, and with `.` for the
    /// end of a mail.
    pub(crate) fn start(rule: impl FnMut(&str) -> Option<SmtpAnswer> + Send + 'static) -> Self {
        let answer: SmtpRule = Box::new(rule);
        let shared = Arc::new(Mutex::new(Shared { received: Vec::new(), answer }));
        Self { address: listen(&shared, serve_smtp), shared }
    }

    pub(crate) fn set_rule(&self, rule: impl FnMut(&str) -> Option<SmtpAnswer> + Send + 'static) {
        lock(&self.shared).answer = Box::new(rule);
    }

    /// The mails that it took.
    pub(crate) fn received(&self) -> Vec<Mail> {
        lock(&self.shared).received.clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }
}

fn serve_smtp(stream: TcpStream, shared: &Locked<Mail, SmtpRule>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut mail = Mail { from: String::new(), to: Vec::new(), text: String::new() };
    write!(stream, "220 mail.test ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        if verb == "DATA" {
            write!(stream, "354 go on\r\n")?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                if reader.read_line(&mut text)? == 0 {
                    return Ok(());
                }
            }
            mail.text = text.trim_end_matches(".\r\n").replace("\r\n..", "\r\n.");
        }
        let asked = if verb == "DATA" { "." } else { line };
        let answer = (lock(shared).answer)(asked);
        match answer {
            Some(SmtpAnswer::Line(text)) => write!(stream, "{text}\r\n")?,
            Some(SmtpAnswer::Close) => return Ok(()),
            Some(SmtpAnswer::Silence) => {
                std::thread::sleep(Duration::from_secs(90));
                return Ok(());
            }
            None => {
                let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                let usual = match verb.as_str() {
                    "EHLO" => "250-mail.test\r\n250 8BITMIME",
                    "MAIL" => {
                        mail.from = address();
                        "250 2.1.0 sender ok"
                    }
                    "RCPT" => {
                        mail.to.push(address());
                        "250 2.1.5 recipient ok"
                    }
                    "DATA" => {
                        lock(shared).received.push(std::mem::replace(
                            &mut mail,
                            Mail { from: String::new(), to: Vec::new(), text: String::new() },
                        ));
                        "250 2.0.0 queued"
                    }
                    "QUIT" => "221 2.0.0 bye",
                    _ => "250 2.0.0 ok",
                };
                write!(stream, "{usual}\r\n")?;
            }
        }
    }
}
