//! How much is kept of what is refused, and for how long.

use serde_json::{Value, json};

use super::refused::{KEPT, count, post_json};
use super::support::TOKEN;
use super::support::admin::{self, Browser, PASSWORD};
use super::support::binary::{ServeProcess, command, run, succeed};
use super::support::http::Client;
use super::support::server::TestServer;

/// Adds rows that are older than any other; `size` is SQL for that of the `i`-th youngest.
fn fill(server: &TestServer, rows: usize, size: &str) {
    let sql = format!(
        "PRAGMA foreign_keys = OFF;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO refused_submission (audit_seq, id, received_at_utc, status_code, faults_json, size,
                                         fingerprint, last_at_utc)
         SELECT -i, printf('%036d', i), '2026-01-01T00:00:00.000000Z', 422, '[]', {size},
                randomblob(32), '2026-01-01T00:00:00.000000Z' FROM n"
    );
    server.sqlite().execute_batch(&sql).expect("filled");
}

#[test]
fn a_full_table_loses_its_oldest_rows_and_says_so() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    assert_eq!(post_json(&mut client, b"{}").status, 422);
    fill(&server, 10_005, "0");
    assert_eq!(server.number(KEPT), 10_006);
    assert_eq!(post_json(&mut client, b"{\"a\": 1}").status, 422);
    assert_eq!(server.number(KEPT), 10_000);
    assert_eq!(server.number("SELECT min(audit_seq) FROM refused_submission"), -9_998);
    let evicted = "SELECT evicted FROM refused_total WHERE evicted_at_utc IS NOT NULL";
    assert_eq!(server.number(evicted), 7);
    let checked = run(server.folder(), &["check"]);
    let said = String::from_utf8(checked.stdout).expect("text");
    assert!(said.contains("removed before their time"), "{said}");
}

#[test]
fn many_small_rows_kept_the_table_above_its_limit() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    fill(&server, 1324, "iif(i > 1024, 9, 65536)");
    assert_eq!(post_json(&mut client, &vec![b'x'; 60_000]).status, 400);
    let bytes = server.number("SELECT kept_bytes FROM refused_total");
    assert!(bytes <= 64 << 20, "{bytes} bytes are kept");
}

#[test]
fn what_is_sent_again_was_removed_by_the_age_of_its_first_arrival() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    succeed(folder, &["migrate"]);
    let conn = rusqlite::Connection::open(folder.join("fastcore.db")).expect("the database");
    conn.execute_batch(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO refused_submission (audit_seq, id, received_at_utc, status_code, faults_json, size,
                                         fingerprint, last_at_utc)
         SELECT value, printf('%036d', value), '2026-01-01T00:00:00.000000Z', 422, '[]', 0, randomblob(32),
                iif(value = 1, '2026-01-02T00:00:00.000000Z', strftime('%Y-%m-%dT%H:%M:%S.000000Z'))
         FROM json_each('[1, 2]')",
    )
    .expect("two rows");
    succeed(folder, &["refused", "purge", "--older-than", "1d", "--yes"]);
    assert_eq!(count(folder, "SELECT sum(audit_seq) FROM refused_submission"), 2);
}

#[test]
fn a_flood_is_counted_and_does_not_fill_the_audit_log() {
    let server = TestServer::start();
    let mut client = Client::connect(server.address);
    let (mut kept, begin) = (0, std::time::Instant::now());
    for n in 0..900 {
        let answer = post_json(&mut client, format!("{{\"n\": {n}}}").as_bytes());
        assert_eq!(answer.status, 422);
        kept += i64::from(answer.json()["kept"] == json!(true));
    }
    // On a slow machine, 50 a second may be all of them.
    let most = 400 + (begin.elapsed().as_secs_f64() * 50.0) as i64 + 1;
    assert!(kept >= 400 && kept <= most, "{kept} of {most}");
    assert_eq!(server.number(KEPT), kept);
    let rejected = "SELECT count(*) FROM audit_log WHERE event = 'LEAD_REJECTED'";
    assert_eq!(server.number(rejected), kept);
    let counted = || server.number("SELECT over_budget FROM refused_total") == 900 - kept;
    assert!(server.eventually(counted), "what was not kept is counted");
    admin::add_account(server.folder(), "jean");
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    let mut status = || browser.read("/admin/api/status")["warnings"].to_string();
    let is_told = || status().contains("900 in the last 24 hours");
    assert!(server.eventually(is_told), "the warning leaves some out");
}

#[test]
fn a_count_that_ended_at_its_limit_was_told_as_exact() {
    let server = TestServer::start();
    admin::add_account(server.folder(), "jean");
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    assert_eq!(post_json(&mut Client::connect(server.address), b"{}").status, 422);
    let more = |rows: usize| {
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO audit_log SELECT head.seq + i, printf('%036d', head.seq + i), head.created_at_utc,
                                          'LEAD_REJECTED', head.actor, NULL, NULL, 422, NULL, head.hash
             FROM n, (SELECT * FROM audit_log ORDER BY seq DESC LIMIT 1) AS head"
        );
        server.sqlite().execute_batch(&sql).expect("rows");
    };
    let mut told = |text: &str| {
        let is_told = || browser.read("/admin/api/status")["warnings"].to_string().contains(text);
        assert!(server.eventually(is_told), "{text}");
    };
    more(998);
    told("\"999 in the last 24 hours");
    more(1);
    told("\"At least 1000 in the last 24 hours");
}

#[test]
fn with_a_retention_of_zero_nothing_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut serve = command(folder.path(), &["serve", "--refused-retention", "0"]);
    serve.env("FASTCORE_LISTEN", "127.0.0.1:0").env("FASTCORE_SITE_INGEST_TOKEN", TOKEN);
    let mut served = ServeProcess::spawn(&mut serve);
    let mut client = Client::connect(served.address);
    let answer = post_json(&mut client, b"{}");
    assert_eq!((answer.status, &answer.json()["kept"]), (422, &Value::Null));
    served.terminate();
    assert_eq!(count(folder.path(), KEPT), 0);
    let rejected = "SELECT count(*) FROM audit_log WHERE event = 'LEAD_REJECTED'";
    assert_eq!(count(folder.path(), rejected), 1);
}
