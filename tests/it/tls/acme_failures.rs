//! An authority that is down, hangs, refuses, or cannot validate a host name; and settings of ACME that are wrong.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::Signal;
use serde_json::Value;

use super::acme::{ISSUED, ORDERING, findings};
use super::certificate::count;
use crate::support::binary::{ServeProcess, command, free_address, run_to_exit, text};
use crate::support::http::Client;
use crate::support::pebble::{Behaviour, HOST, Pebble, connect, folder_of};
use crate::support::tls::{Authority, server_config};
use crate::support::{TOKEN, lead};

const FAILED: &str = "no certificate could be got";

/// A server that orders from an authority at this address.
fn serve_command(folder: &Path, authority: SocketAddr) -> Command {
    let mut command = command(folder, &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_ACME_DOMAINS", HOST);
    command.env("FASTCORE_ACME_DIRECTORY", directory(authority));
    command
}

fn directory(authority: SocketAddr) -> String {
    format!("https://localhost:{}/dir", authority.port())
}

/// What a server has noted of the last failure: the number of failures, and seconds until the next attempt.
fn noted(folder: &Path, directory: &str) -> (u64, i64) {
    let text = fs::read_to_string(folder_of(folder, directory).join("failure.json"));
    let noted: Value = serde_json::from_str(&text.expect("a note")).expect("JSON");
    let time = |name: &str| -> DateTime<Utc> {
        noted[name].as_str().expect(name).parse().expect("a time")
    };
    let wait: TimeDelta = time("next_attempt_at") - time("failed_at");
    (noted["failures"].as_u64().expect("a number"), wait.num_seconds())
}

#[test]
fn without_a_certificate_handshakes_end_with_an_alert_and_a_restart_does_not_ask_earlier() {
    let folder = tempfile::tempdir().expect("a folder");
    let down = free_address();
    let mut server = ServeProcess::spawn(&mut serve_command(folder.path(), down));
    server.read_until(FAILED);
    let line = server.log.last().expect("a line").clone();
    assert!(line.contains("ERROR") && line.contains("Connection refused"), "{line}");
    let config = Authority::new().client_config(&rustls::version::TLS13, &["http/1.1"]);
    let error = connect(server.address, HOST, &config).expect_err("no certificate");
    assert!(error.to_string().contains("AccessDenied"), "{error}");
    // Each attempt that an operator asks for doubles the wait for the next.
    let (failures, wait) = noted(folder.path(), &directory(down));
    assert!(failures == 1 && (300..=360).contains(&wait), "{failures}, {wait} s");
    for (failures, shortest) in [(2, 600), (3, 1200)] {
        server.signal(Signal::HUP);
        server.read_until(FAILED);
        let (noted, wait) = noted(folder.path(), &directory(down));
        assert!(
            noted == failures && (shortest..=shortest * 6 / 5).contains(&wait),
            "{noted}, {wait} s"
        );
    }
    server.terminate();
    let found = findings(folder.path());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].0 == "error" && found[0].1.contains("there is no certificate"), "{found:?}");
    assert!(found[1].0 == "warning" && found[1].1.contains("attempt 3 failed"), "{found:?}");

    let mut again = ServeProcess::spawn(&mut serve_command(folder.path(), down));
    std::thread::sleep(Duration::from_secs(2));
    again.terminate();
    assert_eq!(count(&again.log, ORDERING), 0, "{:?}", again.log);
    assert_eq!(count(&again.log, "there is no certificate yet"), 1, "{:?}", again.log);
    // A name that was wrong and is corrected is another matter.
    let mut command = serve_command(folder.path(), down);
    command.env("FASTCORE_ACME_DOMAINS", "corrected.example.com");
    let mut corrected = ServeProcess::spawn(&mut command);
    corrected.read_until(FAILED);
    corrected.terminate();
    assert_eq!(noted(folder.path(), &directory(down)).0, 1);
}

/// The authority takes connections and never answers. A certificate that is due serves on.
#[test]
fn an_authority_that_hangs_delays_no_request_and_no_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let hanging = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = hanging.local_addr().expect("an address");
    let own = folder_of(folder.path(), &directory(address));
    fs::create_dir_all(&own).expect("created");
    let issuer = Authority::new();
    let pair = issuer.issue_for(HOST, -85, 5);
    fs::write(own.join("certificate.pem"), pair.key + &pair.certificate).expect("written");
    let mut server = ServeProcess::spawn(&mut serve_command(folder.path(), address));
    server.read_until(ORDERING);
    let connection = hanging.accept().expect("it asks");
    let config = issuer.client_config(&rustls::version::TLS13, &["http/1.1"]);
    for _ in 0..20 {
        let stream = connect(server.address, HOST, &config).expect("TLS");
        assert_eq!(Client::on(stream).post_lead(&lead()).status, 201);
    }
    let mut client = Client::on(connect(server.address, HOST, &config).expect("TLS"));
    server.signal(Signal::HUP);
    drop(connection);
    drop(hanging);
    server.read_until(FAILED);
    let status = super::status(folder.path(), &mut client);
    let codes: Vec<_> =
        status["warnings"].as_array().expect("a list").iter().map(|w| &w["code"]).collect();
    assert_eq!(codes, ["certificate_renewal_failing", "certificate_expiring"], "{status}");
    assert_eq!(status["certificate"]["days_left"], 4);
    let found = findings(folder.path());
    assert!(found[0].0 == "warning" && found[0].1.contains("4 more days"), "{found:?}");
    assert!(found[1].0 == "warning" && found[1].1.contains("is not renewed"), "{found:?}");
    server.terminate();
}

