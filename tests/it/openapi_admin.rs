//! The OpenAPI document of the admin API agrees with the server's responses.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::support::admin::{
    self, Browser, PASSWORD, SAME_ORIGIN, send_leads, server_with_account, set_status,
};
use super::support::http::{Response, post_lead};
use super::support::server::TestServer;

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn document(server: &TestServer) -> Value {
    Browser::new(server.address).read("/openapi.json")
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("an object: {value}"))
}

/// What a reference leads to.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect("what is referred to"),
        None => schema,
    }
}

/// Whether a value has the type that a schema names, and exactly its members, all the way down.
fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    let schema = resolved(document, schema);
    if let Some(one_of) = schema["oneOf"].as_array() {
        return one_of.iter().any(|schema| fits(document, schema, value));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let typed = schema["type"] == kind
        || schema["type"].as_array().is_some_and(|types| types.contains(&json!(kind)));
    let named = schema["enum"].as_array().is_none_or(|names| names.contains(value));
    let inside = match value {
        Value::Array(items) => items.iter().all(|item| fits(document, &schema["items"], item)),
        Value::Object(members) if schema["properties"].is_object() => {
            let properties = object(&schema["properties"]);
            let required = schema["required"].as_array().map_or(0, Vec::len);
            members.len() == properties.len()
                && members.len() == required
                && members.iter().all(|(name, member)| {
                    properties.get(name).is_some_and(|schema| fits(document, schema, member))
                })
        }
        _ => true,
    };
    typed && named && inside
}

#[test]
fn admin_responses_have_exactly_the_documented_members() {
    let (server, mut browser) = server_with_account();
    let document = document(&server);
    let ids = send_leads(&server, 4);
    set_status(&server, &ids[0], "processing");
    assert_eq!(post_lead(server.address, &json!({"phone": "0612345678"})).status, 422);
    let refused = browser.read("/admin/api/refused")["rows"][0]["id"].clone();
    let refused = refused.as_str().expect("an id");
    let mut seen = 0;
    for (path, operations) in object(&document["paths"]) {
        let answer = &operations["get"]["responses"]["200"];
        let schema = &answer["content"]["application/json"]["schema"];
        if operations["get"]["tags"] != json!(["admin"]) || schema.is_null() {
            continue;
        }
        for query in ["", "?limit=2", "?limit=2&service=ponts", "?since=2099-01-01"] {
            let id = if path.contains("refused") { refused } else { &ids[1] };
            let value = browser.read(&format!("{}{query}", path.replace("{id}", id)));
            assert!(fits(&document, schema, &value), "{path}{query}: {value:#}");
            seen += 1;
        }
    }
    assert_eq!(seen, 9 * 4);
}

