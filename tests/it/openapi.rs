//! The OpenAPI document agrees with the server, and `/docs` shows it without requests to other
//! hosts.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use fastcore::http::router::paths;
use serde_json::{Map, Value, json};

use super::support::http::{Client, Response, lead_request, once};
use super::support::server::TestServer;
use super::support::{TOKEN, binary, lead};

/// Of the methods that HTTP has, those that a document can speak of.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    once(address, "GET", path, headers, b"")
}

fn document(server: &TestServer) -> Value {
    get(server.address, "/openapi.json", &[]).json()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("an object: {value}"))
}

/// Every path with its methods, HEAD wherever there is GET.
fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for (path, operations) in object(&document["paths"]) {
        for method in object(operations).keys().map(|m| m.to_uppercase()) {
            if method == "GET" {
                all.insert((path.clone(), "HEAD".to_owned()));
            }
            all.insert((path.clone(), method));
        }
    }
    all
}

#[test]
fn every_route_is_documented_and_every_documented_route_exists() {
    let server = TestServer::start();
    let document = document(&server);
    let documented = documented(&document);
    let routed: BTreeSet<(String, String)> = paths()
        .flat_map(|(path, allow)| {
            allow.split(", ").map(|m| (path.clone(), m.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(documented, routed);
    // The server does what its table and the document say.
    for (path, _) in paths() {
        for method in METHODS {
            // Any lead's id will do: without a session nobody hears whether there is one.
            let name = &document["paths"][&path]["get"]["parameters"][0]["example"];
            let here = path.replace("{file}", name.as_str().unwrap_or_default());
            let answer = once(server.address, method, &here, &[], b"");
            let status = answer.status;
            let taken = documented.contains(&(path.clone(), method.to_owned()));
            assert_ne!(status, 404, "{method} {path}");
            assert_eq!(status != 405, taken, "{method} {path}: {status}");
            if status == 405 && method != "HEAD" {
                for operation in object(&document["paths"][&path]).keys() {
                    let example = (status.to_string(), answer.json());
                    let examples = examples(&document, &path, operation);
                    assert!(examples.contains(&example), "{operation} {path}: {example:?}");
                }
            }
        }
    }
}

/// Making the examples of errors wrote the log lines of those errors.
#[test]
fn the_openapi_command_logged_an_export_that_nobody_had_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = binary::run(folder.path(), &["openapi"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_openapi_command_prints_the_served_document() {
    let server = TestServer::start();
    let printed = binary::succeed(server.folder(), &["openapi"]);
    let served = get(server.address, "/openapi.json", &[]);
    assert_eq!(printed, served.body);
    let document = served.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_document_supports_etag_revalidation() {
    let server = TestServer::start();
    for path in ["/openapi.json", "/docs", "/docs/init.js", "/docs/swagger-ui.css"] {
        let first = get(server.address, path, &[]);
        let tag = first.header("etag").expect("a tag");
        assert!(first.body.len() > 100, "{path}");
        let list = format!("\"another\", {tag}");
        for known in [tag, list.as_str(), "*"] {
            let again = get(server.address, path, &[("If-None-Match", known)]);
            assert_eq!((again.status, again.body.as_str()), (304, ""), "{path} {known}");
            assert_eq!(again.header("etag"), Some(tag));
        }
        let other = get(server.address, path, &[("If-None-Match", "\"another\"")]);
        assert_eq!((other.status, other.body), (200, first.body), "{path}");
    }
}

#[test]
fn the_docs_page_assets_are_compressed_only_on_request() {
    let server = TestServer::start();
    let coding = |accepted: &str| {
        let headers: &[(&str, &str)] = &[("Accept-Encoding", accepted)];
        let mut client = Client::connect(server.address);
        let answer = client.request("HEAD", "/docs/swagger-ui-bundle.js", headers, b"");
        assert_eq!(answer.status, 200);
        let length: usize = answer.header("content-length").expect("a length").parse().expect("n");
        (answer.header("content-encoding").map(str::to_owned), length)
    };
    for accepted in ["gzip", "deflate, GZIP;q=0.5", "br, gzip"] {
        let (coding, length) = coding(accepted);
        assert_eq!(coding.as_deref(), Some("gzip"), "{accepted}");
        assert!(length < 600_000, "{length}");
    }
    for accepted in ["", "identity", "gzip;q=0", "br", "gzipped"] {
        let (coding, length) = coding(accepted);
        assert_eq!(coding, None, "{accepted}");
        assert!(length > 1_000_000, "{length}");
    }
}

#[test]
fn the_docs_page_uses_only_local_files_and_no_inline_script() {
    let server = TestServer::start();
    let page = get(server.address, "/docs", &[]);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!page.body.contains("<style") && !page.body.contains(" style="), "{}", page.body);
    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for reference in page.body.split(attribute).skip(1) {
            let reference = reference.split('"').next().expect("its end");
            if reference != "data:," {
                assert!(reference.starts_with('/'), "{reference}");
                assert_eq!(get(server.address, reference, &[]).status, 200, "{reference}");
                loaded += 1;
            }
        }
    }
    assert!(loaded >= 4);
    for script in page.body.split("<script").skip(1) {
        assert!(script.starts_with(" src=") && script.contains("\"></script>"), "{script}");
    }
}

/// What each field takes at its limits, as the schema names them, and what it refuses beyond.
#[test]
fn the_documented_limits_are_enforced() {
    let server = TestServer::start();
    let document = document(&server);
    let schemas = &document["components"]["schemas"];
    let mut limits = 0;
    let send = |place: &[&str], value: Option<Value>| {
        let mut lead = lead();
        let (last, outer) = place.split_last().expect("a name");
        let within = outer.iter().fold(&mut lead, |within, name| &mut within[name]);
        let within = within.as_object_mut().expect("an object");
        match value {
            Some(value) => within.insert((*last).to_owned(), value),
            None => within.remove(*last),
        };
        let mut client = Client::connect(server.address);
        client.send(lead_request(lead.to_string().as_bytes()));
        client.receive().expect("an answer").status
    };
    for (schema, outer) in [("LeadRequest", None), ("LeadMeta", Some("meta"))] {
        let required = schemas[schema]["required"].as_array().expect("a list");
        for (name, rule) in object(&schemas[schema]["properties"]) {
            let place: Vec<&str> = outer.into_iter().chain([name.as_str()]).collect();
            let must = required.contains(&json!(name));
            assert_eq!(send(&place, None), if must { 422 } else { 201 }, "{place:?} left out");
            let nullable = rule["type"].as_array().is_some_and(|t| t.contains(&json!("null")));
            let null = send(&place, Some(Value::Null));
            assert_eq!(null, if nullable { 201 } else { 422 }, "{place:?} null");
            for value in rule["enum"].as_array().into_iter().flatten() {
                assert_eq!(send(&place, Some(value.clone())), 201, "{place:?} {value}");
            }
            let text = |length: u64| text_of(name, usize::try_from(length).expect("small"));
            if let Some(most) = most(rule) {
                limits += 1;
                assert_eq!(send(&place, Some(text(most))), 201, "{place:?} of {most}");
                assert_eq!(send(&place, Some(text(most + 1))), 422, "{place:?} over {most}");
            }
            if let Some(least) = rule["minLength"].as_u64() {
                limits += 1;
                assert_eq!(send(&place, Some(text(least))), 201, "{place:?} of {least}");
                assert_eq!(send(&place, Some(text(least - 1))), 422, "{place:?} under {least}");
            }
        }
    }
    // Eight texts have a most, four of them a least.
    assert_eq!(limits, 12);
}

/// The most characters that a pattern takes between white space: a character at each edge, and
/// `{least,most}` between them; for an address, `{least,most}` alone.
fn most(rule: &Value) -> Option<u64> {
    let (_, rest) = rule["x-pattern"].as_str()?.split_once('{')?;
    let most: u64 = rest.split([',', '}']).nth(1)?.parse().ok()?;
    Some(if rule["format"] == "idn-email" { most } else { most + 2 })
}

/// A text of so many characters; where an address belongs, one of that length.
fn text_of(name: &str, length: usize) -> Value {
    if name != "email" {
        return json!("é".repeat(length));
    }
    let (local, top) = ("x".repeat(50), ".example.com");
    let label = "d".repeat(length - local.len() - 1 - top.len());
    json!(format!("{local}@{label}{top}"))
}

/// The examples of errors, by their code.
fn examples(document: &Value, path: &str, method: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (status, response) in object(&document["paths"][path][method]["responses"]) {
        let examples = &response["content"]["application/json"]["examples"];
        for example in examples.as_object().into_iter().flat_map(Map::values) {
            found.push((status.clone(), example["value"].clone()));
        }
    }
    found
}

#[test]
fn the_documented_error_examples_equal_the_real_responses() {
    let server = TestServer::start();
    let examples = examples(&document(&server), "/inbound/leads", "post");
    let codes: BTreeSet<&str> =
        examples.iter().map(|(_, e)| e["error"].as_str().expect("a code")).collect();
    let all = [
        "bad_request",
        "duplicate_request_id",
        "internal_error",
        "invalid_json",
        "lead_erased",
        "method_not_allowed",
        "payload_too_large",
        "timeout",
        "unauthorized",
        "unavailable",
        "unsupported_media_type",
        "validation_error",
    ];
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), all);
    let bearer = format!("Bearer {TOKEN}");
    let (good, json) = (("Authorization", bearer.as_str()), ("Content-Type", "application/json"));
    let stored = lead();
    let mut other = stored.clone();
    other["message"] = json!("Another message under the same request_id");
    let (stored, other) = (stored.to_string(), other.to_string());
    let post = |headers: &[(&str, &str)], body: &str| {
        once(server.address, "POST", "/inbound/leads", headers, body.as_bytes())
    };
    assert_eq!(post(&[good, json], &stored).status, 201);
    let big = "x".repeat(65_537);
    let invalid = r#"{"name": "J", "email": "jean@example", "consent": "yes", "meta": {}}"#;
    let answers = [
        post(&[json], ""),
        post(&[("Authorization", "Basic x"), json], ""),
        post(&[("Authorization", "Bearer x"), json], ""),
        post(&[good, json], "{\"name\": "),
        post(&[good, json], invalid),
        post(&[good, json], &other),
        post(&[good, json], &big),
        post(&[good], &stored),
        once(server.address, "PUT", "/inbound/leads", &[], b""),
    ];
    for answer in answers {
        let example = (answer.status.to_string(), answer.json());
        assert!(examples.contains(&example), "{example:?} is not among {examples:#?}");
    }
}

#[test]
fn every_documented_response_has_a_body_schema() {
    let server = TestServer::start();
    let document = document(&server);
    for (path, operations) in object(&document["paths"]) {
        for (method, operation) in object(operations) {
            assert!(operation["operationId"].is_string() && operation["summary"].is_string());
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
            for (status, response) in object(&operation["responses"]) {
                let what = format!("{method} {path} {status}");
                let empty = ["204", "304"].contains(&status.as_str());
                assert_eq!(response["content"].is_object(), !empty, "{what}");
                assert!(response["headers"]["X-Request-Id"].is_object(), "{what}");
                let error =
                    status.starts_with(['4', '5']) && (path != "/health" || status != "503");
                let content = &response["content"]["application/json"];
                let schema = content["schema"]["$ref"].as_str().unwrap_or_default();
                assert_eq!(schema.ends_with("ErrorResponse"), error, "{what}: {schema}");
                assert_eq!(content["examples"].is_object(), error, "{what}");
            }
        }
    }
}
