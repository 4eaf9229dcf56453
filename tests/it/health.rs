//! `fastcore health`: what scripts and containers learn from it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::support::binary::{ServeProcess, command, free_address, run};
use super::support::http::once;
use super::support::tls::{Authority, paths};
use super::support::{TOKEN, wait_until};

#[track_caller]
fn assert_fails(output: &Output, status: i32, cause: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(said.contains(cause) && said.lines().count() == 1, "{said}");
}

/// A server that answers one connection with this, and then waits for its end.
fn answering(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("a request");
        stream.write_all(answer.as_bytes()).expect("it reads");
        drop(stream.read(&mut [0; 16]));
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (address, thread)
}

fn health_of(folder: &Path, address: SocketAddr) -> Output {
    run(folder, &["health", "--url", &format!("http://{address}")])
}

#[test]
fn health_finds_the_server_of_this_machine_by_what_it_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut serve = command(folder.path(), &["serve"]);
    let mut server =
        ServeProcess::spawn_with_text_log(serve.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN));
    let output = run(folder.path(), &["health"]);
    let expected = format!(
        "ok; leads can be stored by FASTCore {} at http://{}\n",
        env!("CARGO_PKG_VERSION"),
        server.address
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{output:?}");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let output = run(folder.path(), &["health", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let url = format!("http://{}", server.address);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(report, json!({"url": url, "ok": true, "version": version, "detail": null}));
    // A folder of its own knows nothing, and is told.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let told = command(elsewhere.path(), &["health"])
        .env("FASTCORE_LISTEN", server.address.to_string())
        .output()
        .expect("it runs");
    assert!(told.status.success(), "{told:?}");
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0, "nothing is created");
    server.terminate();
    assert_fails(&run(folder.path(), &["health"]), 1, "cannot connect: Connection refused");
    let output = run(folder.path(), &["health", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &report["ok"]), (Some(1), &json!(false)));
    assert_eq!(report["version"], json!(null));
}

#[test]
fn health_fails_while_leads_cannot_be_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    assert!(health_of(folder.path(), server.address).status.success());
    let other = Connection::open(folder.path().join("fastcore.db")).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let post = std::thread::spawn({
        let address = server.address;
        move || super::support::http::post_lead(address, &super::support::lead()).status
    });
    let is_unhealthy = || once(server.address, "GET", "/health", &[], b"").status == 503;
    assert!(wait_until(is_unhealthy));
    let output = health_of(folder.path(), server.address);
    assert_fails(&output, 1, "leads cannot be stored: ");
    other.execute_batch("ROLLBACK").expect("the lock is given back");
    post.join().expect("no panic");
    server.terminate();
}

#[test]
fn a_server_that_answers_otherwise_is_not_healthy() {
    let folder = tempfile::tempdir().expect("a folder");
    for (answer, cause) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "it answers 200 OK, and not as FASTCore",
        ),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "it answers 404 Not Found"),
        (
            "HTTP/1.1 500 Oh\r\nContent-Length: 32\r\n\r\n{\"status\": \"ok\", \"version\": \"1\"}",
            "it answers 500",
        ),
        (
            "HTTP/1.1 308 Moved\r\nLocation: https://leads.example.com/\r\nContent-Length: 0\r\n\r\n",
            "it redirects to https://leads.example.com/",
        ),
        (
            "HTTP/1.1 503 No\r\nContent-Length: 65\r\n\r\n{\"status\": \"unavailable\", \"version\": \"1\", \"detail\": \"\\u001b[31m\"}",
            "leads cannot be stored: \\u{1b}[31m",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n", "no answer"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"status\": \"ok\", \"ver",
            "no answer within 5 s",
        ),
        ("", "no answer within 5 s"),
    ] {
        let (address, thread) = answering(answer);
        let began = Instant::now();
        let output = health_of(folder.path(), address);
        assert_fails(&output, 1, cause);
        assert!(output.stdout.is_empty(), "{output:?}");
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        let request = thread.join().expect("no panic");
        let head = format!("GET /health HTTP/1.1\r\nhost: {address}\r\n");
        assert!(request.starts_with(&head), "{request}");
    }
    for url in ["leads.example.com", "http://leads.example.com/admin", "", "ftp://localhost"] {
        assert_fails(&run(folder.path(), &["health", "--url", url]), 2, "--url");
    }
    let nowhere = run(folder.path(), &["health", "--url", "http://nothing.invalid"]);
    assert_fails(&nowhere, 1, "cannot connect");
    let chosen = command(folder.path(), &["health"]).env("FASTCORE_LISTEN", "127.0.0.1:0").output();
    assert_fails(&chosen.expect("it runs"), 1, "with port 0, the server has chosen one");
}

#[test]
fn the_certificate_of_another_machine_is_verified_and_that_of_this_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    authority.issue(-1, 60).write(folder.path());
    let (certificate, key) = paths(folder.path());
    let (root, address) = (folder.path().join("root.pem"), free_address());
    fs::write(&root, authority.root_pem()).expect("written");
    let mut serve = command(folder.path(), &["serve"]);
    serve.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_LISTEN", address.to_string());
    serve.env("FASTCORE_TLS_CERT", certificate).env("FASTCORE_TLS_KEY", key);
    let mut server = ServeProcess::spawn(&mut serve);
    let address = server.address;
    // 127.0.0.1 is not in the certificate.
    let output = run(folder.path(), &["health", "--url", &format!("https://{address}")]);
    assert!(output.status.success(), "{output:?}");
    // A name that is not known to be of this machine.
    let Some(name) = own_name(address) else { return server.terminate() };
    let url = format!("https://{name}:{}", address.port());
    let ask = |root: Option<&Path>| {
        let mut health = command(folder.path(), &["health", "--url", &url]);
        root.map(|root| health.env("SSL_CERT_FILE", root));
        health.output().expect("it runs")
    };
    assert_fails(&ask(None), 1, "no TLS: invalid peer certificate: UnknownIssuer");
    assert_fails(
        &ask(Some(&root)),
        1,
        "no TLS: invalid peer certificate: certificate not valid for name",
    );
    server.terminate();
}

/// A name of this machine that means loopback, if it has one but `localhost`.
fn own_name(address: SocketAddr) -> Option<String> {
    let hosts = fs::read_to_string("/etc/hosts").ok()?;
    let names = hosts.lines().filter_map(|line| line.trim().strip_prefix("127.0."));
    let mut names = names.flat_map(|line| line.split_whitespace().skip(1));
    let name = names.find(|name| !name.starts_with("localhost")).map(str::to_owned);
    if name.is_none() {
        println!("skipped: no name but localhost reaches {address}");
    }
    name
}
