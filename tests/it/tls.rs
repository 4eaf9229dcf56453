//! HTTPS in the binary: handshakes, requests, and the end of connections.

mod acme;
mod acme_failures;
pub(crate) mod certificate;
mod redirect;
mod settings;
mod slow_handshakes;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use fastcore::http::server::Limits;
use rustls::version::{TLS12, TLS13};
use serde_json::Value;

use crate::support::admin;
use crate::support::http::{Client, lead_request, request};
use crate::support::server::TestServer;
use crate::support::tls::{Authority, TlsStream, handshake};
use crate::support::{TOKEN, lead};

fn serving(limits: Limits) -> (TestServer, Authority) {
    let authority = Authority::new();
    (TestServer::with_tls(authority.issue(-1, 90).server_tls(), limits), authority)
}

#[test]
fn leads_arrive_over_tls_1_2_and_1_3() {
    let (server, authority) = serving(Limits::default());
    for version in [&TLS12, &TLS13] {
        let stream = TcpStream::connect(server.address).expect("the server accepts");
        let config = authority.client_config(version, &["h2", "http/1.1"]);
        let stream = handshake(stream, &config).expect("TLS");
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
        let mut client = Client::on(stream);
        for _ in 0..20 {
            let answer = client.post_lead(&lead());
            assert_eq!(answer.status, 201);
            assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
        }
    }
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 40);
}

#[test]
fn a_client_of_http_2_alone_is_refused_and_one_without_alpn_is_not() {
    let (server, authority) = serving(Limits::default());
    let connect = || TcpStream::connect(server.address).expect("the server accepts");
    let error = handshake(connect(), &authority.client_config(&TLS13, &["h2"])).err();
    assert!(error.is_some_and(|error| error.to_string().contains("NoApplicationProtocol")));
    let stream = handshake(connect(), &authority.client_config(&TLS13, &[])).expect("TLS");
    assert_eq!(Client::on(stream).post_lead(&lead()).status, 201);
}

/// The alert that ends TLS says that nothing was cut off.
#[test]
fn a_connection_ends_with_close_notify() {
    let (server, authority) = serving(Limits::default());
    let mut client = authority.connect(server.address);
    let answer = client.request("GET", "/health", &[("Connection", "close")], b"");
    assert_eq!(answer.status, 200);
    // Without the alert, rustls reports an unexpected end of file.
    assert_eq!(client.stream.read(&mut [0]).expect("no truncation"), 0);
}

#[test]
fn a_client_that_closes_without_close_notify_still_gets_its_response() {
    let (server, authority) = serving(Limits::default());
    let mut client = authority.connect(server.address);
    client.send(lead_request(lead().to_string().as_bytes()));
    client.stream.sock.shutdown(std::net::Shutdown::Write).expect("the server is there");
    assert_eq!(client.receive().expect("an answer").status, 201);
}

#[test]
fn a_client_that_sends_all_of_a_large_body_gets_the_refusal_over_tls() {
    let (server, authority) = serving(Limits::default());
    let mut client = authority.connect(server.address);
    client.send(lead_request(&vec![b' '; 5 << 20]));
    client.receive().expect("an answer").assert_error(413, "payload_too_large");
    assert_eq!(client.stream.read(&mut [0]).expect("no truncation"), 0);
}

#[test]
fn a_client_that_never_reads_is_disconnected_over_tls() {
    let second = Duration::from_secs(1);
    let (server, authority) = serving(Limits { write_timeout: second, ..Limits::default() });
    let mut client = authority.connect(server.address);
    client.stream.sock.set_write_timeout(Some(10 * second)).expect("a timeout");
    let questions = request("GET", "/openapi.json", &[], b"").repeat(100);
    let began = Instant::now();
    let mut ended = None;
    while began.elapsed() < 20 * second && ended.is_none() {
        ended = client.stream.write_all(&questions).err();
    }
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    assert!(ended.is_some_and(|error| [BrokenPipe, ConnectionReset].contains(&error.kind())));
    assert_eq!(authority.connect(server.address).post_lead(&lead()).status, 201);
}

#[test]
fn plain_http_and_garbage_on_the_tls_port_harm_nobody() {
    let (server, authority) = serving(Limits::default());
    let mut honest = authority.connect(server.address);
    let mut plain = Client::connect(server.address);
    plain.send(lead_request(lead().to_string().as_bytes()));
    plain.receive().expect("an answer").assert_bare(400);
    assert!(plain.is_closed());
    for garbage in [
        b"\x00".repeat(1000),
        b"\xff".repeat(100_000),
        // A record that claims to be a handshake, of a length that is too large or of noise.
        [b"\x16\x03\x01\xff\xff".as_slice(), &[0x41; 100]].concat(),
        [b"\x16\x03\x01\x00\x64\x01\x00\x00\x60\x03\x03".as_slice(), &[0x41; 94]].concat(),
        // An SSL 2 greeting.
        b"\x80\x2e\x01\x00\x02\x00\x15".to_vec(),
    ] {
        let mut stream = TcpStream::connect(server.address).expect("the server accepts");
        stream.set_read_timeout(Some(Duration::from_secs(3))).expect("a timeout");
        let _ = stream.write_all(&garbage);
        // It ends: with an alert, or with a reset over what was not read.
        let mut said = Vec::new();
        let ended = stream.read_to_end(&mut said).err().map(|error| error.kind());
        assert_ne!(ended, Some(std::io::ErrorKind::WouldBlock), "{:?}", &garbage[..5]);
        assert!(said.len() < 20, "{said:?}");
        assert_eq!(honest.post_lead(&lead()).status, 201);
    }
}

