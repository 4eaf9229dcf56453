//! Malformed requests and panics in handlers: each gets a response, and the server continues.

use std::convert::Infallible;
use std::str::FromStr;

use fastcore::http::router::Routes;
use warp::Filter;
use warp::reply::Reply;

use crate::support::http::{Client, once, post_lead};
use crate::support::server::{TestServer, serving};
use crate::support::{TOKEN, lead};

#[test]
fn a_target_that_is_not_a_path_gets_a_400_in_the_error_shape() {
    let server = TestServer::start();
    for (case, bytes) in [
        ("a target without a slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a tunnel", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        let answer = client.receive().unwrap_or_else(|| panic!("{case} is not answered"));
        answer.assert_error(400, "bad_request");
        drop(client);
        assert_eq!(once(server.address, "GET", "/health", &[], b"").status, 200, "after {case}");
    }
}

#[test]
fn what_is_not_http_gets_a_bare_400_and_is_closed() {
    let server = TestServer::start();
    let cases: [(&str, &[u8]); 13] = [
        ("garbage", b"\0\x01\x02 garbage\r\n\r\n"),
        ("the hello of TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n"),
        ("words", b"hello there, how are you\r\n\r\n"),
        ("HTTP/0.9", b"GET /health\r\n\r\n"),
        ("an unknown version", b"GET /health HTTP/9.9\r\n\r\n"),
        ("a header without a colon", b"GET /health HTTP/1.1\r\nHost a\r\n\r\n"),
        ("a header with a blank name", b"GET /health HTTP/1.1\r\n: a\r\n\r\n"),
        ("a folded header", b"GET /health HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"),
        ("a NUL in a header", b"GET /health HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
        ("a bad length", b"POST /inbound/leads HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
        ("a negative length", b"POST /inbound/leads HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        (
            "two lengths",
            b"POST /inbound/leads HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ),
        ("an unknown coding", b"POST /inbound/leads HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"),
    ];
    for (case, bytes) in cases {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        let answer = client.receive().unwrap_or_else(|| panic!("{case} is not answered"));
        answer.assert_bare(400);
        assert!(client.is_closed(), "{case}");
        assert_eq!(once(server.address, "GET", "/health", &[], b"").status, 200, "after {case}");
    }
    assert_eq!(server.number(super::LEADS), 0);
}

#[test]
fn a_request_without_a_host_or_with_two_gets_a_400_in_the_error_shape() {
    let server = TestServer::start();
    for (host, is_http_11, status) in [
        ("", true, 400),
        ("Host: a\r\nHost: a\r\n", true, 400),
        ("Host: a\r\nhost: b\r\n", true, 400),
        ("Host: a\r\n", true, 200),
        ("Host:\r\n", true, 200),
        // HTTP/1.0 has no `Host`.
        ("", false, 200),
        ("Host: a\r\n", false, 200),
        ("Host: a\r\nHost: b\r\n", false, 400),
    ] {
        let version = if is_http_11 { "HTTP/1.1" } else { "HTTP/1.0" };
        let mut client = Client::connect(server.address);
        client.send(format!("GET /health {version}\r\n{host}\r\n"));
        let answer = client.receive().expect("an answer");
        assert_eq!(answer.status, status, "{version} {host:?}: {answer:?}");
        if status == 400 {
            answer.assert_error(400, "bad_request");
        }
    }
}

#[test]
fn a_head_that_is_too_large_gets_a_bare_431_and_is_closed() {
    let server = TestServer::start();
    let long = "a".repeat(64 * 1024);
    for (case, bytes) in [
        ("one header", format!("GET /health HTTP/1.1\r\nX: {long}\r\n\r\n")),
        ("the target", format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("all headers", format!("GET /health HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(5000))),
        ("the number of headers", format!("GET /health HTTP/1.1\r\n{}\r\n", "X:\r\n".repeat(200))),
    ] {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        let answer = client.receive().unwrap_or_else(|| panic!("{case}: no answer"));
        answer.assert_bare(431);
        assert!(client.is_closed(), "{case}");
    }
    assert_eq!(post_lead(server.address, &lead()).status, 201);
}

#[test]
fn an_http_2_preface_is_closed_cleanly() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    if let Some(answer) = client.receive() {
        answer.assert_bare(400);
    }
    assert!(client.is_closed());
    assert_eq!(post_lead(server.address, &lead()).status, 201);
}

#[test]
fn an_invalid_chunked_body_is_refused_and_stores_nothing() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    client.send(format!(
        "POST /inbound/leads HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n"
    ));
    client.receive().expect("an answer").assert_error(400, "bad_request");
    assert!(client.is_closed());
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    assert_eq!(server.number(super::LEADS), 1);
}

#[test]
fn a_truncated_body_stores_nothing() {
    let server = TestServer::start();
    let whole = crate::support::http::lead_request(lead().to_string().as_bytes());
    let mut client = Client::connect(server.address);
    client.send(&whole[..whole.len() - 1]);
    client.shut_sending();
    client.receive().expect("an answer").assert_error(400, "bad_request");
    assert_eq!(server.number(super::LEADS), 0);
}

/// A path parameter that cannot be looked at.
struct Explosive;

impl FromStr for Explosive {
    type Err = Infallible;

    fn from_str(_: &str) -> Result<Self, Infallible> {
        panic!("while the route is looked for")
    }
}

fn explosive() -> Routes {
    let health = warp::path!("health").map(|| warp::reply().into_response());
    let handler =
        warp::path!("handler").map(|| -> warp::reply::Response { panic!("in a handler") });
    let later = warp::path!("later").then(|| async {
        tokio::task::yield_now().await;
        panic!("after a pause")
    });
    let search = warp::path!("search" / Explosive).map(|_| warp::reply().into_response());
    health.or(handler).unify().or(later).unify().or(search).unify().boxed()
}

#[test]
fn a_panic_in_a_route_is_a_500_and_the_server_continues() {
    let server = serving(explosive());
    let mut client = Client::connect(server.address);
    for path in ["/handler", "/later", "/search/it"] {
        let answer = client.request("GET", path, &[], b"");
        answer.assert_error(500, "internal_error");
        assert!(!answer.body.contains("panic"), "{answer:?}");
        assert_eq!(client.request("GET", "/health", &[], b"").status, 200, "after {path}");
    }
}

/// warp looks at the first filter of all before there is a future that could be polled.
#[test]
fn a_panic_in_the_first_filter_is_a_500() {
    let route = warp::path::param::<Explosive>().map(|_| warp::reply().into_response());
    let server = serving(route.boxed());
    let mut client = Client::connect(server.address);
    for _ in 0..2 {
        client.request("GET", "/it", &[], b"").assert_error(500, "internal_error");
    }
}

#[test]
fn a_lead_that_the_database_refuses_is_answered_500_and_the_connection_goes_on() {
    let server = TestServer::start();
    let trigger = "CREATE TRIGGER refuses_all BEFORE INSERT ON lead_inbox
         BEGIN SELECT RAISE(ABORT, 'for a test'); END";
    server.sqlite().execute_batch(trigger).expect("a trigger");
    let mut client = Client::connect(server.address);
    let answer = client.post_lead(&lead());
    answer.assert_error(500, "internal_error");
    assert!(!answer.body.contains("for a test"), "{answer:?}");
    assert_eq!(client.post_lead(&serde_json::json!({})).status, 422);
    client.request("GET", "/nowhere", &[], b"").assert_error(404, "not_found");
    server.sqlite().execute_batch("DROP TRIGGER refuses_all").expect("a drop");
    assert_eq!(client.post_lead(&lead()).status, 201);
}
