//! The admin page as a browser uses it, and a clock that tests control.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fastcore::clock::Clock;
use fastcore::http::server::Limits;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::binary;
use super::http::{Client, Response, once};
use super::server::TestServer;
use super::{lead, sql};

/// A time for [`TestClock`] to start at.
pub(crate) const START_TIME: &str = "2026-03-02T08:00:00Z";
/// A password that may be set.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// The `Origin` header of a same-origin request: the tests address the server as `localhost`.
pub(crate) const SAME_ORIGIN: (&str, &str) = ("Origin", "http://localhost");
const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The parameters of a query string as a JSON object.
pub(crate) fn body_of(query: &str) -> Value {
    let value = |name: &str, text: &str| match (name, text.parse::<i64>()) {
        ("limit", Ok(number)) => json!(number),
        _ => json!(text),
    };
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, text)| (name.clone().into_owned(), value(&name, &text))).collect()
}

/// A clock that only moves when a test advances it.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(moment: &str) -> Self {
        let moment = DateTime::parse_from_rfc3339(moment).expect("a moment");
        Self(Arc::new(AtomicI64::new(moment.timestamp_micros())))
    }

    pub(crate) fn clock(&self) -> Clock {
        let test_clock = self.clone();
        Clock::from_fn(move || test_clock.now())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).expect("a moment")
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_microseconds().expect("small"), Ordering::SeqCst);
    }

    /// A server by this clock.
    pub(crate) fn server(&self, public_url: Option<&'static str>) -> TestServer {
        TestServer::with_options(
            Limits::default(),
            Duration::from_secs(8),
            self.clock(),
            public_url,
        )
    }
}

/// A server with the account `jean`, created by its setup link.
pub(crate) fn server_with_account() -> (TestServer, Browser) {
    let server = TestServer::start();
    let browser = create_first_account(&server);
    (server, browser)
}

/// Creates the account `jean` by the setup link.
pub(crate) fn create_first_account(server: &TestServer) -> Browser {
    let mut browser = Browser::new(server.address);
    let account = json!({"token": server.setup_token, "name": "jean", "password": PASSWORD});
    let answer = browser.post("/admin/api/setup", &account);
    assert_eq!(answer.status, 201, "{answer:?}");
    browser
}

/// A browser's state for one server.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) address: SocketAddr,
    /// The session's cookie, `name=token`, as it sends it.
    pub(crate) cookie: Option<String>,
    /// The cookie of a device that has signed in, likewise.
    pub(crate) device: Option<String>,
    /// The address that a trusted proxy names.
    pub(crate) client: Option<&'static str>,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, cookie: None, device: None, client: None }
    }

    /// A browser at another address, behind a proxy.
    pub(crate) fn at(address: SocketAddr, client: &'static str) -> Self {
        Self { client: Some(client), ..Self::new(address) }
    }

    /// Sends these headers and the cookies, and keeps the cookies that come back.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let cookies: Vec<String> = self.cookie.iter().chain(&self.device).cloned().collect();
        let cookies = Some(cookies.join("; ")).filter(|cookies| !cookies.is_empty());
        let mut all = headers.to_vec();
        all.extend(cookies.as_deref().map(|cookies| ("Cookie", cookies)));
        all.extend(self.client.map(|client| ("X-Forwarded-For", client)));
        let answer = once(self.address, method, path, &all, body);
        for (_, set) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let cookie = set.split(';').next().expect("a cookie").to_owned();
            let of_device = cookie.contains("fastcore_device=");
            let kept = if of_device { &mut self.device } else { &mut self.cookie };
            *kept = Some(cookie).filter(|cookie| !cookie.ends_with('='));
        }
        answer
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }

    /// What a path that is there answers.
    pub(crate) fn read(&mut self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response {
        self.send("POST", path, &[SAME_ORIGIN, JSON], body.to_string().as_bytes())
    }

    /// A page of leads: a search as the body of a POST, any other filter in the address.
    pub(crate) fn list(&mut self, query: &str) -> Response {
        if query.contains("q=") {
            self.post("/admin/api/leads/search", &body_of(query))
        } else {
            self.get(&format!("/admin/api/leads?{query}"))
        }
    }

    /// An opened lead, with the filter as [`Self::list`] sends it.
    pub(crate) fn open(&mut self, id: &str, query: &str) -> Response {
        if query.contains("q=") {
            self.post(&format!("/admin/api/leads/{id}"), &body_of(query))
        } else {
            self.get(&format!("/admin/api/leads/{id}?{query}"))
        }
    }

    /// Sends the form of an export.
    pub(crate) fn export(&mut self, form: &str) -> Response {
        self.send("POST", "/admin/api/export", &[SAME_ORIGIN, FORM], form.as_bytes())
    }

    pub(crate) fn sign_in(&mut self, name: &str, password: &str) -> Response {
        self.post("/admin/api/session", &json!({"name": name, "password": password}))
    }

    pub(crate) fn sign_in_with_code(&mut self, name: &str, code: &str) -> Response {
        let body = json!({"name": name, "password": PASSWORD, "code": code});
        self.post("/admin/api/session", &body)
    }

    pub(crate) fn is_signed_in(&mut self) -> bool {
        let answer = self.get("/admin/api/session");
        assert!([200, 401].contains(&answer.status), "{answer:?}");
        answer.status == 200
    }
}

