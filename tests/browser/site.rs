//! The built server with a database of its own, and the site that posts leads to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

pub(crate) const PASSWORD: &str = "une phrase de passe";

pub(crate) struct Site {
    pub(crate) origin: String,
    /// What the start printed, with the link for the first account.
    pub(crate) printed: String,
    address: String,
    server: Child,
    folder: tempfile::TempDir,
}

impl Site {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, address, printed) = serve(&folder, "127.0.0.1:0");
        Self { origin: format!("http://{address}"), printed, address, server, folder }
    }

    /// Kills the server and starts it again at the same address.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    pub(crate) fn start_again(&mut self) {
        (self.server, _, _) = serve(&self.folder, &self.address);
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Runs a command of the binary beside the server; what it prints.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut child = command(&self.folder, arguments);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().expect("it runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The database, for what only somebody with the file in hand can do.
    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("fastcore.db")).expect("it opens")
    }

    pub(crate) fn add_staff(&self, name: &str) {
        self.run(&["staff", "add", name, "--password-stdin"], PASSWORD);
    }

    /// Posts a lead with these fields over the usual ones; its id.
    pub(crate) fn post(&self, fields: &Value) -> String {
        let mut lead = json!({
            "name": "Jean Dupont", "email": "jean@example.com", "phone": "+33612345678",
            "company": "Garage Dupont", "service": "ponts",
            "message": "Le pont élévateur ne monte plus depuis ce matin.", "consent": true,
            "meta": {
                "source": "fast-techservices.com", "request_id": Uuid::new_v4().to_string(),
                "ip_hash": "abc123", "timestamp_utc": "2026-01-03T10:30:45Z",
            },
        });
        for (name, value) in fields.as_object().expect("fields") {
            lead[name] = value.clone();
        }
        let body = lead.to_string();
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let (length, host) = (body.len(), &self.address);
        write!(
            stream,
            "POST /inbound/leads HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let answer: Value = serde_json::from_str(body).expect("JSON");
        answer["leadId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Posts as many leads, numbered from 1, the last one newest.
    pub(crate) fn post_many(&self, count: usize) {
        for number in 1..=count {
            self.post(&json!({ "name": format!("Personne {number:03}") }));
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
    }
}

fn command(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastcore"));
    command.args(arguments).current_dir(folder.path()).env_clear();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A server that listens: where, and what it printed until then.
fn serve(folder: &tempfile::TempDir, listen: &str) -> (Child, String, String) {
    let mut command = command(folder, &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_LISTEN", listen);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let printed = lines(child.stdout.take().expect("a pipe"));
    let log = lines(child.stderr.take().expect("a pipe"));
    let address = std::iter::from_fn(|| log.recv_timeout(Duration::from_secs(60)).ok())
        .find_map(|line| {
            let event: Value = serde_json::from_str(&line).ok()?;
            event["address"].as_str().map(str::to_owned)
        })
        .expect("it listens");
    let printed: Vec<String> =
        std::iter::from_fn(|| printed.recv_timeout(Duration::from_millis(300)).ok()).collect();
    (child, address, printed.join("\n"))
}

/// What a process writes, line by line, for as long as it does.
pub(crate) fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    lines
}
