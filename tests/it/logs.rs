//! The log as a journal receives it: one line for each request, and no personal data.

use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use serde_json::{Value, json};

use super::support::admin::{self, Browser, PASSWORD};
use super::support::binary::{ServeProcess, StalledServer, command, succeed};
use super::support::http::{Client, lead_request, post_lead, request};
use super::support::{TOKEN, lead};

/// The lines of the log that are JSON objects, which all must be.
#[track_caller]
fn lines(server: &ServeProcess) -> Vec<Value> {
    let read = |line: &String| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    server.log.iter().map(read).collect()
}

fn requests(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["message"] == "request").collect()
}

/// A lead's request with an id of the client's.
fn named(lead: &Value, id: &str) -> Vec<u8> {
    let token = format!("Bearer {TOKEN}");
    let headers = [
        ("Authorization", token.as_str()),
        ("Content-Type", "application/json"),
        ("X-Request-Id", id),
    ];
    request("POST", "/inbound/leads", &headers, lead.to_string().as_bytes())
}

#[test]
fn every_request_logs_one_line_with_its_outcome() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let mut client = Client::connect(server.address);
    let first = lead();
    let mut changed = first.clone();
    changed["message"] = json!("Un tout autre message, assez long pour être accepté");
    let mut expected = Vec::new();
    for (body, status) in [(&first, 201), (&first, 200), (&changed, 409), (&json!({}), 422)] {
        let id = format!("site-{status}");
        client.send(named(body, &id));
        let answer = client.receive().expect("an answer");
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
        // What was stored, or found stored, is named; a refusal names nothing.
        let lead_id = if status < 300 { answer.json()["leadId"].clone() } else { Value::Null };
        expected.push(json!(["POST", "/inbound/leads", status, id, lead_id]));
    }
    for (method, path, logged_path, status) in [
        ("GET", "/health", "/health", 200),
        ("DELETE", "/inbound/leads", "/inbound/leads", 405),
        ("POST", "/inbound/leads", "/inbound/leads", 401),
        // What the server does not know could be anything, such as an email address.
        ("GET", "/nowhere", "(unknown)", 404),
        ("GET", "/docs/nothing", "/docs/{file}", 404),
        ("GREET", "/nowhere", "(unknown)", 404),
    ] {
        let answer = client.request(method, path, &[], b"");
        assert_eq!(answer.status, status);
        let id = answer.header("x-request-id").expect("an id that the server made");
        let method = if method == "GREET" { "(unknown)" } else { method };
        expected.push(json!([method, logged_path, status, id, null]));
    }
    server.terminate();

    let lines = lines(&server);
    let reported: Vec<Value> = requests(&lines)
        .iter()
        .map(|l| json!([l["method"], l["path"], l["status"], l["request_id"], l["lead_id"]]))
        .collect();
    assert_eq!(json!(reported), json!(expected));
    for line in requests(&lines) {
        assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{line}");
        assert!(line["timestamp"].is_string() && line["level"] == "INFO", "{line}");
    }
}

#[test]
fn what_is_not_http_is_a_line_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let not_http = [(b"no request at all\r\n\r\n".to_vec(), 400), (vec![b'x'; 20_000], 431)];
    for (bytes, status) in not_http {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        assert_eq!(client.receive().expect("a response").status, status);
    }
    server.terminate();
    let lines = lines(&server);
    let reported = lines.iter().filter(|line| line["message"] == "not an HTTP request");
    for line in reported.clone() {
        assert!(line["error"].is_string() && line["level"] == "INFO", "{line}");
    }
    assert_eq!(reported.count(), 2, "{lines:?}");
}

#[test]
fn a_request_id_that_could_forge_a_log_line_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let mut client = Client::connect(server.address);
    for id in ["jean@example.com", "a b", "\"}{\"", &"x".repeat(200), "caf\u{e9}"] {
        client.send(named(&lead(), id));
        let answer = client.receive().expect("an answer");
        assert_eq!(answer.status, 201);
        assert_ne!(answer.header("x-request-id"), Some(id));
        assert_eq!(answer.header("x-request-id").map(str::len), Some(36), "{answer:?}");
    }
    server.terminate();
    assert!(!server.log.concat().contains("example.com"));
}

