//! `POST /inbound/leads`: the response, and the rows that it leaves in the database.

use rusqlite::Connection;
use rusqlite::types::Value as Column;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use uuid::Uuid;

use super::support::binary::{ServeProcess, command, run};
use super::support::http::{Client, Response, lead_request, once, post_lead};
use super::support::server::TestServer;
use super::support::{TOKEN, lead};

#[test]
fn a_lead_and_its_audit_row_are_stored_and_answered_with_a_receipt() {
    let server = TestServer::start();
    let lead = lead();
    let answer = post_lead(server.address, &lead);
    assert_eq!(answer.status, 201, "{answer:?}");
    let body = answer.json();
    let (seq, hash): (i64, String) = server
        .sqlite()
        .query_row("SELECT seq, hash FROM audit_log WHERE event = 'LEAD_RECEIVED'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("the audit row");
    assert_eq!(body["receipt"], format!("{seq}:{hash}"));
    assert_eq!(body["status"], "received");
    let stored: (String, String) = server
        .sqlite()
        .query_row("SELECT id, created_at_utc FROM lead_inbox", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("the lead");
    assert_eq!(json!([body["leadId"], body["timestamp"]]), json!([stored.0, stored.1]));
}

#[test]
fn a_retry_gets_the_first_answer() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let mut lead = lead();
    let first = client.post_lead(&lead);
    lead["meta"]["ip_hash"] = json!("another");
    lead["meta"]["user_agent_hash"] = json!(null);
    lead["meta"]["timestamp_utc"] = json!("2025-01-01T00:00:00Z");
    let again = client.post_lead(&lead);
    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(
        again.headers.iter().find(|(n, _)| n == "idempotent-replayed").expect("marked").1,
        "true"
    );
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 1);
}

#[test]
fn the_audit_row_of_a_lead_has_a_masked_address_and_the_digest() {
    let server = TestServer::start();
    let lead = lead();
    let id = received(&post_lead(server.address, &lead));
    let row = &audit(&server.sqlite())[0];
    let request_id = lead["meta"]["request_id"].as_str().expect("an id");
    assert_eq!(row.head(), ("LEAD_RECEIVED", Some(id.as_str()), Some(request_id), Some(201)));
    let (salt, columns): (Vec<u8>, Vec<Column>) = server
        .sqlite()
        .query_row(
            "SELECT salt, id, created_at_utc, name, email, phone, company, service, message,
                    consent, source, request_id, ip_hash, meta_json FROM lead_inbox",
            [],
            |row| Ok((row.get(0)?, (1..14).map(|i| row.get(i)).collect::<Result<_, _>>()?)),
        )
        .expect("the lead");
    assert_eq!(
        row.details(),
        json!({
            "email": "jea***",
            "service": "diagnostic",
            "ip_hash": "abc123def456",
            "lead_digest": hash(&salt, &columns),
        })
    );
}

#[test]
fn a_duplicate_is_audited_with_the_original_s_id() {
    let server = TestServer::start();
    let lead = lead();
    let id = received(&post_lead(server.address, &lead));
    assert_eq!(post_lead(server.address, &lead).status, 200);
    let rows = audit(&server.sqlite());
    assert_eq!(rows.len(), 2);
    let request_id = lead["meta"]["request_id"].as_str();
    assert_eq!(rows[1].head(), ("LEAD_DUPLICATE", Some(id.as_str()), request_id, Some(200)));
    assert_eq!((rows[1].actor(), rows[1].details()), ("site_ingest", Value::Null));
}

#[test]
fn a_submission_equal_after_normalisation_is_a_duplicate() {
    let server = TestServer::start();
    let mut lead = lead();
    let first = post_lead(server.address, &lead);
    lead["name"] = json!("  Jean Dupont ");
    lead["email"] = json!("jean@EXAMPLE.com");
    lead["extra"] = json!("unknown fields are ignored");
    let id = lead["meta"]["request_id"].as_str().expect("an id").to_ascii_uppercase();
    lead["meta"]["request_id"] = json!(id);
    let again = post_lead(server.address, &lead);
    assert_eq!((again.status, again.body), (200, first.body));
}

