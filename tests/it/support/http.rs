//! A byte-level HTTP client.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::TOKEN;

/// A response as it came.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case, in the order of arrival.
    pub(crate) headers: Vec<(String, String)>,
    /// Of an image, what of it is text.
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Asserts that this field of the body is the first that is refused, by this rule.
    pub(crate) fn assert_invalid(&self, field: &str, kind: &str) {
        assert_eq!(self.status, 422, "{self:?}");
        let body = self.json();
        let first = &body["detail"][0];
        assert_eq!(first["loc"], serde_json::json!(["body", field]), "{self:?}");
        assert_eq!(first["type"], kind, "{self:?}");
    }

    /// Asserts that this is an error in the one shape, with this status and code.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert!(self.header("x-request-id").is_some(), "{self:?}");
        let body = self.json();
        assert_eq!((&body["ok"], &body["error"]), (&json!(false), &json!(code)), "{self:?}");
        assert!(!body["detail"].as_str().unwrap_or_default().is_empty(), "{self:?}");
    }

    /// Asserts that this is hyper's own answer to what is not HTTP/1.1: a status without a body.
    #[track_caller]
    pub(crate) fn assert_bare(&self, status: u16) {
        assert_eq!((self.status, self.body.as_str()), (status, ""), "{self:?}");
        assert_eq!(self.header("content-length"), Some("0"), "{self:?}");
        assert_eq!(self.header("connection"), Some("close"), "{self:?}");
        assert_eq!(self.header("x-request-id"), None, "{self:?}");
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.body))
    }
}

/// One connection, kept open from request to request.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    /// Bytes that were read and not yet used.
    buffer: Vec<u8>,
    /// How the last reading ended, if without bytes.
    end: String,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the server accepts")
    }

    /// [`Self::connect`] to a server that may be gone.
    pub(crate) fn try_connect(address: SocketAddr) -> Option<Self> {
        Some(Self::over(TcpStream::connect(address).ok()?))
    }

    /// A client on a connection that is open already.
    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self::on(stream)
    }

    /// Says that nothing more will be sent, and goes on reading.
    pub(crate) fn shut_sending(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the server is there");
    }
}

impl<S: Read + Write> Client<S> {
    /// A client on any stream.
    pub(crate) fn on(stream: S) -> Self {
        Self { stream, buffer: Vec::new(), end: String::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Reads one response; `None` when the server closed without a whole one.
    pub(crate) fn receive(&mut self) -> Option<Response> {
        self.receive_for("GET")
    }

    /// [`Self::receive`] for a request of this method: HEAD is answered without a body.
    pub(crate) fn receive_for(&mut self, method: &str) -> Option<Response> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.read_more() {
                return None;
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let head = String::from_utf8(head).expect("the head is text");
        let mut lines = head.trim_end().lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let headers: Vec<(String, String)> = lines
            .filter_map(|l| l.split_once(':'))
            .map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(n, _)| n == "content-length");
        let length = match method {
            "HEAD" => 0,
            _ => length.map_or(0, |(_, v)| v.parse().expect("a length")),
        };
        while self.buffer.len() < length {
            if !self.read_more() {
                return None;
            }
        }
        let body: Vec<u8> = self.buffer.drain(..length).collect();
        Some(Response { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Whether the server closes its side, with nothing more to read: neither silence nor a reset.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && matches!(self.stream.read(&mut [0]), Ok(0))
    }

    fn read_more(&mut self) -> bool {
        let mut part = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut part) {
                Ok(0) => self.end = "the server closed the connection".to_owned(),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => self.end = e.to_string(),
                Ok(n) => {
                    self.buffer.extend_from_slice(&part[..n]);
                    return true;
                }
            }
            return false;
        }
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.send(request(method, path, headers, body));
        self.receive_for(method).unwrap_or_else(|| panic!("no answer: {}", self.end))
    }

    pub(crate) fn post_lead(&mut self, lead: &Value) -> Response {
        self.send(lead_request(lead.to_string().as_bytes()));
        self.receive().unwrap_or_else(|| panic!("no answer: {}", self.end))
    }

    /// [`Self::post_lead`] to a server that may go away: `None` when the answer did not come.
    pub(crate) fn try_post_lead(&mut self, lead: &Value) -> Option<Response> {
        self.stream.write_all(&lead_request(lead.to_string().as_bytes())).ok()?;
        self.receive()
    }
}

/// A request's bytes, with its length.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method == "POST" {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    [text.into_bytes(), body.to_vec()].concat()
}

/// A lead's request as the site sends it.
pub(crate) fn lead_request(body: &[u8]) -> Vec<u8> {
    let token = format!("Bearer {TOKEN}");
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    request("POST", "/inbound/leads", &headers, body)
}

/// One request on a connection of its own.
pub(crate) fn once(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    Client::connect(address).request(method, path, headers, body)
}

/// One lead on a connection of its own.
pub(crate) fn post_lead(address: SocketAddr, lead: &Value) -> Response {
    Client::connect(address).post_lead(lead)
}

/// The head and the body of the response to a GET: the body need not be text.
pub(crate) fn get_bytes(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> (String, Vec<u8>) {
    let mut stream = Client::connect(address).stream;
    let closing = [headers, &[("Connection", "close")]].concat();
    stream.write_all(&request("GET", path, &closing, b"")).expect("the server reads");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("a response");
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
    (String::from_utf8(all[..end].to_vec()).expect("text"), all[end..].to_vec())
}
