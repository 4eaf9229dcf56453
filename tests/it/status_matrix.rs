//! The status and error of every path with every method, token and body, and what all responses
//! have in common.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::support::http::{Client, Response, once};
use super::support::server::{ORIGIN, TestServer};
use super::support::{TOKEN, lead};

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
const PATHS: [&str; 28] = [
    "/inbound/leads",
    "/inbound/leads?from=site",
    "/inbound/leads/",
    "/inbound/leads/extra",
    "/inbound",
    "/health",
    "/health/extra",
    "/openapi.json",
    "/docs",
    "/docs/",
    "/docs//",
    "/docs/init.js",
    "/docs/nothing.js",
    "/docs/index.html",
    "/docs/vendor/init.js",
    "/admin",
    "/admin/",
    "/admin//",
    "/admin/nothing",
    "/admin/stats/",
    "/admin/assets/",
    "/admin/api/leads",
    "/admin/api/leads/",
    "/admin/api/session",
    "/admin/api/setup",
    "/admin/api/nothing",
    "/nothing",
    "/",
];
const BODIES: [&str; 6] =
    ["no body", "not JSON", "not UTF-8", "wrong media type", "too large", "valid"];
const TOKENS: [&str; 3] = ["no token", "wrong token", "good token"];

#[test]
fn every_path_method_token_and_body_gets_the_documented_status() {
    let server = TestServer::start();
    let mut table = String::new();
    for path in PATHS {
        let of_method = |method: &&str| {
            let of_token = |token: &&str| {
                let of_body = |body: &&str| {
                    describe(&send(server.address, method, path, token, body), method)
                };
                grouped(&BODIES, BODIES.iter().map(of_body), "any body")
            };
            grouped(&TOKENS, TOKENS.iter().map(of_token), "any token")
        };
        let _ = writeln!(table, "{path}");
        for line in grouped(&METHODS, METHODS.iter().map(of_method), "any method").lines() {
            let _ = writeln!(table, "    {line}");
        }
    }
    insta::assert_snapshot!(table);
    // Three paths of the table are that of the leads; each took one with the good token.
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 3);
}

/// Names with their answers, those with one answer side by side: `a, b: answer`.
fn grouped(names: &[&str], answers: impl Iterator<Item = String>, all: &str) -> String {
    let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
    for (&name, answer) in names.iter().zip(answers) {
        match groups.iter_mut().find(|(_, a)| *a == answer) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], answer)),
        }
    }
    let mut text = String::new();
    for (group, answer) in groups {
        let title = if group.len() == names.len() { all.into() } else { group.join(", ") };
        let _ = match answer.lines().count() {
            1 => writeln!(text, "{title}: {}", answer.trim_end()),
            _ => writeln!(text, "{title}:\n    {}", answer.trim_end().replace('\n', "\n    ")),
        };
    }
    text
}

