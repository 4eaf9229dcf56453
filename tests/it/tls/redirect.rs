//! The plaintext address that redirects to HTTPS.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::support::binary::{ServeProcess, command};
use crate::support::http::{Client, Response, lead_request, request};
use crate::support::tls::{Authority, paths};
use crate::support::{TOKEN, lead};

/// A server with a redirecting address, and that address.
fn serve(folder: &Path, public_url: Option<&str>) -> (ServeProcess, SocketAddr) {
    Authority::new().issue(-1, 90).write(folder);
    let (certificate, key) = paths(folder);
    let mut command = command(folder, &["serve", "--redirect-listen", "127.0.0.1:0"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN);
    command.env("FASTCORE_TLS_CERT", certificate).env("FASTCORE_TLS_KEY", key);
    command.envs(public_url.map(|url| ("FASTCORE_PUBLIC_URL", url)));
    let mut server = ServeProcess::spawn(&mut command);
    server.read_until("redirecting to HTTPS");
    let event: Value = serde_json::from_str(server.log.last().expect("a line")).expect("JSON");
    let address = event["redirect_address"].as_str().expect("an address");
    (server, address.parse().expect("an address"))
}

fn ask(address: SocketAddr, method: &str, path: &str, host: &str) -> Response {
    let text = String::from_utf8(request(method, path, &[], b"")).expect("text");
    let mut client = Client::connect(address);
    client.send(text.replace("Host: localhost", &format!("Host: {host}")));
    let answer = client.receive_for(method).expect("an answer");
    assert!(client.is_closed(), "one request a connection");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(answer.header("strict-transport-security"), None, "RFC 6797, section 7.2");
    answer
}

#[test]
fn plaintext_reads_are_redirected_and_a_lead_in_plaintext_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut server, address) = serve(folder.path(), None);
    let port = server.address.port();
    for method in ["GET", "HEAD"] {
        let answer = ask(address, method, "/admin?status=received&x=%C3%A9", "leads.example:80");
        let to = format!("https://leads.example:{port}/admin?status=received&x=%C3%A9");
        assert_eq!((answer.status, answer.header("location")), (308, Some(to.as_str())));
    }
    let to = format!("https://[::1]:{port}//other.example/");
    let answer = ask(address, "GET", "//other.example/", "[::1]:80");
    assert_eq!(answer.header("location"), Some(to.as_str()));
    for host in ["other.example@leads.example", "leads.example/x", "a b", ""] {
        let answer = ask(address, "GET", "/", host);
        assert_eq!((answer.status, answer.header("location")), (400, None), "{host}");
    }
    let mut client = Client::connect(address);
    client.send(lead_request(lead().to_string().as_bytes()));
    client.receive().expect("an answer").assert_error(403, "forbidden");
    assert!(client.is_closed());
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        ask(address, method, "/", "leads.example").assert_error(403, "forbidden");
    }
    server.terminate();
    let listed = crate::support::binary::succeed(folder.path(), &["lead", "list", "--json"]);
    assert_eq!(listed.trim(), "[]", "nothing is stored");
}

#[test]
fn a_redirect_goes_to_the_public_url_whatever_the_host_header_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut server, address) = serve(folder.path(), Some("https://leads.example.com"));
    for host in ["other.example", "leads.example.com", "x@y"] {
        let answer = ask(address, "GET", "/docs", host);
        let to = "https://leads.example.com/docs";
        assert_eq!((answer.status, answer.header("location")), (308, Some(to)));
    }
    server.terminate();
    // The certificate of the tests is for localhost.
    let warned = |line: &String| line.contains("is not for the host of FASTCORE_PUBLIC_URL");
    assert!(server.log.iter().any(warned), "{:?}", server.log);
}
