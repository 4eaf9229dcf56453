//! HTTP/1.1 at the byte level: what well-behaved and misbehaving clients receive.

mod connection_limit;
mod keep_alive;
mod malformed;
mod slow_clients;

use std::io::Write;
use std::time::{Duration, Instant};

use fastcore::http::server::Limits;
use serde_json::json;

use super::support::http::{Client, lead_request, post_lead, request};
use super::support::server::TestServer;
use super::support::{TOKEN, lead};

const KIB_64: usize = 64 * 1024;
const LEADS: &str = "SELECT count(*) FROM lead_inbox";

/// A lead's request of HTTP/1.1 whose body comes in parts of this size.
fn chunked(body: &[u8], part: usize) -> Vec<u8> {
    let mut bytes = format!(
        "POST /inbound/leads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for part in body.chunks(part) {
        bytes.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// A valid lead's text, made longer with white space.
fn padded(length: usize) -> Vec<u8> {
    let mut body = lead().to_string().into_bytes();
    body.resize(length, b' ');
    body
}

#[test]
fn requests_on_one_connection_are_all_answered() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    for _ in 0..50 {
        assert_eq!(client.post_lead(&lead()).status, 201);
    }
    assert_eq!(server.number(LEADS), 50);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let token = format!("Bearer {TOKEN}");
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for i in 0..40 {
        let id = format!("pipelined-{i}");
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/json"),
            ("X-Request-Id", id.as_str()),
        ];
        let (lead, invalid) = (lead().to_string(), b"{}".as_slice());
        let (status, method, path, body) = match i % 4 {
            0 => (201, "POST", "/inbound/leads", lead.as_bytes()),
            1 => (200, "GET", "/health", b"".as_slice()),
            2 => (422, "POST", "/inbound/leads", invalid),
            _ => (404, "POST", "/nowhere", invalid),
        };
        bytes.extend(request(method, path, &headers, body));
        expected.push((status, id));
    }
    client.send(bytes);
    for (status, id) in expected {
        let answer = client.receive().expect("an answer to each");
        assert_eq!((answer.status, answer.header("x-request-id")), (status, Some(id.as_str())));
    }
    assert_eq!(server.number(LEADS), 10);
}

#[test]
fn a_half_closed_client_still_gets_its_response() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    client.send(lead_request(lead().to_string().as_bytes()));
    client.shut_sending();
    assert_eq!(client.receive().expect("an answer").status, 201);
    assert!(client.is_closed());
}

#[test]
fn a_lead_is_stored_when_its_client_disconnects_and_a_retry_is_a_duplicate() {
    let server = TestServer::start();
    for _ in 0..20 {
        let lead = lead();
        let before = server.number(LEADS);
        let mut client = Client::connect(server.address);
        client.send(lead_request(lead.to_string().as_bytes()));
        drop(client);
        assert!(server.eventually(|| server.number(LEADS) == before + 1), "it is lost");
        let retry = post_lead(server.address, &lead);
        assert_eq!((retry.status, retry.header("idempotent-replayed")), (200, Some("true")));
    }
    assert_eq!(server.number(LEADS), 20);
}

#[test]
fn a_chunked_body_is_read_with_any_chunk_size() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    for part in [1, 7, 100, 100_000] {
        client.send(chunked(lead().to_string().as_bytes(), part));
        assert_eq!(client.receive().expect("an answer").status, 201, "parts of {part}");
    }
}

#[test]
fn a_body_of_64_kib_is_accepted_and_one_byte_more_is_refused() {
    let server = TestServer::start();
    for (length, status) in [(KIB_64, 201), (KIB_64 + 1, 413)] {
        for bytes in [lead_request(&padded(length)), chunked(&padded(length), 1000)] {
            let mut client = Client::connect(server.address);
            client.send(bytes);
            let answer = client.receive().expect("an answer");
            assert_eq!(answer.status, status, "{length}: {answer:?}");
        }
    }
}

/// Closing a connection on bytes that nobody read makes the kernel reset it, and the reset takes
/// the answer from the client. httpx and undici send all of their 25 MB first.
#[test]
fn a_client_that_sends_all_of_25_mb_can_read_the_refusal() {
    let server = TestServer::start();
    let body = padded(25 << 20);
    let wrong_token = String::from_utf8(lead_request(&body)).expect("text").replace(TOKEN, "no");
    let upgrade = String::from_utf8(lead_request(&body)).expect("text").replacen(
        "\r\n",
        "\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n",
        1,
    );
    for (bytes, status, code) in [
        (lead_request(&body), 413, "payload_too_large"),
        (upgrade.into_bytes(), 413, "payload_too_large"),
        (chunked(&body, 4096), 413, "payload_too_large"),
        (wrong_token.into_bytes(), 401, "unauthorized"),
        (request("POST", "/nowhere", &[], &body), 404, "not_found"),
    ] {
        let mut client = Client::connect(server.address);
        let (first, rest) = bytes.split_at(KIB_64 * 2);
        client.send(first);
        client.stream.peek(&mut [0]).expect("the answer is on its way");
        // This fails on a connection that was reset.
        for part in rest.chunks(KIB_64) {
            client.send(part);
        }
        client.receive().expect("an answer").assert_error(status, code);
        assert!(client.is_closed(), "{code}");
    }
    assert_eq!(server.number(LEADS), 0);
}

