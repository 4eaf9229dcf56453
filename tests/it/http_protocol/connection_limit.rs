//! More connections than the server has slots for.

use std::io::Write;
use std::time::Duration;

use fastcore::http::server::Limits;

use super::{KIB_64, padded};
use crate::support::http::{Client, lead_request, post_lead};
use crate::support::lead;
use crate::support::server::TestServer;

const PLACES: usize = 20;

/// Nothing here ends by a deadline: only the cap can close a connection.
fn small() -> TestServer {
    let minute = Duration::from_secs(60);
    let limits = Limits { connections: PLACES, head_timeout: minute, ..Limits::default() };
    TestServer::with_limits(limits, minute)
}

/// A connection that has begun a request and does not go on.
fn slow(server: &TestServer, half: &[u8]) -> Client {
    let mut client = Client::connect(server.address);
    client.send(half);
    client
}

/// How many of these the server has closed.
fn closed(clients: &mut [Client]) -> usize {
    let given_up = |client: &mut Client| {
        client.stream.set_nonblocking(true).expect("a mode");
        match client.stream.peek(&mut [0]) {
            Ok(length) => length == 0,
            // Closed over what it had sent: a reset.
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    };
    clients.iter_mut().filter_map(|c| given_up(c).then_some(())).count()
}

#[test]
fn slow_clients_do_not_block_normal_ones() {
    let server = small();
    let whole = lead_request(lead().to_string().as_bytes());
    let body_missing = &whole[..whole.len() - 5];
    for half in [b"POST /inbound/leads HTTP/1.1\r\nHos".as_slice(), body_missing, b""] {
        let mut crowd: Vec<Client> = (0..60).map(|_| slow(&server, half)).collect();
        for _ in 0..20 {
            // The crowd grows while honest clients come.
            crowd.push(slow(&server, half));
            assert_eq!(post_lead(server.address, &lead()).status, 201);
        }
        let over = crowd.len() - PLACES;
        assert!(server.eventually(|| closed(&mut crowd) >= over), "{} of 80", closed(&mut crowd));
    }
    assert_eq!(server.number(super::LEADS), 60);
}

#[test]
fn a_connection_that_delivered_a_request_is_kept_over_one_that_never_did() {
    let server = small();
    let mut honest = Client::connect(server.address);
    assert_eq!(honest.post_lead(&lead()).status, 201);
    let mut crowd: Vec<Client> = (0..60).map(|_| slow(&server, b"POST /inb")).collect();
    assert!(server.eventually(|| closed(&mut crowd) >= 41));
    assert_eq!(honest.post_lead(&lead()).status, 201);
}

#[test]
fn idle_connections_free_their_slots() {
    let server = small();
    let mut idle: Vec<Client> = (0..PLACES).map(|_| Client::connect(server.address)).collect();
    for client in &mut idle {
        assert_eq!(client.request("GET", "/health", &[], b"").status, 200);
    }
    for _ in 0..10 {
        assert_eq!(post_lead(server.address, &lead()).status, 201);
    }
    assert!(idle[0].is_closed(), "the connection that has been idle for longest");
}

/// It has its answer; the server reads on only so that the client can read it.
#[test]
fn a_refused_client_that_goes_on_sending_is_closed_before_all_others() {
    let server = small();
    let mut honest: Vec<Client> = (1..PLACES).map(|_| Client::connect(server.address)).collect();
    for client in &mut honest {
        assert_eq!(client.request("GET", "/health", &[], b"").status, 200);
    }
    let mut refused = [Client::connect(server.address)];
    refused[0].send(lead_request(&padded(KIB_64 * 4)));
    refused[0].receive().expect("an answer").assert_error(413, "payload_too_large");
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    assert!(server.eventually(|| refused[0].stream.write_all(b" ").is_err()));
    assert_eq!(closed(&mut honest), 0);
}
