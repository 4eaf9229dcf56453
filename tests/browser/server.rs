//! The built server with a temporary database, and a client that posts leads as the site does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::process_output::{open_terminal, read_lines};

const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

pub(crate) const PASSWORD: &str = "une phrase de passe";

pub(crate) struct TestServer {
    pub(crate) origin: String,
    /// What the server prints, including the link for the first account.
    stdout: Receiver<String>,
    address: String,
    process: Child,
    folder: tempfile::TempDir,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (process, address, stdout) = serve(&folder, "127.0.0.1:0", None);
        Self { origin: format!("http://{address}"), stdout, address, process, folder }
    }

    /// A server that is told another address than the one at which the browser opens it.
    pub(crate) fn start_with_wrong_public_url() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (process, address, stdout) =
            serve(&folder, "127.0.0.1:0", Some("http://leads.example"));
        let origin = format!("http://{}", address.replace("127.0.0.1", "localhost"));
        Self { origin, stdout, address, process, folder }
    }

    /// A server whose pages have no secure context: on another host than the machine itself, over HTTP. The
    /// browser finds it under that name.
    pub(crate) fn start_without_https() -> Self {
        let mut server = Self::start();
        server.origin = server.origin.replace("127.0.0.1", "leads.example");
        server
    }

    /// Kills the server and starts it again at the same address.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Starts the server again at the same address, after `kill`.
    pub(crate) fn start_again(&mut self) {
        (self.process, _, _) = serve(&self.folder, &self.address, None);
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Runs a command of the binary while the server runs, and returns its output.
    pub(crate) fn run_command(&self, arguments: &[&str], input: &str) -> String {
        let mut child = command(&self.folder, arguments);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("stdin is written");
        drop(stdin);
        let output = child.wait_with_output().expect("the command ends");
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Opens the database file directly, as another program would.
    pub(crate) fn open_database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("fastcore.db"))
            .expect("the database opens")
    }

    /// The path of the link that the server printed for the first account.
    pub(crate) fn first_account_link(&self) -> String {
        let lines = std::iter::from_fn(|| self.stdout.recv_timeout(Duration::from_secs(60)).ok());
        let token = |line: String| Some(line.split_once("/admin/setup#")?.1.trim().to_owned());
        let token = { lines }.find_map(token).expect("a link is printed");
        format!("/admin/setup#{token}")
    }

    pub(crate) fn add_staff(&self, name: &str) {
        self.run_command(&["staff", "add", name, "--password-stdin", "--without-totp"], PASSWORD);
    }

    /// Posts a lead with default values, overridden by `fields`, and returns its id.
    pub(crate) fn post_lead(&self, fields: &Value) -> String {
        let lead = Self::lead_with(fields).to_string();
        let response = self.post_with_token(lead.as_bytes());
        response["leadId"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned()
    }

    /// Posts a lead that is refused and kept.
    pub(crate) fn post_refused(&self, fields: &Value) {
        self.post_refused_bytes(Self::lead_with(fields).to_string().as_bytes());
    }

    /// Posts bytes that are refused and kept.
    pub(crate) fn post_refused_bytes(&self, body: &[u8]) {
        let response = self.post_with_token(body);
        assert_eq!(response["kept"], true, "{response}");
    }

    fn post_with_token(&self, body: &[u8]) -> Value {
        self.post("/inbound/leads", &format!("Authorization: Bearer {TOKEN}"), body)
    }

    fn lead_with(fields: &Value) -> Value {
        let mut lead = json!({
            "name": "Jean Dupont", "email": "jean@example.com", "phone": "+33612345678",
            "company": "Garage Dupont", "service": "ponts",
            "message": "Le pont élévateur ne monte plus depuis ce matin.", "consent": true,
            "meta": {
                "source": "fast-techservices.com", "request_id": Uuid::new_v4().to_string(),
                "ip_hash": "abc123", "timestamp_utc": "2026-01-03T10:30:45Z",
            },
        });
        for (name, value) in fields.as_object().expect("an object") {
            lead[name] = value.clone();
        }
        lead
    }

    /// Signs in as a script would, without a browser.
    pub(crate) fn sign_in_with_curl(&self, name: &str) {
        let credentials = json!({ "name": name, "password": PASSWORD });
        let headers = format!("Origin: {}\r\nUser-Agent: curl/8.14.1", self.origin);
        let session = self.post("/admin/api/session", &headers, credentials.to_string().as_bytes());
        assert_eq!(session["name"], name, "{session}");
    }

    /// Posts JSON and returns the response's body.
    fn post(&self, path: &str, headers: &str, body: &[u8]) -> Value {
        let mut stream = TcpStream::connect(&self.address).expect("the server accepts connections");
        let (length, host) = (body.len(), &self.address);
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
        .and_then(|()| stream.write_all(body))
        .expect("the request is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        let (_, body) = response.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect("JSON")
    }

    /// Posts `count` leads with numbered names, `Personne 001` first.
    pub(crate) fn post_leads(&self, count: usize) {
        for number in 1..=count {
            self.post_lead(&json!({ "name": format!("Personne {number:03}") }));
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn command(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastcore"));
    command.args(arguments).current_dir(folder.path()).env_clear();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts a server and waits until it listens. Returns the process, its address and what it prints.
fn serve(
    folder: &tempfile::TempDir,
    listen: &str,
    public_url: Option<&str>,
) -> (Child, String, Receiver<String>) {
    let mut command = command(folder, &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_LISTEN", listen);
    command.envs(public_url.map(|url| ("FASTCORE_PUBLIC_URL", url)));
    // On a terminal it prints the link for the first account.
    let (terminal, stdout) = open_terminal();
    let mut child =
        command.stdout(stdout).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let stdout = read_lines(terminal);
    let log = read_lines(child.stderr.take().expect("a pipe"));
    let address = std::iter::from_fn(|| log.recv_timeout(Duration::from_secs(60)).ok())
        .find_map(|line| {
            let event: Value = serde_json::from_str(&line).ok()?;
            event["address"].as_str().map(str::to_owned)
        })
        .expect("the log has the address");
    (child, address, stdout)
}
