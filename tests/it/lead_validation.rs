//! Every field of a lead, at and beyond its limits: the response, and what SQLite stores.

use std::collections::HashSet;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Value, json};

use super::data::lead_validation::{Change, Outcome, Row, rows};
use super::support::http::{Client, Response, lead_request, post_lead};
use super::support::server::TestServer;
use super::support::{admin, lead, sql};

#[test]
fn every_field_accepts_and_refuses_as_the_table_says() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let sqlite = server.sqlite();
    let rows = rows();
    assert!(rows.len() >= 220, "only {} rows", rows.len());
    let mut failures = Vec::new();
    let mut refusals = Vec::new();
    let mut names = HashSet::new();
    for row in &rows {
        if !names.insert(&row.name) {
            failures.push(format!("{}: two rows have this name", row.name));
        }
        match check(row, &mut client, &sqlite) {
            Ok(answer) if answer.status == 201 => {}
            Ok(answer) => {
                refusals.push((row.name.clone(), errors(&answer)));
                // 400 are kept at once, then 50 a second.
                if refusals.len() > 380 {
                    std::thread::sleep(std::time::Duration::from_millis(22));
                }
            }
            Err(why) => failures.push(format!("{}: {why}", row.name)),
        }
    }
    insta::assert_snapshot!(error_table(&refusals));
    assert!(failures.is_empty(), "{} rows fail:\n{}", failures.len(), failures.join("\n"));
    let stored =
        rows.iter().filter(|r| matches!(r.outcome, Outcome::Stored(..) | Outcome::Unchanged));
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), stored.count() as i64);
    // None is lost: each can be found among the refused submissions, and opened.
    let kept = server.number("SELECT sum(times) FROM refused_submission");
    assert_eq!(kept, refusals.len() as i64);
    let mut browser = admin::create_first_account(&server);
    let ids = sql::rows(&sqlite, "SELECT id FROM refused_submission");
    for id in ids.into_iter().flatten().flatten() {
        let opened = browser.get(&format!("/admin/api/refused/{id}"));
        assert_eq!((opened.status, opened.json()["body"].is_string()), (200, true), "{opened:?}");
    }
}

#[test]
fn all_field_errors_of_a_body_are_reported_at_once() {
    let server = TestServer::start();
    let body = json!({
        "name": "J",
        "email": "nobody",
        "phone": "1".repeat(31),
        "company": 3,
        "service": "none",
        "message": "short",
        "consent": "true",
        "extra": "\0",
        "meta": {
            "source": "",
            "request_id": "1",
            "ip_hash": null,
            "user_agent_hash": [],
            "timestamp_utc": "yesterday"
        }
    });
    let answer = post_lead(server.address, &body);
    assert_eq!(answer.status, 422);
    assert_eq!(field_errors(&answer).expect("field errors").len(), 13);
    insta::assert_snapshot!(errors(&answer).join("\n"));
}

#[test]
fn the_examples_of_the_fastapi_service_are_accepted() {
    let server = TestServer::start();
    let example = json!({
        "name": "Jean Dupont",
        "email": "jean@example.com",
        "phone": "+33612345678",
        "company": "ACME SAS",
        "service": "diagnostic",
        "message": "Mon compresseur ne démarre plus depuis hier",
        "consent": true,
        "meta": {
            "source": "fast-techservices.com",
            "request_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "ip_hash": "abc123def456",
            "user_agent_hash": "xyz789",
            "timestamp_utc": "2024-01-03T10:30:45.123456Z"
        }
    });
    let answer = post_lead(server.address, &example);
    assert_eq!(answer.status, 201, "{answer:?}");
    // The payload has the example's request_id, so it needs an inbox of its own.
    let server = TestServer::start();
    let payload = json!({
        "name": "Test User",
        "email": "test@example.com",
        "message": "This is a valid test message",
        "consent": true,
        "meta": {
            "source": "fast-techservices.com",
            "request_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "ip_hash": "abc123",
            "timestamp_utc": "2024-01-03T10:00:00Z"
        }
    });
    let answer = post_lead(server.address, &payload);
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[test]
fn the_fastapi_readme_s_example_is_refused_for_its_short_message() {
    let server = TestServer::start();
    let body = json!({
        "name": "Jean Dupont",
        "email": "jean@example.com",
        "message": "Message here",
        "consent": true,
        "meta": {
            "source": "fast-techservices.com",
            "request_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "ip_hash": "abc123def456",
            "timestamp_utc": "2024-01-03T10:30:45.123456Z"
        }
    });
    let answer = post_lead(server.address, &body);
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.json(),
        json!({"ok": false, "error": "validation_error", "kept": true, "detail": [{
            "loc": ["body", "message"],
            "msg": "String should have at least 20 characters",
            "type": "string_too_short",
        }]})
    );
}

