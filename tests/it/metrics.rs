//! `GET /metrics`: who may read it, what it counts, and that Prometheus's own tools accept it.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::admin::SAME_ORIGIN;
use super::support::binary::{ServeProcess, command};
use super::support::http::{Client, Response, once, post_lead};
use super::support::server::TestServer;
use super::support::tls::{Authority, paths};
use super::support::{METRICS_TOKEN, TOKEN, lead, tools, wait_until};

fn authorization(token: &str) -> String {
    format!("Bearer {token}")
}

fn scrape(address: SocketAddr) -> String {
    let token = authorization(METRICS_TOKEN);
    let answer = once(address, "GET", "/metrics", &[("Authorization", &token)], b"");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The value of a sample, by its name and labels as they are written.
fn value(metrics: &str, sample: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.map(|value| value.parse().expect("a number"))
}

#[track_caller]
fn assert_value(metrics: &str, sample: &str, expected: f64) {
    assert_eq!(value(metrics, sample), Some(expected), "{sample} in:\n{metrics}");
}

/// The names of all metrics.
fn names(metrics: &str) -> BTreeSet<&str> {
    let types = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().expect("a name")).collect()
}

/// What `promtool check metrics` complains about.
fn promtool(metrics: &str) -> Option<String> {
    let promtool = tools::find("promtool")?;
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    child.stdin.take().expect("a pipe").write_all(metrics.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    Some(text(&output.stdout) + &text(&output.stderr))
}

#[track_caller]
fn assert_accepted(metrics: &str) {
    if let Some(complaints) = promtool(metrics) {
        assert_eq!(complaints, "", "of:\n{metrics}");
    }
}

#[test]
fn without_a_token_of_its_own_there_are_no_metrics() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    for token in [TOKEN, METRICS_TOKEN, ""] {
        let token = authorization(token);
        let answer = once(server.address, "GET", "/metrics", &[("Authorization", &token)], b"");
        answer.assert_error(404, "not_found");
    }
    once(server.address, "GET", "/metrics", &[], b"").assert_error(404, "not_found");
    server.terminate();
}