#[test]
fn cookies_are_secure_and_the_own_origin_is_https_without_a_public_url() {
    let (server, authority) = serving(Limits::default());
    let mut client = authority.connect(server.address);
    let body = serde_json::json!({ "token": server.setup_token });
    let mut ask = |origin: &str| {
        let headers = [("Origin", origin), ("Content-Type", "application/json")];
        client.request("POST", "/admin/api/setup/link", &headers, body.to_string().as_bytes())
    };
    ask("http://localhost").assert_error(403, "forbidden");
    assert_eq!(ask("https://localhost").status, 200);
    let body = serde_json::json!({ "token": server.setup_token, "name": "marie", "password": "zwölf Boxkämpfer" });
    let headers = [("Origin", "https://localhost"), ("Content-Type", "application/json")];
    let answer = client.request("POST", "/admin/api/setup", &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 201, "{answer:?}");
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), "{cookie}");
}

#[test]
fn a_shutdown_finishes_the_requests_that_have_arrived_over_tls() {
    let (mut server, authority) = serving(Limits::default());
    let mut idle = authority.connect(server.address);
    assert_eq!(idle.request("GET", "/health", &[], b"").status, 200);
    let whole = lead_request(lead().to_string().as_bytes());
    let mut sending = authority.connect(server.address);
    sending.send(&whole[..whole.len() - 10]);
    std::thread::sleep(Duration::from_millis(500));
    let end = whole[whole.len() - 10..].to_vec();
    let sender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        sending.send(end);
        sending.receive().map(|answer| answer.status)
    });
    server.stop();
    assert_eq!(sender.join().expect("no panic"), Some(201));
    assert_eq!(idle.stream.read(&mut [0]).expect("no truncation"), 0);
}

#[test]
fn a_handshake_under_way_at_a_shutdown_was_cut_off() {
    let minute = Duration::from_secs(60);
    let limits =
        Limits { first_request_grace: minute, drain_timeout: 2 * minute, ..Limits::default() };
    let (mut server, authority) = serving(limits);
    let stream = TcpStream::connect(server.address).expect("the server accepts");
    std::thread::sleep(Duration::from_millis(300));
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let stream = handshake(stream, &authority.client_config(&TLS13, &[])).expect("TLS");
        Client::on(stream).post_lead(&lead()).status
    });
    server.stop();
    assert_eq!(late.join().expect("no panic"), 201);
}

/// A client of another library.
#[test]
fn curl_sends_a_lead_with_each_version() {
    let Some(curl) = crate::support::tools::find("curl") else { return };
    let (server, authority) = serving(Limits::default());
    let root = server.folder().join("root.pem");
    std::fs::write(&root, authority.root_pem()).expect("written");
    for version in [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3", "--tls-max", "1.3"]] {
        let output = std::process::Command::new(&curl)
            .args(["-sS", "--fail-with-body", "-w", "\n%{http_version} %{http_code}"])
            .args(version)
            .arg("--cacert")
            .arg(&root)
            .args(["-H", &format!("Authorization: Bearer {TOKEN}")])
            .args(["-H", "Content-Type: application/json", "-d", &lead().to_string()])
            .arg(format!("https://localhost:{}/inbound/leads", server.address.port()))
            .output()
            .expect("curl runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.ends_with("\n1.1 201"), "{said} {output:?}");
    }
}

/// What the admin page's status says, to a new account.
fn status(folder: &Path, client: &mut Client<TlsStream>) -> Value {
    static ACCOUNTS: AtomicU32 = AtomicU32::new(0);
    let name = format!("user{}", ACCOUNTS.fetch_add(1, Ordering::Relaxed));
    admin::add_account(folder, &name);
    let body = serde_json::json!({ "name": name, "password": admin::PASSWORD }).to_string();
    let headers = [("Origin", "https://localhost"), ("Content-Type", "application/json")];
    let answer = client.request("POST", "/admin/api/session", &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let cookies: Vec<&str> =
        cookies.map(|(_, set)| set.split(';').next().expect("a cookie")).collect();
    client.request("GET", "/admin/api/status", &[("Cookie", &cookies.join("; "))], b"").json()
}

/// Reads what is there without waiting: whether the server has closed.
fn is_over(stream: &mut TlsStream) -> bool {
    stream.sock.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    matches!(stream.read(&mut [0]), Ok(0))
}
