//! Slow clients: every wait has a deadline, and its own response.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fastcore::http::server::Limits;
use tokio::net::TcpSocket;

use crate::support::http::{Client, lead_request, once, post_lead, request};
use crate::support::lead;
use crate::support::server::TestServer;

/// Far more than any deadline here, far less than for ever.
const LONG: Duration = Duration::from_secs(15);

fn impatient() -> TestServer {
    let second = Duration::from_secs(1);
    TestServer::with_limits(
        Limits {
            head_timeout: second,
            idle_timeout: second,
            write_timeout: second,
            ..Limits::default()
        },
        second,
    )
}

#[test]
fn an_incomplete_head_is_answered_408_and_closed() {
    let server = impatient();
    for half in ["P", "POST /inbound/leads HTTP/1.1\r\nHost: localhost\r\nAuthoriz"] {
        let mut client = Client::connect(server.address);
        client.send(half);
        client.receive().expect("an answer").assert_error(408, "timeout");
        assert!(client.is_closed());
    }
}

#[test]
fn a_dripping_head_is_answered_408() {
    let server = impatient();
    let mut client = Client::connect(server.address);
    let began = Instant::now();
    drip(&mut client, b"GET /health HTTP/1.1\r\nX-Slow: ");
    client.receive().expect("an answer").assert_error(408, "timeout");
    assert!(began.elapsed() < LONG);
}

#[test]
fn an_incomplete_second_head_is_answered_408() {
    let server = impatient();
    let mut client = Client::connect(server.address);
    assert_eq!(client.request("GET", "/health", &[], b"").status, 200);
    client.send("GET /heal");
    client.receive().expect("an answer").assert_error(408, "timeout");
    assert!(client.is_closed());
}

#[test]
fn a_silent_connection_is_closed_without_a_response() {
    let server = impatient();
    let mut client = Client::connect(server.address);
    let began = Instant::now();
    assert!(client.is_closed());
    assert!(began.elapsed() < LONG);
}

#[test]
fn an_idle_connection_is_closed_without_a_response() {
    let server = impatient();
    let mut client = Client::connect(server.address);
    assert_eq!(client.post_lead(&lead()).status, 201);
    let began = Instant::now();
    assert!(client.is_closed());
    assert!(began.elapsed() < LONG);
}

#[test]
fn a_dripping_body_is_answered_408_at_the_body_deadline() {
    let server = impatient();
    let mut client = Client::connect(server.address);
    let began = Instant::now();
    client.send(head_of_lead("Content-Length: 60000"));
    drip(&mut client, b"{");
    client.receive().expect("an answer").assert_error(408, "timeout");
    assert!(began.elapsed() < LONG);
    assert!(client.is_closed());

    let mut client = Client::connect(server.address);
    client.send(head_of_lead("Transfer-Encoding: chunked"));
    // The extension of a chunk is part of no body; it must not stop the clock either.
    drip(&mut client, b"5;ext=");
    client.receive().expect("an answer").assert_error(408, "timeout");
    assert_eq!(server.number(super::LEADS), 0);
}

/// A client that asks and asks and never reads would otherwise keep its place, its answers and a
/// task for as long as it likes.
#[test]
fn a_client_that_never_reads_is_disconnected() {
    let server = impatient();
    let mut stream = deaf(server.address);
    let questions = request("GET", "/health", &[], b"").repeat(100);
    let began = Instant::now();
    stream.set_write_timeout(Some(LONG)).expect("a timeout");
    let mut given_up = false;
    while began.elapsed() < LONG {
        if let Err(error) = stream.write_all(&questions) {
            use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
            assert!(matches!(error.kind(), BrokenPipe | ConnectionReset), "{error}");
            given_up = true;
            break;
        }
    }
    assert!(given_up, "it still listens after {:?}", began.elapsed());
    assert_eq!(post_lead(server.address, &lead()).status, 201);
}

#[test]
fn normal_clients_are_answered_alongside_slow_ones() {
    let server = impatient();
    let slow: Vec<_> = (0..50)
        .map(|_| {
            let mut client = Client::connect(server.address);
            client.send(head_of_lead("Content-Length: 1000"));
            client
        })
        .collect();
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    assert_eq!(once(server.address, "GET", "/health", &[], b"").status, 200);
    for mut client in slow {
        client.receive().expect("an answer").assert_error(408, "timeout");
    }
}

#[test]
fn the_first_request_of_a_new_connection_was_cut_off_by_a_shutdown() {
    let second = Duration::from_secs(1);
    let limits = Limits {
        first_request_grace: 10 * second,
        idle_timeout: 120 * second,
        drain_timeout: 120 * second,
        ..Limits::default()
    };
    let mut server = TestServer::with_limits(limits, 120 * second);
    let mut silent = Client::connect(server.address);
    std::thread::sleep(11 * second);
    let mut new = Client::connect(server.address);
    let began = Instant::now();
    let sender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        new.post_lead(&lead())
    });
    server.stop();
    let answer = sender.join().expect("no panic");
    assert_eq!((answer.status, answer.header("connection")), (201, Some("close")));
    // It waits for neither.
    assert!(began.elapsed() < 60 * second, "{:?}", began.elapsed());
    assert_eq!(silent.receive().map(|answer| answer.status), None);
}

#[test]
fn shutdown_waits_for_a_lead_in_progress_but_not_for_idle_connections() {
    let mut server = TestServer::start();
    let mut idle = Client::connect(server.address);
    assert_eq!(idle.request("GET", "/health", &[], b"").status, 200);
    let whole = lead_request(lead().to_string().as_bytes());
    let mut sending = Client::connect(server.address);
    sending.send(&whole[..whole.len() - 10]);
    // Until the head has been read the server cannot know that a lead is under way.
    std::thread::sleep(Duration::from_millis(500));
    let (database, end) = (server.database(), whole[whole.len() - 10..].to_vec());
    let sender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        sending.send(end);
        sending.receive().map(|answer| answer.status)
    });
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < LONG);
    assert_eq!(sender.join().expect("no panic"), Some(201));
    assert!(idle.is_closed());
    let conn = rusqlite::Connection::open(database).expect("the database");
    let leads: i64 = conn.query_row(super::LEADS, [], |row| row.get(0)).expect("a number");
    assert_eq!(leads, 1);
}

fn head_of_lead(length: &str) -> String {
    let head = String::from_utf8(lead_request(b"")).expect("text");
    head.replace("Content-Length: 0", length)
}

/// Sends these bytes and then one after the other until an answer comes.
fn drip(client: &mut Client, first: &[u8]) {
    client.send(first);
    let began = Instant::now();
    client.stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    while began.elapsed() < LONG && client.stream.peek(&mut [0]).is_err() {
        if client.stream.write_all(b"a").is_err() {
            break;
        }
    }
    client.stream.set_read_timeout(Some(LONG)).expect("a timeout");
}

/// A connection with little room for what it does not read.
fn deaf(address: std::net::SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let stream = runtime.expect("a runtime").block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a size");
        socket.connect(address).await.expect("the server accepts").into_std().expect("a socket")
    });
    stream.set_nonblocking(false).expect("a mode");
    stream
}