fn send(address: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> Response {
    let valid = || lead().to_string().into_bytes();
    let (kind, length, bytes) = match body {
        "no body" => (None, None, Vec::new()),
        "not JSON" => (Some("application/json"), None, b"{\"name\": ".to_vec()),
        "not UTF-8" => (Some("application/json"), None, b"{\"name\": \"Zo\xeb\"}".to_vec()),
        "wrong media type" => (Some("text/plain"), None, valid()),
        "too large" => (Some("application/json"), Some(70_000), Vec::new()),
        _ => (Some("application/json; charset=utf-8"), None, valid()),
    };
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    match token {
        "wrong token" => head.push_str("Authorization: Bearer wrong\r\n"),
        "good token" => head.push_str(&format!("Authorization: Bearer {TOKEN}\r\n")),
        _ => {}
    }
    if let Some(kind) = kind {
        head.push_str(&format!("Content-Type: {kind}\r\n"));
    }
    let length = length.unwrap_or(bytes.len());
    if length > 0 || method == "POST" {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    let mut client = Client::connect(address);
    client.send([head.as_bytes(), b"\r\n", &bytes].concat());
    client
        .receive_for(method)
        .unwrap_or_else(|| panic!("no answer: {method} {path} {token} {body}"))
}

/// The status, the error's code and the headers that belong to it; checks what every answer has.
fn describe(answer: &Response, method: &str) -> String {
    check_common(answer);
    let mut text = answer.status.to_string();
    if method == "HEAD" {
        assert_eq!(answer.body, "", "HEAD has no body");
    } else if answer.status >= 400 {
        text.push_str(&format!(" {}", check_error(answer)));
    }
    for (name, title) in [("allow", "Allow"), ("www-authenticate", "WWW-Authenticate")] {
        if let Some(value) = answer.header(name) {
            text.push_str(&format!(", {title}: {value}"));
        }
    }
    text
}

/// What every answer has, whatever it is to.
fn check_common(answer: &Response) {
    let all = |name: &str| -> Vec<&str> {
        answer.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    };
    assert_eq!(all("x-content-type-options"), ["nosniff"], "{answer:?}");
    // What has a tag is asked for again, and may be kept; nothing else is.
    let kept = if all("etag").is_empty() { "no-store" } else { "no-cache" };
    assert_eq!(all("cache-control"), [kept], "{answer:?}");
    assert_eq!(all("x-request-id").len(), 1, "{answer:?}");
    assert!(!all("x-request-id")[0].is_empty(), "{answer:?}");
    assert_eq!(answer.status == 405, !all("allow").is_empty(), "405 has Allow: {answer:?}");
    assert_eq!(answer.status == 401, all("www-authenticate") == ["Bearer"], "{answer:?}");
}

/// The one shape of errors; the error's code.
fn check_error(answer: &Response) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    let body = answer.json();
    let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
    // A refusal that was kept says so.
    let is_kept = matches!(answer.status, 400 | 415 | 422) && body["kept"] == true;
    assert_eq!(keys.len(), if is_kept { 4 } else { 3 }, "{body}");
    assert_eq!(body["ok"], false, "{body}");
    let sentence = body["detail"].as_str().is_some_and(|d| d.len() > 5);
    let faults = body["detail"].as_array().is_some_and(|d| !d.is_empty());
    assert!(if answer.status == 422 { faults } else { sentence }, "{body}");
    body["error"].as_str().expect("a code").to_owned()
}

/// A POST to the leads' path with these headers and this body, its length as it is.
fn post(server: &TestServer, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let answer = once(server.address, "POST", "/inbound/leads", headers, body);
    check_common(&answer);
    answer
}

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

#[test]
fn head_equals_get_without_the_body() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let get = client.request("GET", "/health", &[], b"");
    let head = client.request("HEAD", "/health", &[], b"");
    // The connection is still in step: nothing of a body was sent.
    let again = client.request("GET", "/health", &[], b"");
    assert_eq!((get.status, head.status, again.status), (200, 200, 200));
    let lasting = |answer: &Response| -> Vec<(String, String)> {
        let passing = |n: &str| matches!(n, "date" | "x-request-id");
        answer.headers.iter().filter(|(n, _)| !passing(n)).cloned().collect()
    };
    assert_eq!(lasting(&get), lasting(&head));
    assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
    assert_eq!(get.json(), json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
}

#[test]
fn the_token_is_checked_before_size_media_type_json_and_fields() {
    let server = TestServer::start();
    let token = bearer();
    let auth = ("Authorization", token.as_str());
    let (text, json) = (("Content-Type", "text/plain"), ("Content-Type", "application/json"));
    let large = vec![b'{'; 65 * 1024];
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a [u8], u16);
    let cases: [Case<'_>; 8] = [
        ("everything is wrong", vec![text], &large, 401),
        (
            "everything is wrong, the token too",
            vec![("Authorization", "Bearer x"), text],
            &large,
            401,
        ),
        ("all but the token", vec![auth, text], &large, 413),
        ("all but token and media type", vec![auth, json], &large, 413),
        ("media type and JSON", vec![auth, text], b"{", 415),
        ("no media type", vec![auth], b"{", 415),
        ("JSON", vec![auth, json], b"{", 400),
        ("fields", vec![auth, json], b"{}", 422),
    ];
    for (what, headers, body, status) in cases {
        let answer = post(&server, &headers, body);
        check_error(&answer);
        assert_eq!(answer.status, status, "{what}: {answer:?}");
    }
}