#[test]
fn a_conflict_is_refused_and_audited_with_the_differing_field_names() {
    let server = TestServer::start();
    let lead = lead();
    let id = received(&post_lead(server.address, &lead));
    let changes = [
        ("name", "Paul Martin"),
        ("email", "paul@example.com"),
        ("phone", "0699999999"),
        ("company", "Autre SARL"),
        ("service", "ponts"),
        ("message", "Un tout autre message, assez long."),
    ];
    let conflict = |other: &Value, fields: &[&str]| {
        let answer = post_lead(server.address, other);
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(answer.json()["error"], "duplicate_request_id");
        let rows = audit(&server.sqlite());
        let row = rows.last().expect("a row");
        let request_id = lead["meta"]["request_id"].as_str();
        assert_eq!(row.head(), ("LEAD_CONFLICT", Some(id.as_str()), request_id, Some(409)));
        assert_eq!(row.actor(), "site_ingest");
        assert_eq!(row.details(), json!({ "fields": fields }));
    };
    for (field, text) in changes {
        let mut other = lead.clone();
        other[field] = json!(text);
        conflict(&other, &[field]);
    }
    let mut other = lead.clone();
    other["consent"] = json!(false);
    conflict(&other, &["consent"]);
    let mut other = lead.clone();
    other["meta"]["source"] = json!("elsewhere.example");
    conflict(&other, &["meta.source"]);
    let mut other = lead.clone();
    other["phone"] = Value::Null;
    other["company"] = json!(" ");
    conflict(&other, &["phone", "company"]);
    // Local parts are case-sensitive: some mail systems distinguish them.
    let mut other = lead.clone();
    other["email"] = json!("Jean@example.com");
    conflict(&other, &["email"]);
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 1);
    assert_eq!(post_lead(server.address, &lead).status, 200, "the first one is unchanged");
}

#[test]
fn a_rejected_lead_is_audited_with_field_names_and_a_valid_request_id() {
    let server = TestServer::start();
    let noted = |body: &Value| {
        let answer = post_lead(server.address, body);
        assert_eq!(answer.status, 422, "{answer:?}");
        let row = audit(&server.sqlite()).pop().expect("a row");
        let (event, lead_id, request_id, status) = row.head();
        assert_eq!((event, lead_id, status), ("LEAD_REJECTED", None, Some(422)));
        assert_eq!(row.actor(), "site_ingest");
        (request_id.map(str::to_owned), row.details())
    };
    let mut body = lead();
    let id = body["meta"]["request_id"].as_str().expect("an id").to_owned();
    body["name"] = json!("J");
    body["meta"]["ip_hash"] = json!("");
    body["meta"]["request_id"] = json!(id.to_ascii_uppercase());
    assert_eq!(noted(&body), (Some(id), json!({"fields": ["name", "meta.ip_hash"]})));

    body["meta"]["request_id"] = json!("jean@example.com");
    let fields = json!({"fields": ["name", "meta.request_id", "meta.ip_hash"]});
    assert_eq!(noted(&body), (None, fields));

    let mut body = lead();
    let id = body["meta"]["request_id"].as_str().expect("an id").to_owned();
    body["Jean Dupont"] = json!("\0");
    body["meta"]["jean@example.com"] = json!({"0612345678\0": 1});
    assert_eq!(noted(&body), (Some(id), json!({"fields": ["unknown"]})));

    assert_eq!(noted(&json!([])), (None, json!({"fields": ["body"]})));
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 0);
}

#[test]
fn only_what_has_a_token_and_is_not_too_large_is_audited_when_it_is_refused() {
    let server = TestServer::start();
    let token = format!("Bearer {TOKEN}");
    let send = |authorization: &str, kind: &str, body: &[u8]| {
        let headers = [("Authorization", authorization), ("Content-Type", kind)];
        once(server.address, "POST", "/inbound/leads", &headers, body).status
    };
    let valid = lead().to_string();
    let json = "application/json";
    assert_eq!(send("Bearer wrong", json, valid.as_bytes()), 401);
    assert_eq!(send("Basic x", json, b"{}"), 401);
    assert_eq!(once(server.address, "POST", "/inbound/leads", &[], b"{}").status, 401);
    assert_eq!(send(&token, json, &vec![b' '; 70_000]), 413);
    assert_eq!(server.number("SELECT count(*) FROM audit_log"), 0);
    assert_eq!(send(&token, "text/plain", valid.as_bytes()), 415);
    assert_eq!(send(&token, json, b"{"), 400);
    for (row, status) in audit(&server.sqlite()).iter().zip([415, 400]) {
        let (event, lead_id, _, status_code) = row.head();
        assert_eq!((event, lead_id, status_code), ("LEAD_REJECTED", None, Some(status)));
        assert_eq!(row.details(), json!({"fields": ["body"]}));
    }
    assert_eq!(server.number("SELECT count(*) FROM audit_log"), 2);
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 0);
}

