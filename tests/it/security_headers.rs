//! The security headers of every response: of each route, each error, and what never reaches a route.

use std::time::Duration;

use fastcore::clock::Clock;
use fastcore::http::router;
use fastcore::http::server::Limits;

use super::support::http::{Client, Response, lead_request, once, request};
use super::support::lead;
use super::support::server::{ORIGIN, TestServer};

const SECOND: Duration = Duration::from_secs(1);
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

fn server(public_url: Option<&'static str>) -> TestServer {
    let limits = Limits { head_timeout: SECOND, ..Limits::default() };
    TestServer::with_options(limits, SECOND, Clock::system(), public_url)
}

/// A response, and what it is to.
type Named = (String, Response);

/// A response of every kind: of every route and method, and every error that a client can cause.
fn responses(server: &TestServer) -> Vec<Named> {
    let mut all = by_route(server);
    all.extend(by_error(server));
    all
}

fn by_route(server: &TestServer) -> Vec<Named> {
    let paths = router::paths().map(|(path, _)| path).chain(["/".into(), "/admin/".into()]);
    let one = |path: String| {
        let path = path.replace("{id}", "0198a6f2-0000-7000-8000-000000000000");
        METHODS.map(|method| {
            let answer = once(server.address, method, &path, &[], b"");
            (format!("{method} {path}"), answer)
        })
    };
    paths.flat_map(one).collect()
}

fn by_error(server: &TestServer) -> Vec<Named> {
    let refused = "CREATE TRIGGER refuses_all BEFORE INSERT ON lead_inbox
         BEGIN SELECT RAISE(ABORT, 'for a test'); END";
    let whole = lead_request(lead().to_string().as_bytes());
    let preflight = [("Origin", ORIGIN), ("Access-Control-Request-Method", "POST")];
    let cases: [(u16, Vec<u8>); 11] = [
        (201, whole.clone()),
        (400, lead_request(b"{\"name\": ")),
        (400, b"GET /health HTTP/1.1\r\n\r\n".to_vec()),
        (400, b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        (401, request("POST", "/inbound/leads", &[("Authorization", "Bearer x")], b"{}")),
        (204, request("OPTIONS", "/inbound/leads", &preflight, b"")),
        (408, b"GET /heal".to_vec()),
        (408, whole[..whole.len() - 1].to_vec()),
        (413, lead_request(&vec![b' '; 70_000])),
        (422, lead_request(b"{}")),
        (404, request("GET", "/nowhere", &[("Origin", ORIGIN)], b"")),
    ];
    let answer = |bytes: &[u8]| {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        client.receive().unwrap_or_else(|| panic!("no answer to {bytes:?}"))
    };
    let mut all: Vec<Named> = Vec::new();
    for (status, bytes) in cases {
        let given = answer(&bytes);
        assert_eq!(given.status, status, "{given:?}");
        all.push((status.to_string(), given));
    }
    server.sqlite().execute_batch(refused).expect("a trigger");
    let given = answer(&lead_request(lead().to_string().as_bytes()));
    assert_eq!(given.status, 500, "{given:?}");
    all.push(("500".to_owned(), given));
    all
}

fn values<'a>(answer: &'a Response, name: &str) -> Vec<&'a str> {
    answer.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn errors_and_pages_outside_of_admin_had_no_security_headers() {
    let server = server(Some("https://leads.example.com"));
    let all = responses(&server);
    assert!(all.len() > 150, "{}", all.len());
    for (what, answer) in all {
        let policy = values(&answer, "content-security-policy");
        assert_eq!(policy.len(), 1, "{what}: {answer:?}");
        assert!(policy[0].starts_with("default-src 'none'; "), "{what}: {policy:?}");
        // The page loads the refusal of an export into a frame.
        let (ancestors, options) = match what.contains("/admin/api/export") {
            true => ("'self'", "SAMEORIGIN"),
            false => ("'none'", "DENY"),
        };
        let ancestors = format!("frame-ancestors {ancestors}");
        assert!(policy[0].contains(&ancestors), "{what}: {policy:?}");
        let referrer = values(&answer, "referrer-policy");
        assert!(referrer == ["no-referrer"] || referrer == ["strict-origin"], "{what}");
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", options),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(values(&answer, name), [value], "{what}: {name}");
        }
        assert!(!values(&answer, "permissions-policy").is_empty(), "{what}: {answer:?}");
    }
}

/// A browser that took the header over a plaintext address would never come back to it.
#[test]
fn only_an_https_url_promises_https_for_a_year() {
    for url in [None, Some("http://leads.example.com")] {
        for (what, answer) in responses(&server(url)) {
            assert_eq!(answer.header("strict-transport-security"), None, "{url:?} {what}");
            assert!(answer.header("content-security-policy").is_some(), "{url:?} {what}");
        }
    }
}