#[test]
fn no_body_is_requested_before_the_token_is_accepted() {
    let server = TestServer::start();
    let ask = |token: &str| {
        let mut client = Client::connect(server.address);
        client.send(format!(
            "POST /inbound/leads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 400\r\nExpect: 100-continue\r\n\r\n"
        ));
        client.receive().expect("an answer").status
    };
    assert_eq!(ask("wrong"), 401);
    assert_eq!(ask(TOKEN), 100);
}

#[test]
fn a_body_is_limited_to_64_kib_declared_or_chunked() {
    let server = TestServer::start();
    let token = bearer();
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let padded = |length: usize| {
        let mut body = lead().to_string().into_bytes();
        body.resize(length, b' ');
        body
    };
    assert_eq!(post(&server, &headers, &padded(65_536)).status, 201);
    assert_eq!(post(&server, &headers, &padded(65_537)).status, 413);
    let chunked = |body: &[u8]| {
        let mut client = Client::connect(server.address);
        client.send(format!(
            "POST /inbound/leads HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
        for part in body.chunks(5000) {
            client.send([format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat());
        }
        client.send("0\r\n\r\n");
        client.receive().expect("an answer")
    };
    assert_eq!(chunked(&padded(65_536)).status, 201);
    let answer = chunked(&padded(65_537));
    check_common(&answer);
    assert_eq!((answer.status, check_error(&answer)), (413, "payload_too_large".into()));
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 2);
}

#[test]
fn the_json_media_type_may_have_parameters_and_any_case() {
    let server = TestServer::start();
    let token = bearer();
    let send = |kind: &str| {
        let headers = [("Authorization", token.as_str()), ("Content-Type", kind)];
        post(&server, &headers, lead().to_string().as_bytes()).status
    };
    for kind in [
        "application/json",
        "application/json;charset=utf-8",
        "application/json ; charset=\"UTF-8\"",
        "Application/JSON",
    ] {
        assert_eq!(send(kind), 201, "{kind}");
    }
    for kind in [
        "",
        "text/json",
        "application/jsonx",
        "application/json, text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/vnd.api+json",
        "*/*",
    ] {
        assert_eq!(send(kind), 415, "{kind}");
    }
}

#[test]
fn a_content_encoding_other_than_identity_is_a_415_that_names_what_is_accepted() {
    let server = TestServer::start();
    let token = format!("Bearer {TOKEN}");
    let send = |name: &str, value: &str| {
        let mut headers = vec![("Authorization", token.as_str()), (name, value)];
        if name != "Content-Type" {
            headers.push(("Content-Type", "application/json"));
        }
        post(&server, &headers, lead().to_string().as_bytes())
    };
    for encoding in ["identity", "Identity", "", "identity, identity"] {
        assert_eq!(send("Content-Encoding", encoding).status, 201, "{encoding}");
    }
    for encoding in ["gzip", "br", "identity, gzip", "x"] {
        let answer = send("Content-Encoding", encoding);
        answer.assert_error(415, "unsupported_media_type");
        assert_eq!(answer.header("accept-encoding"), Some("identity"), "{answer:?}");
    }
    let answer = send("Content-Type", "text/plain");
    assert_eq!(answer.header("accept"), Some("application/json"), "{answer:?}");
}

/// The first two bytes of a gzip file are not UTF-8; "not JSON" would send its developer the wrong way.
#[test]
fn a_gzip_body_without_a_content_encoding_is_a_415_and_not_a_400() {
    let server = TestServer::start();
    let token = format!("Bearer {TOKEN}");
    let headers =
        [("Authorization", token.as_str()), ("Content-Type", "application/json; charset=utf-8")];
    let answer = post(&server, &headers, b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\x05\0");
    answer.assert_error(415, "unsupported_media_type");
    assert_eq!(answer.header("accept-encoding"), Some("identity"), "{answer:?}");
    assert_eq!(answer.json()["detail"], "The body must not be compressed");
}

#[test]
fn a_lead_after_a_byte_order_mark_is_stored() {
    let server = TestServer::start();
    let token = format!("Bearer {TOKEN}");
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let send = |text: &str| post(&server, &headers, text.as_bytes());
    assert_eq!(send(&format!("\u{feff}{}", lead())).status, 201);
    for text in ["\u{feff}", &format!("\u{feff}\u{feff}{}", lead())] {
        send(text).assert_error(400, "invalid_json");
    }
}

#[test]
fn the_bearer_scheme_is_case_insensitive_and_the_token_is_not() {
    let server = TestServer::start();
    let send = |authorization: &str| {
        let headers = [("Authorization", authorization), ("Content-Type", "application/json")];
        let answer = post(&server, &headers, lead().to_string().as_bytes());
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        (answer.status, detail)
    };
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        assert_eq!(send(&format!("{scheme} {TOKEN}")), (201, String::new()), "{scheme}");
    }
    let refused = |text: &str| (401, text.to_owned());
    for scheme in ["Basic", "Token", "Bearer2", "Bear"] {
        assert_eq!(send(&format!("{scheme} {TOKEN}")), refused("Invalid auth scheme"), "{scheme}");
    }
    assert_eq!(send(TOKEN), refused("Invalid auth scheme"));
    for token in [
        "",
        " ",
        &TOKEN.to_ascii_uppercase(),
        &TOKEN[1..],
        &TOKEN[..47],
        &format!("{TOKEN}0"),
        &format!("{TOKEN} {TOKEN}"),
        &format!("\"{TOKEN}\""),
    ] {
        assert_eq!(send(&format!("Bearer {token}")), refused("Invalid token"), "{token}");
    }
    let answer = post(&server, &[], b"");
    assert_eq!(answer.json()["detail"], "Missing Authorization header");
}

#[test]
fn a_valid_request_id_is_echoed_and_any_other_replaced() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let mut given_back = |id: &str, path: &str| {
        let answer = client.request("GET", path, &[("X-Request-Id", id)], b"");
        check_common(&answer);
        answer.header("x-request-id").expect("an id").to_owned()
    };
    let longest = "x".repeat(128);
    for sane in ["a", "abc-123_X.y", "0190f1d2-0000-7000-8000-000000000000", longest.as_str()] {
        assert_eq!(given_back(sane, "/health"), sane);
        assert_eq!(given_back(sane, "/nothing"), sane, "on errors too");
    }
    let too_long = "x".repeat(129);
    for insane in [
        "",
        "two words",
        "\"quoted\"",
        "a'b",
        "a\tb",
        "a;b",
        "a/b",
        "a,b",
        "jean@example.com",
        "{}",
        "<b>",
        "é",
        too_long.as_str(),
    ] {
        let id = given_back(insane, "/health");
        assert!(uuid::Uuid::try_parse(&id).is_ok(), "{insane:?} became {id:?}");
    }
    assert_ne!(given_back("", "/health"), given_back("", "/health"), "each has its own");
}

#[test]
fn cors_headers_are_on_every_response_for_the_configured_origins_only() {
    let server = TestServer::start();
    let token = bearer();
    let valid = lead().to_string();
    let answers = |origin: &str| {
        let auth = [("Origin", origin), ("Authorization", token.as_str())];
        let json = [&auth[..], &[("Content-Type", "application/json")]].concat();
        let large = vec![b' '; 65_537];
        let send = |method, path, headers: &[(&str, &str)], body: &[u8]| {
            once(server.address, method, path, headers, body)
        };
        [
            (200, send("GET", "/health", &auth, b"")),
            (200, send("HEAD", "/health", &auth, b"")),
            (404, send("GET", "/nothing", &auth, b"")),
            (405, send("GET", "/inbound/leads", &auth, b"")),
            (405, send("OPTIONS", "/inbound/leads", &auth, b"")),
            (401, send("POST", "/inbound/leads", &[("Origin", origin)], b"")),
            (413, send("POST", "/inbound/leads", &json, &large)),
            (415, send("POST", "/inbound/leads", &auth, b"{}")),
            (400, send("POST", "/inbound/leads", &json, b"{")),
            (422, send("POST", "/inbound/leads", &json, b"{}")),
            (201, send("POST", "/inbound/leads", &json, lead().to_string().as_bytes())),
            (0, send("POST", "/inbound/leads", &json, valid.as_bytes())),
        ]
    };
    for origin in [ORIGIN, "https://www.fast-techservices.com"] {
        for (status, answer) in answers(origin) {
            assert!(status == 0 || answer.status == status, "{status}: {answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{answer:?}");
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            let exposed = answer.header("access-control-expose-headers").expect("exposed headers");
            assert!(exposed.contains("x-request-id"), "{exposed}");
            assert_eq!(answer.header("vary"), Some("Origin"), "{answer:?}");
        }
    }
    for origin in [
        "https://evil.example",
        "http://fast-techservices.com",
        "https://fast-techservices.com.evil.example",
        "https://fast-techservices.com:8443",
        "https://fast-techservices.com/",
        "https://xfast-techservices.com",
        "https://api.fast-techservices.com",
        "null",
        "*",
        "",
    ] {
        for (status, answer) in answers(origin) {
            assert!(status == 0 || answer.status == status, "{status}: {answer:?}");
            let cors = answer.headers.iter().find(|(n, _)| n.starts_with("access-control-"));
            assert_eq!(cors, None, "{origin}: {answer:?}");
            assert_eq!(answer.header("vary"), Some("Origin"), "a cache must keep them apart");
        }
    }
}

#[test]
fn a_preflight_is_204_for_the_configured_origins_only() {
    let server = TestServer::start();
    let ask = |origin| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,content-type"),
        ];
        let answer = once(server.address, "OPTIONS", "/inbound/leads", &headers, b"");
        check_common(&answer);
        answer
    };
    let answer = ask(ORIGIN);
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
    let contains = |name: &str, text: &str| answer.header(name).is_some_and(|v| v.contains(text));
    assert!(contains("access-control-allow-methods", "POST"), "{answer:?}");
    assert!(contains("access-control-allow-headers", "authorization"), "{answer:?}");
    assert!(contains("access-control-allow-headers", "content-type"), "{answer:?}");
    let answer = ask("https://evil.example");
    assert_eq!((answer.status, check_error(&answer)), (405, "method_not_allowed".into()));
    assert!(!answer.headers.iter().any(|(n, _)| n.starts_with("access-control-")), "{answer:?}");
}

