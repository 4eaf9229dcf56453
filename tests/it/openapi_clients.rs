//! The OpenAPI document gives generated clients types that they can use.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::support::http::once;
use super::support::server::TestServer;

fn document(server: &TestServer) -> Value {
    once(server.address, "GET", "/openapi.json", &[], b"").json()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("an object: {value}"))
}

/// With `error` as any text, no generated client could tell a list of invalid fields from a sentence.
#[test]
fn an_error_response_names_exactly_the_codes_that_it_can_have() {
    let server = TestServer::start();
    let document = document(&server);
    let mut names = BTreeSet::new();
    for (path, operations) in object(&document["paths"]) {
        for (method, operation) in object(operations) {
            for (status, response) in object(&operation["responses"]) {
                let content = &response["content"]["application/json"];
                let schema = content["schema"]["$ref"].as_str().unwrap_or_default();
                if !schema.ends_with("ErrorResponse") {
                    continue;
                }
                names.insert(schema.to_owned());
                let schema = document.pointer(&schema[1..]).expect("a component");
                let examples = object(&content["examples"]).values();
                let codes: BTreeSet<&str> =
                    examples.filter_map(|e| e["value"]["error"].as_str()).collect();
                let error = &schema["properties"]["error"];
                assert_eq!(error["enum"], json!(codes), "{method} {path} {status}");
                let detail = if codes.contains("validation_error") { "array" } else { "string" };
                assert_eq!(schema["properties"]["detail"]["type"], detail);
            }
        }
    }
    let name = "#/components/schemas/ValidationErrorResponse";
    assert!(names.contains(name) && names.len() > 12, "{names:?}");
}

/// Clients check patterns with PCRE, Python, Java or JavaScript: `\u0085` is not known to all of them.
#[test]
fn patterns_use_no_escape_that_only_some_dialects_know() {
    let server = TestServer::start();
    let served = once(server.address, "GET", "/openapi.json", &[], b"").body;
    let patterns: Vec<&str> =
        served.lines().filter_map(|line| line.trim().strip_prefix("\"pattern\": ")).collect();
    assert!(patterns.len() > 10, "{patterns:?}");
    for pattern in patterns {
        let text: String = serde_json::from_str(pattern.trim_end_matches(',')).expect("a text");
        let escapes = text.split('\\').skip(1).map(|after| after.chars().next());
        for escape in escapes {
            assert!(matches!(escape, Some('x' | 's')), "{text}");
        }
    }
}