#[test]
fn a_request_line_did_not_say_who_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    succeed(folder.path(), &["migrate"]);
    admin::add_account(folder.path(), "jean");
    let mut server = ServeProcess::start(folder.path());
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.get("/admin/api/stats").status, 401);
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    assert_eq!(browser.get("/admin/api/status").status, 200);
    assert_eq!(browser.get("/admin/api/leads/0198a6f2-0000-7000-8000-000000000001").status, 404);
    assert_eq!(browser.get("/admin").status, 200);
    server.terminate();

    let lines = lines(&server);
    let said = requests(&lines);
    let said: Vec<_> =
        said.iter().map(|l| json!([l["method"], l["path"], l["status"], l["account"]])).collect();
    assert_eq!(
        json!(said),
        json!([
            ["GET", "/admin/api/stats", 401, null],
            ["POST", "/admin/api/session", 200, "jean"],
            ["GET", "/admin/api/status", 200, "jean"],
            ["GET", "/admin/api/leads/{id}", 404, "jean"],
            ["GET", "/admin", 200, null],
        ])
    );
}

/// At the chattiest level, with every way to say something wrong.
#[test]
fn no_log_line_contains_personal_data_or_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(folder.path(), &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("DEBUG", "true");
    let mut server = ServeProcess::spawn(&mut command);
    let mut client = Client::connect(server.address);
    let mut body = lead();
    body["name"] = json!("Zyxwname Secret");
    body["email"] = json!("zyxwmail@zyxwdomain.example");
    body["phone"] = json!("+33699887766");
    body["company"] = json!("Zyxwcompany");
    body["message"] = json!("Zyxwmessage, et rien que vingt caractères de plus");
    assert_eq!(client.post_lead(&body).status, 201);
    assert_eq!(client.post_lead(&body).status, 200);
    let mut other = body.clone();
    other["name"] = json!("Zyxwother");
    assert_eq!(client.post_lead(&other).status, 409);
    other["email"] = json!("zyxwmail at nowhere");
    other["service"] = json!("zyxwservice");
    other["zyxwkey"] = json!("zyxwvalue");
    assert_eq!(client.post_lead(&other).status, 422);
    client.send(lead_request(b"{\"name\": \"Zyxwbroken\", "));
    assert_eq!(client.receive().expect("an answer").status, 400);
    let wrong = [("Authorization", "Bearer zyxwwrongtokenzyxwwrongtokenzyxw")];
    assert_eq!(client.request("POST", "/inbound/leads", &wrong, b"{}").status, 401);
    for path in [
        "/health?email=zyxwmail@zyxwdomain.example",
        "/zyxwmail@zyxwdomain.example",
        "/zyxwmail%40zyxwdomain.example",
    ] {
        client.request("GET", path, &[("X-Name", "Zyxwheader")], b"");
    }
    let mut garbage = Client::connect(server.address);
    garbage.send("zyxwgarbage zyxwmail@zyxwdomain.example\r\n\r\n");
    garbage.receive().expect("an answer").assert_bare(400);
    let mut half = Client::connect(server.address);
    half.send("POST /inbound/leads HTTP/1.1\r\nX-Mail: zyxwmail@zyxwdomain.example\r\n");
    drop(half);
    server.terminate();

    let log = server.log.join("\n");
    // Equal refusals share a line.
    assert!(requests(&lines(&server)).len() >= 8, "{log}");
    for secret in ["zyxw", "99887766", TOKEN] {
        assert!(!log.to_lowercase().contains(secret), "{secret} is in the log: {log}");
    }
}

/// A pipe that nobody reads is full after some 300 lines.
#[test]
fn a_log_reader_that_stalls_does_not_stop_the_service() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(folder.path(), &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN);
    let mut server = StalledServer::start(&mut command);
    let mut client = Client::connect(server.address);
    let same = lead();
    // More lines than the pipe and the queue have room for.
    for _ in 0..9000 {
        assert!([200, 201].contains(&client.post_lead(&same).status));
    }
    drop(client);
    let log = server.read_and_terminate();
    let dropped = |line: &Value| line["dropped"].as_u64().filter(|_| line["level"] == "WARN");
    let lines: Vec<Value> = log.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let dropped: u64 = lines.iter().filter_map(dropped).sum();
    assert!(dropped > 0, "{} lines", lines.len());
    let counted = requests(&lines).len() as u64 + dropped;
    // The heads of the audit log, too.
    assert!((9000..9020).contains(&counted), "each is written or counted: {counted}");
}