#[test]
fn documented_parameter_rules_are_enforced() {
    let (server, mut browser) = server_with_account();
    let document = document(&server);
    let id = &send_leads(&server, 1)[0];
    let mut tried = BTreeSet::new();
    for (path, operations) in object(&document["paths"]) {
        let parameters = operations["get"]["parameters"].as_array();
        for parameter in parameters.into_iter().flatten().filter(|p| p["in"] == "query") {
            let name = parameter["name"].as_str().expect("a name");
            let schema = &parameter["schema"];
            let mut ask = |value: &str| {
                let (path, value) = (path.replace("{id}", id), value.replace('+', "%2B"));
                browser.send("HEAD", &format!("{path}?{name}={value}"), &[], b"").status
            };
            assert!(parameter["description"].is_string() && parameter["required"] == false);
            assert_eq!(ask(""), 200, "{path} {name}: blank is left out");
            let names = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let examples = schema["examples"].as_array().into_iter().flatten();
            for value in names.clone().chain(examples.filter_map(Value::as_str)) {
                assert_eq!(ask(value), 200, "{path} {name}={value}");
            }
            let number =
                schema["anyOf"].as_array().into_iter().flatten().find(|s| s["type"] == "integer");
            if let Some(number) = number {
                let [least, most] =
                    ["minimum", "maximum"].map(|of| number[of].as_i64().expect("a number"));
                for (value, status) in
                    [(least, 200), (most, 200), (least - 1, 422), (most + 1, 422)]
                {
                    assert_eq!(ask(&value.to_string()), status, "{path} {name}={value}");
                }
            }
            // Only where any text is taken is this.
            let any =
                schema["type"] == "string" && names.count() == 0 && schema["pattern"].is_null();
            assert_eq!(ask("noSuchThing"), if any { 200 } else { 422 }, "{path} {name}");
            tried.insert(name);
        }
    }
    let all = [
        "actor", "after", "by", "cursor", "event", "lead", "limit", "opened", "order", "service",
        "settled", "since", "status", "until", "zone",
    ];
    assert_eq!(tried.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn the_documented_admin_error_examples_equal_the_real_responses() {
    let (server, mut jean) = server_with_account();
    let document = document(&server);
    let mut nobody = Browser::new(server.address);
    admin::add_account_with_totp(server.folder(), "zoe");
    let id = send_leads(&server, 1).remove(0);
    let session = "/admin/api/session";
    let first = "/admin/api/setup";
    let lead = "/admin/api/leads/{id}";
    let wrong = "since=yesterday&until=2026-02-30";
    let long = "x".repeat(65_537);
    let right = json!({"name": "zoe", "password": PASSWORD}).to_string();
    let mut post = |path: &str, headers: &[(&str, &str)], body: &str| {
        nobody.send("POST", path, headers, body.as_bytes())
    };
    let mut answers: Vec<(&str, &str, Response)> = vec![
        (
            session,
            "post",
            post(session, &[SAME_ORIGIN, JSON], r#"{"name": "zoe", "password": "wrong"}"#),
        ),
        (session, "post", post(session, &[SAME_ORIGIN, JSON], &right)),
        (
            session,
            "post",
            post(session, &[SAME_ORIGIN, JSON], &right.replace('}', r#", "code": "0"}"#)),
        ),
        (session, "post", post(session, &[JSON], &right)),
        (session, "post", post(session, &[SAME_ORIGIN, JSON], "{\"name\": ")),
        (session, "post", post(session, &[SAME_ORIGIN, JSON], "{}")),
        (session, "post", post(session, &[SAME_ORIGIN, JSON], "[]")),
        (session, "post", post(session, &[SAME_ORIGIN, JSON], &long)),
        (session, "post", post(session, &[SAME_ORIGIN], &right)),
        (first, "post", post(first, &[SAME_ORIGIN, JSON], r#"{"token": "used"}"#)),
        (first, "post", post(first, &[JSON], "{}")),
        (session, "delete", nobody.send("DELETE", session, &[], b"")),
        (session, "delete", nobody.send("PUT", session, &[], b"")),
        (lead, "get", jean.get(&lead.replace("{id}", "none"))),
        ("/admin/assets/{file}", "get", nobody.get("/admin/assets/none.js")),
    ];
    for (path, operations) in object(&document["paths"]) {
        if operations["get"]["tags"] == json!(["admin"]) {
            let path = path.as_str();
            answers.push((path, "get", nobody.get(&path.replace("{id}", &id))));
            if operations["get"]["responses"]["422"].is_object() {
                let wrong = if path.contains("refused") { "settled=perhaps" } else { wrong };
                let query = format!("{path}?{wrong}").replace("{id}", &id);
                answers.push((path, "get", jean.get(&query)));
            }
        }
    }
    for (path, wrong) in [
        ("/admin/api/leads/search", r#"{"since": "yesterday", "limit": "all"}"#),
        (lead, r#"{"since": "yesterday"}"#),
    ] {
        for body in ["{\"q\": ", wrong] {
            let answer = jean.send(
                "POST",
                &path.replace("{id}", &id),
                &[SAME_ORIGIN, JSON],
                body.as_bytes(),
            );
            if path != lead || answer.status == 400 {
                answers.push((path, "post", answer));
            }
        }
        answers.push((path, "post", jean.send("POST", &path.replace("{id}", &id), &[JSON], b"{}")));
        answers.push((path, "post", nobody.post(&path.replace("{id}", &id), &json!({}))));
        answers.push((
            path,
            "post",
            jean.send("POST", &path.replace("{id}", &id), &[SAME_ORIGIN], b""),
        ));
    }
    answers.push((lead, "post", jean.post(&lead.replace("{id}", "none"), &json!({}))));
    let export = "/admin/api/export";
    answers.push((export, "post", jean.export("since=yesterday&format=exe")));
    answers.push((export, "post", nobody.export("")));
    answers.push((export, "post", jean.post(export, &json!({}))));
    answers.push((export, "post", jean.get(export)));
    let mut seen = BTreeSet::new();
    for (path, method, answer) in answers {
        let of_status = &document["paths"][path][method]["responses"][answer.status.to_string()];
        let examples = object(&of_status["content"]["application/json"]["examples"]);
        let body = answer.json();
        let known = examples.values().any(|example| example["value"] == body);
        assert!(known, "{method} {path}: {body} is not among {examples:#?}");
        seen.insert(body["error"].as_str().expect("a code").to_owned());
    }
    let codes = [
        "code_required",
        "forbidden",
        "invalid_json",
        "link_expired",
        "method_not_allowed",
        "not_found",
        "payload_too_large",
        "unauthorized",
        "unsupported_media_type",
        "validation_error",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), codes);
}