#[test]
fn the_request_id_of_an_erased_lead_stays_410() {
    let server = TestServer::start();
    let lead = lead();
    let id = received(&post_lead(server.address, &lead));
    let request_id = lead["meta"]["request_id"].as_str().expect("an id");
    erase(&server.sqlite(), &id, request_id);
    let rows = audit(&server.sqlite()).len();

    let mut other = lead.clone();
    other["message"] = json!("Un tout autre message, assez long.");
    for body in [&lead, &other] {
        let answer = post_lead(server.address, body);
        assert_eq!(answer.status, 410, "{answer:?}");
        let body = answer.json();
        assert_eq!((&body["ok"], &body["error"]), (&json!(false), &json!("lead_erased")));
    }
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 0);
    assert!(audit(&server.sqlite()).len() <= rows + 2, "no more than a row a request");
    // The chain continues after the row that another program inserted.
    received(&post_lead(server.address, &super::support::lead()));
    let output = run(server.folder(), &["audit", "verify"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    check_chain(&server.sqlite());
}

#[test]
fn the_audit_log_has_no_personal_data() {
    let server = TestServer::start();
    let token = format!("Bearer {TOKEN}");
    let mut person = lead();
    person["name"] = json!("Ginevra Quillfeather");
    person["email"] = json!("ginevra.quillfeather@wobblecorp.example");
    person["phone"] = json!("+33777123987");
    person["company"] = json!("Wobblecorp Industries");
    person["message"] = json!("Le zébulon du compresseur ronfle depuis mardi.");
    received(&post_lead(server.address, &person));
    assert_eq!(post_lead(server.address, &person).status, 200);
    let mut other = person.clone();
    for field in ["name", "phone", "company", "message"] {
        other[field] = json!(format!("{} encore", person[field].as_str().expect("text")));
    }
    assert_eq!(post_lead(server.address, &other).status, 409);
    // The person's data in every place where it can be refused.
    let mut bad = person.clone();
    bad["email"] = json!("ginevra.quillfeather@@wobblecorp.example");
    bad["service"] = json!("Wobblecorp Industries");
    bad["consent"] = json!("Ginevra Quillfeather");
    bad["phone"] = json!("+33777123987 ".repeat(9));
    bad["Ginevra Quillfeather"] = json!("zébulon\0");
    bad["meta"]["+33777123987"] = json!({"ginevra.quillfeather@wobblecorp.example": "\0"});
    bad["meta"]["request_id"] = json!("Ginevra Quillfeather");
    bad["meta"]["timestamp_utc"] = json!("+33777123987");
    bad["meta"]["source"] = json!(" ");
    assert_eq!(post_lead(server.address, &bad).status, 422);
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let body = br#"{"name": "Ginevra Quillfeather" "#;
    assert_eq!(once(server.address, "POST", "/inbound/leads", &headers, body).status, 400);

    let rows = audit(&server.sqlite());
    assert_eq!(rows.len(), 5);
    let log = format!("{:?}", rows.iter().map(|r| &r.columns).collect::<Vec<_>>()).to_lowercase();
    assert!(log.contains("gin***"), "the masked address is there: {log}");
    for private in ["ginevra", "quillfeather", "wobblecorp", "777123987", "zébulon", "z\\u", TOKEN]
    {
        assert!(!log.contains(private), "{private} is in {log}");
    }
}

#[test]
fn the_previous_token_is_accepted_alongside_the_current_one() {
    let folder = TempDir::new().expect("a folder");
    let previous = TOKEN.replace('0', "f");
    let mut server = ServeProcess::spawn(
        command(folder.path(), &["serve"])
            .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
            .env("FASTCORE_SITE_INGEST_TOKEN_PREVIOUS", &previous),
    );
    let send = |token: &str| {
        let token = format!("Bearer {token}");
        let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
        let body = lead().to_string();
        once(server.address, "POST", "/inbound/leads", &headers, body.as_bytes()).status
    };
    assert_eq!((send(TOKEN), send(&previous)), (201, 201));
    assert_eq!(send(&TOKEN.replace('0', "e")), 401);
    server.terminate();
}

#[test]
fn a_retry_after_a_restart_gets_the_first_answer() {
    let folder = TempDir::new().expect("a folder");
    let lead = lead();
    let mut server = ServeProcess::start(folder.path());
    let first = post_lead(server.address, &lead);
    assert_eq!(first.status, 201);
    server.terminate();
    let mut server = ServeProcess::start(folder.path());
    let again = post_lead(server.address, &lead);
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    server.terminate();
}

#[test]
fn the_chain_runs_from_the_first_row_to_the_last_receipt() {
    let server = TestServer::start();
    let mut bad = lead();
    bad["name"] = json!("J");
    for body in [lead(), bad, lead()] {
        post_lead(server.address, &body);
    }
    let answer = post_lead(server.address, &lead());
    let head = check_chain(&server.sqlite());
    assert_eq!(answer.json()["receipt"], head);
}

/// The id of a lead that was just taken.
fn received(answer: &Response) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["leadId"].as_str().expect("an id").to_owned()
}