/// Sends the row's body and compares the response and the stored lead with the row's outcome.
fn check(row: &Row, client: &mut Client, sqlite: &Connection) -> Result<Response, String> {
    let base = lead();
    client.send(lead_request(&body(&base, &row.change)));
    let answer = client.receive().ok_or("no answer")?;
    let (status, outcome) = (answer.status, &row.outcome);
    match outcome {
        Outcome::Stored(..) | Outcome::Unchanged => {
            if status != 201 {
                return Err(format!("201 expected, not {status} {}", answer.body));
            }
            let mut expected = columns(&base);
            if let Outcome::Stored(field, value) = outcome {
                expected[*field] = value.clone();
            }
            let stored = stored(sqlite, answer.json()["leadId"].as_str().unwrap_or_default());
            if stored != expected {
                return Err(format!("{expected} expected, not {stored}"));
            }
        }
        Outcome::FieldErrors(expected) => {
            let mut expected: Vec<(String, String)> =
                expected.iter().map(|(kind, place)| ((*kind).to_owned(), place.clone())).collect();
            expected.sort();
            let found = field_errors(&answer)?;
            if found != expected {
                return Err(format!("{expected:?} expected, not {found:?}"));
            }
            if quotes(&answer, &row.change) {
                return Err(format!("the answer quotes the value: {}", answer.body));
            }
        }
        Outcome::NotJson => {
            let body = answer.json();
            let shape = (status, &body["ok"], &body["error"], body["detail"].is_string());
            if shape != (400, &json!(false), &json!("invalid_json"), true) {
                return Err(format!("400 expected, not {status} {body}"));
            }
        }
    }
    Ok(answer)
}

/// The errors of a refusal, each as status, place, type and message.
fn errors(answer: &Response) -> Vec<String> {
    let body = answer.json();
    let status = answer.status;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let Value::Array(errors) = &body["detail"] else {
        return vec![format!("{status} {}: {}", text(&body["error"]), text(&body["detail"]))];
    };
    let error = |error: &Value| {
        let loc: Vec<String> = error["loc"].as_array().into_iter().flatten().map(text).collect();
        let (kind, message) = (text(&error["type"]), text(&error["msg"]));
        format!("{status} {} {kind}: {message}", loc.join(".")).replace('\0', "\\0")
    };
    errors.iter().map(error).collect()
}

/// Each error with the cases that have it, a few on a line.
fn error_table(cases: &[(String, Vec<String>)]) -> String {
    let mut table: Vec<(&str, Vec<String>)> = Vec::new();
    for (case, errors) in cases {
        for error in errors {
            match table.iter_mut().find(|(known, _)| known == error) {
                Some((_, lines)) => match lines.last_mut() {
                    Some(line) if line.len() < 100 => line.push_str(&format!("; {case}")),
                    _ => lines.push(case.clone()),
                },
                None => table.push((error, vec![case.clone()])),
            }
        }
    }
    let entry =
        |(error, lines): &(&str, Vec<String>)| format!("{error}\n    {}\n", lines.join("\n    "));
    table.iter().map(entry).collect()
}