/// The code of a second factor at this time; `shown` has its otpauth URL or its secret in base 32.
pub(crate) fn totp_code(shown: &str, now: DateTime<Utc>) -> String {
    let secret = shown.split_once("secret=").map_or(shown, |(_, rest)| rest);
    let secret = secret.split('&').next().expect("a secret").replace(' ', "");
    let secret = Secret::try_from_base32(&secret).expect("base32");
    let totp = Builder::new().with_secret(secret).build().expect("a factor");
    totp.generate(now.timestamp().try_into().expect("now")).to_string()
}

/// The statuses that requests sent at the same moment get, in order.
pub(crate) fn concurrent_statuses(
    requests: usize,
    send: impl Fn(usize) -> u16 + Clone + Send + 'static,
) -> Vec<u16> {
    let spawn = |n| {
        let send = send.clone();
        std::thread::spawn(move || send(n))
    };
    let sent: Vec<_> = (0..requests).map(spawn).collect();
    let mut statuses: Vec<u16> = sent.into_iter().map(|s| s.join().expect("an answer")).collect();
    statuses.sort_unstable();
    statuses
}

/// The recovery codes at the end of what `staff add` printed.
pub(crate) fn recovery_codes(shown: &str) -> Vec<String> {
    let codes: Vec<_> = shown.lines().rev().take(10).map(str::to_owned).collect();
    assert_eq!(codes.len(), 10, "{shown}");
    codes
}

/// Runs a command with a line on its standard input.
pub(crate) fn run_with_input(folder: &std::path::Path, arguments: &[&str], input: &str) -> Output {
    let mut command = binary::command(folder, arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    // A command that refuses its arguments does not read.
    let _ = writeln!(child.stdin.take().expect("a pipe"), "{input}");
    child.wait_with_output().expect("it ends")
}

/// Adds an account with [`PASSWORD`] and no second factor from the shell; what that prints.
pub(crate) fn add_account(folder: &std::path::Path, name: &str) -> String {
    add(folder, &["staff", "add", name, "--password-stdin", "--without-totp"])
}

/// Adds an account with [`PASSWORD`] and a second factor from the shell; what that prints.
pub(crate) fn add_account_with_totp(folder: &std::path::Path, name: &str) -> String {
    add(folder, &["staff", "add", name, "--password-stdin"])
}

fn add(folder: &std::path::Path, arguments: &[&str]) -> String {
    let output = run_with_input(folder, arguments, PASSWORD);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Sends leads, each a little other than the one before.
pub(crate) fn send_leads(server: &TestServer, leads: u32) -> Vec<String> {
    let mut client = Client::connect(server.address);
    let send = |i: u32| {
        let mut lead = lead();
        let services = ["ponts", "cabines", "compresseurs", "diagnostic", "autre"];
        lead["service"] = json!(services[i as usize % 5]);
        lead["name"] = json!(format!("Zoë Lefèvre {i}"));
        if i.is_multiple_of(3) {
            lead["message"] =
                json!(format!("Le pont n° {i} ne lève plus\n\t depuis hier, Électricité"));
            lead["company"] = json!(null);
        }
        let answer = client.post_lead(&lead);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["leadId"].as_str().expect("an id").to_owned()
    };
    (0..leads).map(send).collect()
}

/// Sets the status of a lead by the command, while the server runs.
pub(crate) fn set_status(server: &TestServer, id: &str, status: &str) {
    binary::succeed(server.folder(), &["lead", "set-status", id, status]);
}

/// Actor and details of the rows of an event.
pub(crate) fn audit_rows_of(server: &TestServer, event: &str) -> Vec<[String; 2]> {
    let sql =
        format!("SELECT actor, details_json FROM audit_log WHERE event = '{event}' ORDER BY seq");
    let rows = sql::rows(&server.sqlite(), &sql).into_iter();
    rows.map(|row| [row[0].clone().unwrap_or_default(), row[1].clone().unwrap_or_default()])
        .collect()
}