#[test]
fn a_flood_of_refusals_does_not_silence_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let mut client = Client::connect(server.address);
    for _ in 0..2000 {
        assert_eq!(client.request("POST", "/inbound/leads", &[], b"{}").status, 401);
        assert_eq!(client.request("GET", "/nowhere", &[], b"").status, 404);
    }
    assert_eq!(client.post_lead(&lead()).status, 201);
    server.terminate();
    let lines = lines(&server);
    assert!(server.log.len() < 50, "{} lines", server.log.len());
    assert_eq!(requests(&lines).iter().filter(|line| line["status"] == 201).count(), 1);
    assert!(lines.iter().any(|line| line["message"] == "audit log head"));
    for status in [401, 404] {
        let of_status = lines.iter().filter(|line| line["status"] == status);
        let counted = of_status.map(|line| line["repeated"].as_u64().unwrap_or(1));
        assert_eq!(counted.sum::<u64>(), 2000, "{status}");
    }
}

#[test]
fn connections_that_could_not_be_accepted_filled_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    // It listens before all of its start is done.
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let pid = Pid::from_raw(i32::try_from(server.pid()).expect("an id"));
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("a list").count();
    let limited =
        Rlimit { current: Some(files as u64), maximum: getrlimit(Resource::Nofile).maximum };
    let before = prlimit(pid, Resource::Nofile, limited).expect("a limit");
    let connect = |_| TcpStream::connect(server.address).expect("the system accepts");
    let waiting: Vec<TcpStream> = (0..50).map(connect).collect();
    server.read_until("cannot accept a connection");
    std::thread::sleep(Duration::from_secs(1));
    prlimit(pid, Resource::Nofile, before).expect("a limit");
    drop(waiting);
    server.terminate();
    let lines = server.log.iter().filter(|line| line.contains("cannot accept a connection"));
    assert!(lines.count() <= 2, "{:?}", server.log);
}

#[test]
fn the_chain_head_is_logged_at_every_level_but_error() {
    for (level, is_logged) in [("DEBUG", true), ("INFO", true), ("WARNING", true), ("ERROR", false)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = command(folder.path(), &["serve"]);
        command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("LOG_LEVEL", level);
        let mut server = ServeProcess::spawn_with_text_log(&mut command);
        assert_eq!(Client::connect(server.address).post_lead(&lead()).status, 201);
        server.terminate();
        let log = server.log.concat();
        assert_eq!(log.contains("audit log head"), is_logged, "{level}: {log}");
        assert_eq!(log.contains("\"status\":201"), ["DEBUG", "INFO"].contains(&level), "{log}");
    }
}

/// systemd's journal reads the priority of a line from its beginning, if the stream is its own.
#[test]
fn lines_for_the_journal_begin_with_their_priority() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let run = |name: &str| {
        let file = std::fs::File::create(&path).expect("a file");
        let stream = rustix::fs::fstat(&file).expect("its numbers");
        let journal = format!("{}:{}", stream.st_dev, stream.st_ino);
        let journal = if name == "own" { journal } else { "1:2".to_owned() };
        let mut command = command(folder.path(), &["serve", "--listen", "nowhere"]);
        command.env("JOURNAL_STREAM", journal).stderr(file);
        assert_eq!(command.status().expect("it runs").code(), Some(1));
        std::fs::read_to_string(&path).expect("a log")
    };
    assert!(run("own").starts_with("<3>fastcore: "), "{}", run("own"));
    assert!(run("other").starts_with("fastcore: "), "{}", run("other"));
}

#[test]
fn the_chain_head_is_logged_at_shutdown() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = ServeProcess::start(folder.path());
        let mut client = Client::connect(server.address);
        let mut receipt = Value::Null;
        for _ in 0..3 {
            receipt = client.post_lead(&lead()).json()["receipt"].clone();
        }
        drop(client);
        server.signal(signal);
        assert!(server.wait().success());
        let lines = lines(&server);
        let head = lines.iter().rfind(|line| line["message"] == "audit log head");
        assert_eq!(head.map(|line| &line["head"]), Some(&receipt), "{lines:?}");
        assert_eq!(succeed(folder.path(), &["audit", "head"]).trim(), receipt);
    }
}

#[test]
fn the_chain_head_is_logged_every_thousand_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let mut client = Client::connect(server.address);
    let same = lead();
    for _ in 0..1100 {
        assert!([200, 201].contains(&client.post_lead(&same).status));
    }
    // No word at the end: only what was said on the way.
    server.signal(Signal::KILL);
    server.wait();
    let lines = lines(&server);
    let heads: Vec<&Value> =
        lines.iter().filter(|line| line["message"] == "audit log head").collect();
    assert_eq!(heads.len(), 1, "{heads:?}");
    let seq = heads[0]["head"].as_str().and_then(|head| head.split_once(':')).expect("a head").0;
    assert!(seq.parse::<u64>().is_ok_and(|seq| (1000..1100).contains(&seq)), "{seq}");
}
