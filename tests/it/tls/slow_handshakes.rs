//! Clients that do not finish their handshake.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fastcore::http::server::Limits;
use rustls::version::TLS13;

use super::{is_over, serving};
use crate::support::http::Client;
use crate::support::lead;
use crate::support::tls::handshake;

const SECOND: Duration = Duration::from_secs(1);
/// The first bytes of a `ClientHello` of 512 bytes.
const HALF_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

#[test]
fn an_incomplete_handshake_ends_at_the_deadline_of_the_head() {
    let (server, _authority) = serving(Limits { head_timeout: SECOND, ..Limits::default() });
    for half in [b"".as_slice(), b"\x16", HALF_HELLO] {
        let began = Instant::now();
        let mut stream = TcpStream::connect(server.address).expect("the server accepts");
        stream.set_read_timeout(Some(15 * SECOND)).expect("a timeout");
        stream.write_all(half).expect("the server reads");
        let ended = stream.read(&mut [0]);
        let is_reset = |error: std::io::Error| error.kind() == ErrorKind::ConnectionReset;
        assert!(ended.map_or_else(is_reset, |read| read == 0));
        assert!(began.elapsed() >= SECOND && began.elapsed() < 10 * SECOND);
    }
}

#[test]
fn a_handshake_byte_by_byte_does_not_extend_the_deadline() {
    let (server, _authority) = serving(Limits { head_timeout: SECOND, ..Limits::default() });
    let began = Instant::now();
    let mut stream = TcpStream::connect(server.address).expect("the server accepts");
    stream.write_all(HALF_HELLO).expect("the server reads");
    while began.elapsed() < 15 * SECOND && stream.write_all(b"a").is_ok() {
        std::thread::sleep(SECOND / 20);
    }
    assert!(began.elapsed() < 10 * SECOND);
}

#[test]
fn a_late_handshake_leaves_less_time_for_the_first_head() {
    let head_timeout = 12 * SECOND;
    let (server, authority) = serving(Limits { head_timeout, ..Limits::default() });
    let began = Instant::now();
    let stream = TcpStream::connect(server.address).expect("the server accepts");
    std::thread::sleep(9 * SECOND);
    let stream = handshake(stream, &authority.client_config(&TLS13, &[])).expect("TLS");
    let mut client = Client::on(stream);
    client.send("GET /heal");
    client.receive().expect("an answer").assert_error(408, "timeout");
    assert!(began.elapsed() >= head_timeout, "{:?}", began.elapsed());
    assert!(began.elapsed() < head_timeout + 6 * SECOND, "{:?}", began.elapsed());
    assert!(is_over(&mut client.stream));
}

#[test]
fn slow_handshakes_do_not_hold_the_slots_of_others() {
    let limits = Limits { connections: 20, head_timeout: 60 * SECOND, ..Limits::default() };
    let (server, authority) = serving(limits);
    let mut kept = authority.connect(server.address);
    assert_eq!(kept.post_lead(&lead()).status, 201);
    let mut crowd = Vec::new();
    for round in 0..60 {
        let mut stream = TcpStream::connect(server.address).expect("the server accepts");
        stream
            .write_all([b"".as_slice(), b"\x16", HALF_HELLO][round % 3])
            .expect("the server reads");
        crowd.push(stream);
        if round % 3 == 0 {
            assert_eq!(authority.connect(server.address).post_lead(&lead()).status, 201);
        }
    }
    assert_eq!(kept.post_lead(&lead()).status, 201);
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 22);
}