/// A busy client, or a lost packet: Java's HttpClient on a machine under load.
#[test]
fn a_client_that_pauses_while_it_sends_can_read_the_refusal() {
    let server = TestServer::start();
    let bytes = lead_request(&padded(4 * KIB_64));
    let mut client = Client::connect(server.address);
    for part in bytes.chunks(3 * KIB_64) {
        client.send(part);
        std::thread::sleep(Duration::from_millis(2500));
    }
    client.receive().expect("an answer").assert_error(413, "payload_too_large");
}

#[test]
fn a_refused_client_that_says_nothing_does_not_hold_up_a_shutdown() {
    let minute = Duration::from_secs(60);
    let mut server =
        TestServer::with_limits(Limits { drain_timeout: minute, ..Limits::default() }, minute);
    let mut client = Client::connect(server.address);
    client.send(&lead_request(&padded(4 * KIB_64))[..KIB_64]);
    client.receive().expect("an answer").assert_error(413, "payload_too_large");
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < minute / 2, "{:?}", began.elapsed());
}

#[test]
fn a_refused_client_that_never_stops_sending_is_disconnected() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    client.send(lead_request(&padded(KIB_64 * 4)));
    client.receive().expect("an answer").assert_error(413, "payload_too_large");
    let part = vec![b' '; 1 << 20];
    let accepted = (0..200).take_while(|_| client.stream.write_all(&part).is_ok()).count();
    assert!((60..150).contains(&accepted), "{accepted} MiB");
}

#[test]
fn a_head_request_has_no_body_and_keeps_the_connection() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    for (path, status) in [("/health", 200), ("/inbound/leads", 405), ("/nowhere", 404)] {
        let answer = client.request("HEAD", path, &[], b"");
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("POST"));
    }
    let answer = client.request("GET", "/health", &[], b"");
    assert_eq!(answer.json()["status"], json!("ok"));
}

#[test]
fn expect_100_continue_is_answered_100() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let whole = lead_request(lead().to_string().as_bytes());
    let whole = String::from_utf8(whole).expect("text");
    let (head, body) = whole.split_once("\r\n\r\n").expect("a head");
    client.send(format!("{head}\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(client.receive().expect("the word to go on").status, 100);
    client.send(body);
    assert_eq!(client.receive().expect("an answer").status, 201);
}

#[test]
fn expect_100_continue_without_the_token_is_answered_401() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    client.send(
        "POST /inbound/leads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\
         Expect: 100-continue\r\n\r\n",
    );
    client.receive().expect("an answer").assert_error(401, "unauthorized");
}

#[test]
fn an_absolute_form_target_is_routed_by_its_path() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let answer = client.request("GET", "http://localhost/health", &[], b"");
    assert_eq!(answer.status, 200);
    let whole = lead_request(lead().to_string().as_bytes());
    let whole = String::from_utf8(whole).expect("text");
    client.send(whole.replacen("/inbound", "https://fast-techservices.com/inbound", 1));
    assert_eq!(client.receive().expect("an answer").status, 201);
    let answer = client.request("GET", "http://localhost", &[], b"");
    answer.assert_error(404, "not_found");
}

#[test]
fn http_1_0_clients_are_served() {
    let server = TestServer::start();
    let whole = lead_request(lead().to_string().as_bytes());
    let whole = String::from_utf8(whole).expect("text").replacen("HTTP/1.1", "HTTP/1.0", 1);
    for (bytes, status) in [("GET /health HTTP/1.0\r\n\r\n", 200), (&whole, 201)] {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        assert_eq!(client.receive().expect("an answer").status, status);
        assert!(client.is_closed());
    }
    let mut client = Client::connect(server.address);
    for _ in 0..3 {
        client.send("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(client.receive().expect("an answer").status, 200);
    }
}

#[test]
fn connection_close_closes_after_the_response() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let answer = client.request("GET", "/health", &[("Connection", "close")], b"");
    assert_eq!(answer.status, 200);
    assert!(client.is_closed());
}