/// The changed lead as text.
fn body(lead: &Value, change: &Change) -> Vec<u8> {
    const HERE: &str = "a text that occurs nowhere else";
    let mut lead = lead.clone();
    let owner =
        |lead: &mut Value, field: &'static str| -> (serde_json::Map<String, Value>, &'static str) {
            match field.strip_prefix("meta.") {
                Some(key) => (lead["meta"].as_object().expect("an object").clone(), key),
                None => (lead.as_object().expect("an object").clone(), field),
            }
        };
    let put = |lead: &mut Value, field: &str, object| match field.starts_with("meta.") {
        true => lead["meta"] = Value::Object(object),
        false => *lead = Value::Object(object),
    };
    let text = match change {
        Change::Set(field, raw) => {
            let (mut object, key) = owner(&mut lead, field);
            object.insert(key.to_owned(), json!(HERE));
            put(&mut lead, field, object);
            lead.to_string().replace(&format!("\"{HERE}\""), raw)
        }
        Change::Remove(field) => {
            let (mut object, key) = owner(&mut lead, field);
            object.remove(key).expect("a field of a lead");
            put(&mut lead, field, object);
            lead.to_string()
        }
        Change::Add(members) => {
            let text = lead.to_string();
            format!("{},{members}}}", text.strip_suffix('}').expect("an object"))
        }
        Change::AddToMeta(members) => {
            let meta = lead["meta"].to_string();
            let more = format!("{},{members}}}", meta.strip_suffix('}').expect("an object"));
            lead.to_string().replace(&meta, &more)
        }
        Change::Whole(body) => return body.clone(),
    };
    text.into_bytes()
}

/// The stored columns of a valid lead.
fn columns(lead: &Value) -> Value {
    let meta = &lead["meta"];
    json!({
        "name": lead["name"],
        "email": lead["email"],
        "phone": lead["phone"],
        "company": lead["company"],
        "service": lead["service"],
        "message": lead["message"],
        "consent": i64::from(lead["consent"] == true),
        "meta.source": meta["source"],
        "meta.request_id": meta["request_id"],
        "meta.ip_hash": meta["ip_hash"],
        "meta.user_agent_hash": meta["user_agent_hash"],
        "meta.timestamp_utc": meta["timestamp_utc"],
    })
}

fn stored(sqlite: &Connection, lead_id: &str) -> Value {
    let sql = "SELECT name, email, phone, company, service, message, consent,
                      source AS 'meta.source', request_id AS 'meta.request_id',
                      ip_hash AS 'meta.ip_hash',
                      json_extract(meta_json, '$.user_agent_hash') AS 'meta.user_agent_hash',
                      json_extract(meta_json, '$.timestamp_utc') AS 'meta.timestamp_utc'
               FROM lead_inbox WHERE id = ?1";
    let mut statement = sqlite.prepare_cached(sql).expect("a query");
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let row = statement.query_row([lead_id], |row| {
        let value = |i| {
            Ok::<_, rusqlite::Error>(match row.get_ref(i)? {
                ValueRef::Integer(number) => json!(number),
                ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
                _ => Value::Null,
            })
        };
        let members = names.iter().enumerate().map(|(i, n)| Ok((n.clone(), value(i)?)));
        members.collect::<rusqlite::Result<serde_json::Map<_, _>>>()
    });
    row.map_or(Value::Null, Value::Object)
}

/// The field errors of a 422, as type and place under `body`, sorted.
fn field_errors(answer: &Response) -> Result<Vec<(String, String)>, String> {
    let body = answer.json();
    let shape = (answer.status, &body["ok"], &body["error"]);
    if shape != (422, &json!(false), &json!("validation_error")) {
        return Err(format!("422 expected, not {} {body}", answer.status));
    }
    let mut faults = Vec::new();
    for fault in body["detail"].as_array().ok_or("the detail is not a list")? {
        let members: Option<Vec<&String>> = fault.as_object().map(|o| o.keys().collect());
        let sentence = fault["msg"].as_str().is_some_and(|m| m.len() > 5);
        if members != Some(["loc", "msg", "type"].map(String::from).iter().collect()) || !sentence {
            return Err(format!("not a field error: {fault}"));
        }
        let loc: Vec<&str> =
            fault["loc"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let [root, rest @ ..] = loc.as_slice() else {
            return Err(format!("a field error without a place: {fault}"));
        };
        if *root != "body" {
            return Err(format!("a place that does not start at the body: {fault}"));
        }
        faults.push((fault["type"].as_str().unwrap_or_default().to_owned(), rest.join(".")));
    }
    faults.sort();
    Ok(faults)
}

/// Whether the response repeats a refused text, which can be personal data.
fn quotes(answer: &Response, change: &Change) -> bool {
    let Change::Set(_, raw) = change else { return false };
    let text = serde_json::from_str::<String>(raw).unwrap_or_default();
    let long = text.chars().count() > 5;
    long && (answer.body.contains(&text) || answer.body.contains(raw.trim_matches('"')))
}