/// A row of the audit log, each column as it lies there.
struct Row {
    columns: Vec<Column>,
    hash: String,
}

impl Row {
    fn text(&self, column: usize) -> Option<&str> {
        match &self.columns[column] {
            Column::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Event, lead, request, status.
    fn head(&self) -> (&str, Option<&str>, Option<&str>, Option<i64>) {
        let status = match self.columns[7] {
            Column::Integer(status) => Some(status),
            _ => None,
        };
        (self.text(3).expect("an event"), self.text(5), self.text(6), status)
    }

    fn actor(&self) -> &str {
        self.text(4).expect("an actor")
    }

    fn details(&self) -> Value {
        self.text(8).map_or(Value::Null, |d| serde_json::from_str(d).expect("JSON"))
    }
}

fn audit(sqlite: &Connection) -> Vec<Row> {
    let sql = "SELECT seq, id, created_at_utc, event, actor, lead_id, request_id, status_code,
                      details_json, hash FROM audit_log ORDER BY seq";
    let mut statement = sqlite.prepare(sql).expect("a query");
    let rows = statement.query_map([], |row| {
        let columns = (0..9).map(|i| row.get(i)).collect::<Result<_, _>>()?;
        Ok(Row { columns, hash: row.get(9)? })
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

/// The documented hash, made without a line of the server's: lower-case hex of SHA-256 over the
/// seed and the columns.
fn hash(seed: &[u8], columns: &[Column]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(seed);
    for column in columns {
        let text = match column {
            Column::Null => {
                hasher.update([0]);
                continue;
            }
            Column::Integer(number) => number.to_string(),
            Column::Text(text) => text.clone(),
            other => panic!("no column of a hash: {other:?}"),
        };
        hasher.update([1]);
        hasher.update(u32::try_from(text.len()).expect("short").to_be_bytes());
        hasher.update(text);
    }
    hasher.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16));
    pairs.collect::<Result<_, _>>().expect("hexadecimal digits")
}

/// Checks every row against the one before it; the last one's receipt.
fn check_chain(sqlite: &Connection) -> String {
    let mut previous = vec![0; 32];
    let mut receipt = String::new();
    for (i, row) in audit(sqlite).iter().enumerate() {
        assert_eq!(row.columns[0], Column::Integer(i as i64 + 1), "no gap");
        assert_eq!(row.hash, hash(&previous, &row.columns), "row {}", i + 1);
        previous = bytes(&row.hash);
        receipt = format!("{}:{}", i + 1, row.hash);
    }
    receipt
}

/// What an erasure leaves, made from outside: its row at the end of the chain, and no lead.
fn erase(sqlite: &Connection, lead_id: &str, request_id: &str) {
    let rows = audit(sqlite);
    let last = rows.last().expect("the lead's own row");
    let text = |t: &str| Column::Text(t.to_owned());
    let columns = vec![
        Column::Integer(rows.len() as i64 + 1),
        text(&Uuid::now_v7().to_string()),
        last.columns[2].clone(),
        text("LEAD_ERASED"),
        text("cli:test"),
        text(lead_id),
        text(request_id),
        Column::Null,
        text(r#"{"reason":"request"}"#),
    ];
    let hash = text(&hash(&bytes(&last.hash), &columns));
    let values = columns.into_iter().chain([hash]);
    let sql = "INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlite.execute(sql, rusqlite::params_from_iter(values)).expect("a row at the end");
    let deleted = sqlite.execute("DELETE FROM lead_inbox WHERE id = ?", [lead_id]);
    assert_eq!(deleted, Ok(1));
}

#[test]
fn many_errors_in_unknown_fields_do_not_hide_a_known_field_s_error() {
    let server = TestServer::start();
    let crowd: String = (0..300).map(|i| format!(r#""x{i}":"\u0000","#)).collect();
    let body = format!("{{{crowd}\"name\":\"J\"}}");
    let mut client = Client::connect(server.address);
    client.send(lead_request(body.as_bytes()));
    let answer = client.receive().expect("an answer");
    assert_eq!(answer.status, 422);
    let faults = answer.json()["detail"].clone();
    assert_eq!(faults[0]["loc"], json!(["body", "name"]), "{faults}");
    assert_eq!(faults.as_array().map(Vec::len), Some(100));
}

#[test]
fn a_request_id_equal_to_another_lead_s_id_is_a_new_lead() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let other = client.post_lead(&lead()).json();
    let mut own = lead();
    own["name"] = json!("Marie Durand");
    own["meta"]["request_id"] = other["leadId"].clone();
    let first = client.post_lead(&own);
    let again = client.post_lead(&own);
    assert_eq!((first.status, again.status), (201, 200), "{again:?}");
    assert_eq!(first.body, again.body);
}