#[test]
fn metrics_are_for_their_own_token_alone() {
    let server = TestServer::start();
    let read = |headers: &[(&str, &str)]| once(server.address, "GET", "/metrics", headers, b"");
    for (value, detail) in [
        (None, "Missing Authorization header"),
        (Some("Basic eDp5".to_owned()), "Invalid auth scheme"),
        (Some(authorization(TOKEN)), "Invalid token"),
        (Some(authorization(&METRICS_TOKEN[1..])), "Invalid token"),
    ] {
        let headers: Vec<_> = value.iter().map(|value| ("Authorization", value.as_str())).collect();
        let answer = read(&headers);
        answer.assert_error(401, "unauthorized");
        assert_eq!(answer.json()["detail"], detail);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let answer = read(&[("Authorization", &authorization(METRICS_TOKEN))]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    // It does not open the other door.
    let token = authorization(METRICS_TOKEN);
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let body = lead().to_string();
    once(server.address, "POST", "/inbound/leads", &headers, body.as_bytes())
        .assert_error(401, "unauthorized");
}

#[test]
fn every_outcome_of_a_submission_is_counted_from_zero() {
    let server = TestServer::start();
    let before = scrape(server.address);
    let first = lead();
    let (mut other, mut invalid) = (first.clone(), lead());
    other["message"] = json!("Bonjour, c'est une tout autre demande.");
    invalid["email"] = json!("nobody");
    for (lead, status) in [(&first, 201), (&first, 200), (&other, 409), (&invalid, 422)] {
        assert_eq!(post_lead(server.address, lead).status, status);
    }
    let send = |token: &str, media_type: &str, body: &[u8]| -> Response {
        let token = authorization(token);
        let headers = [("Authorization", token.as_str()), ("Content-Type", media_type)];
        once(server.address, "POST", "/inbound/leads", &headers, body)
    };
    assert_eq!(send("wrong", "application/json", b"{}").status, 401);
    assert_eq!(send(TOKEN, "text/plain", b"{}").status, 415);
    assert_eq!(send(TOKEN, "application/json", b"{").status, 400);
    assert_eq!(send(TOKEN, "application/json", &[b' '; 70_000]).status, 413);
    let after = scrape(server.address);
    for outcome in [
        "stored",
        "replayed",
        "duplicate_request_id",
        "validation_error",
        "unauthorized",
        "unsupported_media_type",
        "invalid_json",
        "payload_too_large",
    ] {
        let sample = format!("fastcore_submissions_total{{outcome=\"{outcome}\"}}");
        assert_value(&before, &sample, 0.0);
        assert_value(&after, &sample, 1.0);
    }
    for outcome in ["unavailable", "timeout", "bad_request", "lead_erased", "internal_error"] {
        assert_value(&after, &format!("fastcore_submissions_total{{outcome=\"{outcome}\"}}"), 0.0);
    }
    let stored =
        "fastcore_http_requests_total{method=\"POST\",route=\"/inbound/leads\",status=\"201\"}";
    assert_value(&after, stored, 1.0);
    let took = "fastcore_http_request_duration_seconds_count{route=\"/inbound/leads\"}";
    assert_value(&after, took, 8.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let last = value(&after, "fastcore_last_lead_timestamp_seconds").expect("a lead");
    assert!((now.as_secs_f64() - last).abs() < 60.0, "{last}");
    assert_eq!(value(&before, "fastcore_last_lead_timestamp_seconds"), None);
    assert_value(
        &after,
        "fastcore_audit_head_row",
        server.number("SELECT max(seq) FROM audit_log") as f64,
    );
    assert_value(&after, "fastcore_healthy", 1.0);
    assert_value(&after, "fastcore_database_readable", 1.0);
    assert_value(&after, "fastcore_warning{code=\"chain_broken\"}", 0.0);
    assert_accepted(&before);
    assert_accepted(&after);
}

#[test]
fn sign_ins_are_counted_by_outcome() {
    let server = TestServer::start();
    let body = json!({"name": "jean", "password": "not the password of jean"}).to_string();
    let headers = [("Content-Type", "application/json"), SAME_ORIGIN];
    let answer = once(server.address, "POST", "/admin/api/session", &headers, body.as_bytes());
    assert_eq!(answer.status, 401, "{answer:?}");
    let metrics = scrape(server.address);
    assert_value(&metrics, "fastcore_sign_ins_total{outcome=\"unauthorized\"}", 1.0);
    assert_value(&metrics, "fastcore_sign_ins_total{outcome=\"signed_in\"}", 0.0);
}

#[test]
fn what_clients_make_up_is_no_label() {
    let server = TestServer::start();
    for at in 0..50 {
        let path = format!("/zyxw{at}@example.com");
        once(server.address, "GET", &path, &[], b"");
        once(server.address, &format!("ZYXW{at}"), "/health", &[], b"");
        once(server.address, "GET", &format!("/admin/api/leads/zyxw{at}"), &[], b"");
    }
    let mut client = Client::connect(server.address);
    client.send("zyxw zyxw zyxw\r\n\r\n");
    client.receive();
    let malformed = "fastcore_http_requests_total{method=\"-\",route=\"-\",status=\"400\"}";
    let is_counted = || value(&scrape(server.address), malformed) == Some(1.0);
    assert!(server.eventually(is_counted));
    let metrics = scrape(server.address);
    assert!(!metrics.to_lowercase().contains("zyxw"), "{metrics}");
    let unknown = "fastcore_http_requests_total{method=\"GET\",route=\"(unknown)\",status=\"404\"}";
    assert_value(&metrics, unknown, 50.0);
    assert_accepted(&metrics);
}

#[test]
fn a_server_that_cannot_store_leads_still_tells_its_metrics() {
    let server = TestServer::start();
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let other = server.sqlite();
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let answers = std::thread::scope(|scope| {
        let waiting: Vec<_> =
            (0..3).map(|_| scope.spawn(|| post_lead(server.address, &lead()).status)).collect();
        let is_unhealthy = || value(&scrape(server.address), "fastcore_healthy") == Some(0.0);
        assert!(wait_until(is_unhealthy));
        let began = Instant::now();
        let metrics = scrape(server.address);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert_value(&metrics, "fastcore_warning{code=\"writer_failing\"}", 1.0);
        assert_value(&metrics, "fastcore_database_readable", 1.0);
        assert_accepted(&metrics);
        other.execute_batch("ROLLBACK").expect("the lock is given back");
        waiting.into_iter().map(|it| it.join().expect("no panic")).collect::<Vec<_>>()
    });
    let metrics = scrape(server.address);
    let stored = answers.iter().filter(|status| **status == 201).count() as f64;
    assert_value(&metrics, "fastcore_submissions_total{outcome=\"stored\"}", 1.0 + stored);
    let refused = "fastcore_submissions_total{outcome=\"unavailable\"}";
    assert_value(&metrics, refused, 3.0 - stored);
}

/// A server that has everything there are metrics of: HTTPS, backups, leads, requests that failed.
fn full_metrics() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    authority.issue(-1, 60).write(folder.path());
    let (certificate, key) = paths(folder.path());
    let mut server = ServeProcess::spawn(
        command(folder.path(), &["serve"])
            .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
            .env("FASTCORE_METRICS_TOKEN", METRICS_TOKEN)
            .env("FASTCORE_TLS_CERT", certificate)
            .env("FASTCORE_TLS_KEY", key)
            .env("FASTCORE_BACKUP_DIR", folder.path().join("backups"))
            .env("FASTCORE_BACKUP_EVERY", "1s"),
    );
    let address = server.address;
    let mut canary = lead();
    canary["meta"]["source"] = json!("canary");
    for lead in [lead(), canary] {
        assert_eq!(authority.connect(address).post_lead(&lead).status, 201);
    }
    // Plaintext where HTTPS is spoken.
    Client::connect(address).try_post_lead(&lead());
    let token = authorization(METRICS_TOKEN);
    let scrape = || {
        let headers = [("Authorization", token.as_str())];
        authority.connect(address).request("GET", "/metrics", &headers, b"").body
    };
    let is_complete = || {
        let metrics = scrape();
        value(&metrics, "fastcore_last_backup_timestamp_seconds").is_some()
            && value(&metrics, "fastcore_chain_valid").is_some()
    };
    assert!(wait_until(is_complete), "{}", scrape());
    let metrics = scrape();
    server.terminate();
    metrics
}

const RULES: &str = include_str!("../../packaging/prometheus/fastcore.rules.yml");
const RULE_TESTS: &str = include_str!("../../packaging/prometheus/fastcore.rules.test.yml");
const DASHBOARD: &str = include_str!("../../packaging/grafana/fastcore.json");

/// The words of a query or a page that begin with this.
fn words<'a>(text: &'a str, beginning: &str) -> BTreeSet<&'a str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with(beginning)).collect()
}

