//! Connections that go on after a response, and those that end after it.

use std::time::Duration;

use fastcore::http::server::Limits;

use super::{KIB_64, chunked, padded};
use crate::support::http::{Client, Response, lead_request, request};
use crate::support::server::TestServer;
use crate::support::{TOKEN, lead};

const SECOND: Duration = Duration::from_secs(1);

/// The refusals that need no body, each with its status.
fn refused_early(body: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let good = String::from_utf8(lead_request(body)).expect("text");
    vec![
        (401, good.replace(TOKEN, "wrong").into_bytes()),
        (401, good.replace("Authorization", "X-Other").into_bytes()),
        (415, good.replace("application/json", "text/plain").into_bytes()),
        (405, good.replacen("POST", "PUT", 1).into_bytes()),
        (404, request("POST", "/nowhere", &[], body)),
        (400, good.replace("Host: localhost\r\n", "").into_bytes()),
        (200, request("GET", "/health", &[], body)),
    ]
}

#[track_caller]
fn assert_goes_on(answer: &Response) {
    assert_eq!(answer.header("connection"), None, "{answer:?}");
    assert_eq!(answer.header("keep-alive"), Some("timeout=75"), "{answer:?}");
}

#[track_caller]
fn assert_ends(client: &mut Client, answer: &Response) {
    assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
    assert_eq!(answer.header("keep-alive"), None, "{answer:?}");
    assert!(client.is_closed(), "{answer:?}");
}

/// A proxy sends the good leads of others on the same connection.
#[test]
fn a_lead_after_a_refusal_on_the_same_connection_is_stored() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    for length in [500, KIB_64] {
        for (status, bytes) in refused_early(&padded(length)) {
            let (first, rest) = bytes.split_at(bytes.len() - 400);
            client.send(first);
            // The refusal could be sent now.
            std::thread::sleep(Duration::from_millis(50));
            client.send(rest);
            let answer = client.receive().expect("an answer");
            assert_eq!(answer.status, status, "{answer:?}");
            assert_goes_on(&answer);
            let answer = client.post_lead(&lead());
            assert_eq!(answer.status, 201, "after {status}");
            assert_goes_on(&answer);
        }
    }
}

/// Each request, on a connection of its own, is answered with its status, and that ends the connection.
#[track_caller]
fn assert_refused_for_good(
    server: &TestServer,
    requests: impl IntoIterator<Item = (u16, Vec<u8>)>,
) {
    for (status, bytes) in requests {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        let answer = client.receive().expect("an answer");
        assert_eq!(answer.status, status, "{answer:?}");
        assert_ends(&mut client, &answer);
    }
}

#[test]
fn a_refusal_before_a_body_that_is_too_long_to_discard_says_that_it_ends_the_connection() {
    let server = TestServer::start();
    let body = padded(4 * KIB_64);
    let mut all = refused_early(&body);
    all.retain(|(status, _)| *status != 415);
    all.push((413, lead_request(&body)));
    all.push((413, chunked(&body, 1000)));
    assert_refused_for_good(&server, all);
}

#[test]
fn a_refusal_before_a_body_that_does_not_come_says_that_it_ends_the_connection() {
    let server = TestServer::with_limits(Limits::default(), SECOND);
    let whole = refused_early(&padded(500));
    let expecting = |(status, bytes): &(u16, Vec<u8>)| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        let expecting = text.replacen("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1);
        let head = expecting.split_inclusive("\r\n\r\n").next().expect("a head");
        (*status, head.as_bytes().to_vec())
    };
    let mut without_body: Vec<_> = whole.iter().map(expecting).collect();
    without_body.retain(|(status, _)| *status != 415);
    let broken_off = whole.iter().map(|(status, bytes)| match status {
        // Its media type is looked at after its size.
        415 => (408, bytes[..bytes.len() - 1].to_vec()),
        _ => (*status, bytes[..bytes.len() - 1].to_vec()),
    });
    assert_refused_for_good(&server, without_body.into_iter().chain(broken_off));
}

#[test]
fn a_response_to_a_client_that_closes_says_close() {
    let server = TestServer::start();
    for closing in ["Connection: close", "Connection: Keep-Alive, Close"] {
        let mut client = Client::connect(server.address);
        client.send(format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{closing}\r\n\r\n"));
        let answer = client.receive().expect("an answer");
        assert_ends(&mut client, &answer);
    }
}

#[test]
fn an_idle_connection_outlives_the_deadline_for_a_head() {
    let limits = Limits { head_timeout: Duration::from_millis(300), ..Limits::default() };
    let server = TestServer::with_limits(limits, 8 * SECOND);
    let mut client = Client::connect(server.address);
    for _ in 0..3 {
        assert_eq!(client.post_lead(&lead()).status, 201);
        std::thread::sleep(SECOND);
    }
    client.send("POST /inbound/le");
    client.receive().expect("an answer").assert_error(408, "timeout");
    assert!(client.is_closed());
}

/// Caddy closes idle connections after 2 minutes, nginx after 60 s. A proxy whose idle connection is
/// closed first answers 502 to the lead that it sends at that moment.
#[test]
fn idle_connections_live_for_longer_than_those_of_proxies() {
    assert!(Limits::default().idle_timeout > Duration::from_secs(120));
}
