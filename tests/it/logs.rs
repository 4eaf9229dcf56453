//! The log as a journal receives it: one line for each request, and no personal data.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::support::binary::{ServeProcess, command, succeed};
use super::support::http::{Client, lead_request, request};
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
    for (method, path, status) in [
        ("GET", "/health", 200),
        ("DELETE", "/inbound/leads", 405),
        ("POST", "/inbound/leads", 401),
        ("GET", "/nowhere", 404),
    ] {
        let answer = client.request(method, path, &[], b"");
        assert_eq!(answer.status, status);
        let id = answer.header("x-request-id").expect("an id that the server made");
        expected.push(json!([method, path, status, id, null]));
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
    assert!(requests(&lines(&server)).len() >= 9, "{log}");
    for secret in ["zyxw", "99887766", TOKEN] {
        assert!(!log.to_lowercase().contains(secret), "{secret} is in the log: {log}");
    }
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