#[test]
fn a_target_without_a_path_is_a_400_in_the_error_shape_and_what_is_not_http_a_bare_one() {
    let server = TestServer::start();
    let send = |bytes: &str| {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        client.receive().unwrap_or_else(|| panic!("no answer to {bytes:?}"))
    };
    for bytes in [
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "CONNECT localhost:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let answer = send(bytes);
        check_common(&answer);
        assert_eq!((answer.status, check_error(&answer).as_str()), (400, "bad_request"), "{bytes}");
    }
    for bytes in [
        "lead: Jean Dupont\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHo st: localhost\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ] {
        send(bytes).assert_bare(400);
    }
    let long = "x".repeat(17 * 1024);
    send(&format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n")).assert_bare(431);
    // A whole URL is a valid target: RFC 9112 asks servers to accept it.
    let answer = send("GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(answer.status, 200);
}

#[test]
fn an_unknown_method_is_405_with_allow() {
    let server = TestServer::start();
    for (path, allow) in [("/inbound/leads", "POST"), ("/health", "GET, HEAD")] {
        let answer = once(server.address, "BREW", path, &[], b"");
        check_common(&answer);
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)));
        let Value::String(detail) = &answer.json()["detail"] else { panic!("a sentence") };
        assert!(detail.contains(allow), "{detail}");
    }
}