/// The values that a rule compares a label with.
fn compared<'a>(text: &'a str, label: &str) -> BTreeSet<&'a str> {
    let label = format!("{label}=");
    let parts = text.split(&label).skip(1);
    let values = parts.filter_map(|part| part.trim_start_matches('~').split('"').nth(1));
    values.flat_map(|values| values.split('|')).collect()
}

/// Fails unless rules and dashboard ask for what is there: a query for what is not never fires.
fn assert_asked_for(metrics: &str) {
    let samples: BTreeSet<&str> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let queries: Vec<&str> =
        targets.map(|target| target["expr"].as_str().expect("a query")).collect();
    assert!(queries.len() > 20, "{queries:?}");
    for text in queries.into_iter().chain([RULES]) {
        let asked: BTreeSet<&str> =
            ["fastcore_", "process_"].iter().flat_map(|beginning| words(text, beginning)).collect();
        assert!(asked.is_subset(&samples), "{:?}", asked.difference(&samples));
    }
    for label in ["code", "outcome"] {
        for value in compared(RULES, label) {
            let label = format!("{label}=\"{value}\"");
            assert!(metrics.contains(&label), "{label} is in no metric");
        }
    }
}

#[test]
fn each_alert_is_tested_and_documented() {
    let alerts: BTreeSet<&str> =
        RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 20, "{alerts:?}");
    let docs = include_str!("../../docs/operations.md");
    assert_eq!(words(docs, "Fastcore"), alerts, "documented");
    assert_eq!(words(RULE_TESTS, "Fastcore"), alerts, "tested");
    assert_eq!(RULES.matches("runbook: docs/operations.md#alerts").count(), alerts.len());
    let Some(promtool) = tools::find("promtool") else { return };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/prometheus");
    let mut tests = Command::new(promtool);
    tests.args(["test", "rules", "fastcore.rules.test.yml"]).current_dir(folder);
    let output = tests.output().expect("promtool runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Warnings whose rules are about other metrics, such as `fastcore_healthy` and counters.
const OTHERWISE: [&str; 5] = [
    "writer_failing",
    "database_unreadable",
    "token_refused",
    "submissions_refused",
    "log_lines_dropped",
];

#[test]
fn each_metric_is_documented_and_exists() {
    let metrics = full_metrics();
    assert_asked_for(&metrics);
    assert_accepted(&metrics);
    assert_value(&metrics, "fastcore_tls_handshake_failures_total", 1.0);
    assert_value(&metrics, "fastcore_backup_interval_seconds", 1.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let expiry = value(&metrics, "fastcore_certificate_expiry_timestamp_seconds");
    let days = (expiry.expect("a certificate") - now.as_secs_f64()) / 86_400.0;
    assert!((59.0..=60.0).contains(&days), "{days} days");
    for disk in ["database", "backups"] {
        let free = value(&metrics, &format!("fastcore_disk_free_bytes{{disk=\"{disk}\"}}"));
        assert!(free.is_some_and(|free| free > 0.0), "{metrics}");
    }
    let docs = include_str!("../../docs/operations.md");
    let documented =
        docs.lines().filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next());
    let is_metric = |name: &&str| name.starts_with("fastcore_") || name.starts_with("process_");
    let documented: BTreeSet<&str> = documented.filter(is_metric).collect();
    assert_eq!(documented, names(&metrics));
    let codes = compared(&metrics, "code");
    assert!(codes.len() > 10, "{codes:?}");
    for code in codes {
        assert!(docs.contains(&format!("`{code}`")), "{code} is not documented");
        assert!(RULES.contains(code) || OTHERWISE.contains(&code), "{code} alerts nobody");
    }
}

#[test]
fn a_token_for_metrics_that_is_weak_or_the_sites_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = |metrics: &str, listen: &str| {
        let output = command(folder.path(), &["serve"])
            .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
            .env("FASTCORE_METRICS_TOKEN", metrics)
            .env("FASTCORE_LISTEN", listen)
            .env("FASTCORE_ALLOW_PLAINTEXT", "true")
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    for (metrics, listen, cause) in [
        (TOKEN, "127.0.0.1:0", "FASTCORE_METRICS_TOKEN: it is also a token of the site"),
        ("zyxw", "0.0.0.0:0", "FASTCORE_METRICS_TOKEN is shorter than 32 characters"),
        ("two words", "127.0.0.1:0", "FASTCORE_METRICS_TOKEN: its value is not accepted"),
    ] {
        let said = start(metrics, listen);
        assert!(said.contains(cause), "{metrics} on {listen}: {said}");
        assert!(!said.contains(metrics), "{said}");
    }
    assert!(!folder.path().join("fastcore.db").exists(), "nothing was created");
    // The one that is generated at the first start, too.
    ServeProcess::spawn(&mut command(folder.path(), &["serve"])).terminate();
    let mut same = command(folder.path(), &["serve"]);
    same.env("FASTCORE_METRICS_TOKEN_FILE", "fastcore.db.ingest-token");
    let output = same.env("FASTCORE_LISTEN", "127.0.0.1:0").output().expect("it runs");
    assert!(text(&output.stderr).contains("it is also a token of the site"), "{output:?}");
    let shown = command(folder.path(), &["config", "show"])
        .env("FASTCORE_METRICS_TOKEN", METRICS_TOKEN)
        .output()
        .expect("it runs");
    assert!(text(&shown.stdout).contains("FASTCORE_METRICS_TOKEN"));
    assert!(!text(&shown.stdout).contains(METRICS_TOKEN));
}
