//! One keep-alive connection that sends a request and waits for the answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(super) struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    cookie: String,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    cookie: Option<String>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("no delay");
        Self { address, stream: BufReader::new(stream), cookie: String::new() }
    }

    pub(super) fn sign_in(&mut self, name: &str, password: &str) {
        let origin = format!("Origin: http://{}\r\n", self.address);
        let body = serde_json::json!({ "name": name, "password": password }).to_string();
        let answer = self.send("POST", "/admin/api/session", &origin, &body);
        assert_eq!(answer.status, 200);
        let cookie = answer.cookie.expect("a cookie");
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    }

    pub(super) fn get(&mut self, path: &str) -> Answer {
        let cookie = format!("Cookie: {}\r\n", self.cookie);
        self.send("GET", path, &cookie, "")
    }

    /// Reads leads by the parameters of a query string: with a search, they are sent in a body.
    pub(super) fn list(&mut self, query: &str) -> Answer {
        if !query.contains("q=") {
            return self.get(&format!("/admin/api/leads?{query}"));
        }
        let parameters = form_urlencoded::parse(query.as_bytes()).into_owned();
        let body: serde_json::Value = parameters.collect();
        let headers = format!("Cookie: {}\r\nOrigin: http://{}\r\n", self.cookie, self.address);
        self.send("POST", "/admin/api/leads/search", &headers, &body.to_string())
    }

    pub(super) fn post_lead(&mut self, token: &str, lead: &str) -> Answer {
        self.send("POST", "/inbound/leads", &format!("Authorization: Bearer {token}\r\n"), lead)
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).expect("the server reads");
        let mut answer = Answer { status: 0, body: Vec::new(), cookie: None };
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).expect("an answer") > 0, "cut off");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(status) = line.strip_prefix("HTTP/1.1 ") {
                answer.status = status[..3].parse().expect("a status");
            } else if let Some((name, value)) = line.split_once(": ") {
                match name {
                    "content-length" => length = value.parse().expect("a length"),
                    "set-cookie" if value.starts_with("fastcore_session") => {
                        answer.cookie = Some(value.to_owned());
                    }
                    _ => {}
                }
            }
        }
        answer.body.resize(length, 0);
        self.stream.read_exact(&mut answer.body).expect("the whole answer");
        answer
    }
}