#[test]
fn an_authority_is_not_asked_before_it_wants_to_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let issuer = Authority::new();
    issuer.issue(-1, 30).write(folder.path());
    fs::write(folder.path().join("root.pem"), issuer.root_pem()).expect("written");
    let problem =
        r#"{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates"}"#;
    let refusing = answering(
        folder.path(),
        vec![
            (
                "429 Too Many Requests\r\nRetry-After: 86400\r\nContent-Type: application/problem+json",
                problem,
            ),
            ("502 Bad Gateway\r\nContent-Type: text/html", "<p>a proxy</p>"),
            ("200 OK\r\nContent-Type: application/json", "[]"),
        ],
    );
    let mut command = serve_command(folder.path(), refusing);
    command.env("FASTCORE_ACME_CA", text(&folder.path().join("root.pem")));
    let mut server = ServeProcess::spawn(&mut command);
    server.read_until(FAILED);
    assert_eq!(noted(folder.path(), &directory(refusing)), (1, 86400));
    assert!(
        server.log.last().expect("a line").contains("too many certificates"),
        "{:?}",
        server.log
    );
    for said in ["it answers 502 Bad Gateway", "answer is not of ACME"] {
        server.signal(Signal::HUP);
        server.read_until(FAILED);
        assert!(server.log.last().expect("a line").contains(said), "{:?}", server.log.last());
    }
    server.terminate();
}

/// An HTTPS server that gives these answers, one to each connection.
fn answering(folder: &Path, answers: Vec<(&'static str, &'static str)>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let config = Arc::new(server_config(folder));
    std::thread::spawn(move || {
        for (head, body) in answers {
            let (stream, _) = listener.accept().expect("a connection");
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("TLS");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let _ = stream.read(&mut [0; 4096]);
            let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.flush();
        }
    });
    address
}

/// The names lead elsewhere, as long as DNS or a firewall is not right.
#[test]
fn a_host_that_cannot_be_validated_is_named_with_the_reason() {
    let elsewhere = free_address();
    let Some(pebble) = Pebble::start_for(elsewhere, Behaviour::default()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = pebble.serve_command_at(folder.path(), free_address());
    let mut server = ServeProcess::spawn(&mut command);
    server.read_until(FAILED);
    let line = server.log.last().expect("a line");
    assert!(
        line.contains("cannot validate leads.example.com")
            && line.contains("Failed to connect to 127.0.0.1:"),
        "{line}"
    );
    server.terminate();
    let mut right = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
    right.signal(Signal::HUP);
    right.read_until(ISSUED);
    right.terminate();
    assert_eq!(findings(folder.path()).len(), 1, "the failure is forgotten");
}

/// A request while the order was polled was refused, and the log blamed the host name.
#[test]
fn a_refused_request_was_taken_for_a_host_that_cannot_be_validated() {
    let refusing = Behaviour { refused_nonces: 50, ..Behaviour::default() };
    let Some(pebble) = Pebble::start(refusing) else { return };
    for _ in 0..8 {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
        server.read_until_any(&[FAILED, ISSUED]);
        server.terminate();
        let refused = server.log.iter().filter(|line| line.contains(FAILED));
        for line in refused {
            assert!(line.contains(":badNonce"), "{line}");
        }
    }
}

#[test]
fn a_wrong_name_or_a_contradiction_stops_the_start_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = format!("{}.example.com", "a".repeat(300));
    let many =
        HOST.to_owned() + &(0..100).map(|n| format!(",a{n}.example.com")).collect::<String>();
    let domains = |name: &str| vec![("FASTCORE_ACME_DOMAINS", name.to_owned())];
    let with = |name: &'static str, value: &str| {
        vec![("FASTCORE_ACME_DOMAINS", HOST.to_owned()), (name, value.to_owned())]
    };
    let mut cases: Vec<(Vec<(&str, String)>, &str)> = Vec::new();
    for name in [
        "-",
        "*.example.com",
        "127.0.0.1",
        "::1",
        "localhost",
        ",",
        "a.example.com,,b.example.com",
        "https://a.example.com",
        "a.example.com:443",
        &long,
        &many,
    ] {
        cases.push((domains(name), "FASTCORE_ACME_DOMAINS: "));
    }
    cases.extend([
        (with("FASTCORE_TLS_CERT", "cert.pem"), "FASTCORE_TLS_KEY: not set"),
        (with("FASTCORE_ACME_EMAIL", "operator"), "FASTCORE_ACME_EMAIL: "),
        (with("FASTCORE_ACME_DIRECTORY", "http://localhost/dir"), "FASTCORE_ACME_DIRECTORY: "),
        (with("FASTCORE_ACME_CA", "missing.pem"), "missing.pem: "),
        (
            with("FASTCORE_PUBLIC_URL", "http://leads.example.com"),
            "is plaintext, and FASTCORE_ACME_DOMAINS is set",
        ),
        (
            with("FASTCORE_PUBLIC_URL", "https://other.example.com"),
            "other.example.com is not one of FASTCORE_ACME_DOMAINS",
        ),
    ]);
    let mut both = with("FASTCORE_TLS_CERT", "cert.pem");
    both.push(("FASTCORE_TLS_KEY", "key.pem".to_owned()));
    cases.push((both, "FASTCORE_ACME_DOMAINS: set, and FASTCORE_TLS_CERT is too"));
    for (settings, expected) in cases {
        let mut command = command(folder.path(), &["serve"]);
        command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_LISTEN", "127.0.0.1:0");
        let (status, said) = run_to_exit(command.envs(settings.clone()));
        assert_eq!((status, said.lines().count()), (1, 1), "{settings:?}: {said}");
        assert!(said.contains(expected), "{settings:?}: {said}");
    }
    let left = fs::read_dir(folder.path()).expect("a folder").filter_map(|entry| {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        (!name.ends_with(".lock")).then_some(name)
    });
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new(), "a refused start creates nothing");
}
