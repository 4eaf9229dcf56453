//! The writer under load: each lead is stored once, and a failed job fails alone.

mod batch;
mod digest;
mod wal;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use super::support::binary::{run, succeed, text};
use super::support::http::{Client, Response, lead_request, once};
use super::support::lead;
use super::support::server::TestServer;

/// Asserts that the log has no gap and that everything in the database fits it.
#[track_caller]
pub(crate) fn assert_sound(database: &Path) {
    let report = fastcore::app::audit::verify(database, &[], &mut |_| {}).expect("a report");
    assert!(report.valid, "{:?}", report.findings);
    let conn = rusqlite::Connection::open(database).expect("the database");
    conn.busy_timeout(Duration::from_secs(10)).expect("a timeout");
    let sql = "SELECT min(seq) = 1 AND max(seq) = count(*) FROM audit_log";
    let whole: bool = conn.query_row(sql, [], |row| row.get(0)).expect(sql);
    assert!(whole, "the log has a gap");
}

/// Sends each body once over so many connections; the answers in the bodies' order.
fn send_all(address: SocketAddr, bodies: &[Value], connections: usize) -> Vec<Response> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(vec![None; bodies.len()]);
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                while let Some(i) = Some(next.fetch_add(1, Ordering::Relaxed))
                    && let Some(body) = bodies.get(i)
                {
                    let answer = client.post_lead(body);
                    answers.lock().expect("no panic")[i] = Some(answer);
                }
            });
        }
    });
    answers.into_inner().expect("no panic").into_iter().map(|a| a.expect("an answer")).collect()
}

#[test]
fn a_thousand_concurrent_submissions_store_each_lead_once() {
    let server = TestServer::start();
    let other = "Un tout autre message, assez long pour être accepté";
    let mut bodies = Vec::new();
    // Of each submission: three the same and, for every second, two with other content.
    for i in 0..250 {
        let first = lead();
        let mut changed = first.clone();
        changed["message"] = json!(other);
        let same = if i % 2 == 0 { 3 } else { 5 };
        bodies.extend(std::iter::repeat_n(first, same));
        bodies.extend(std::iter::repeat_n(changed, 5 - same));
    }
    assert_eq!(bodies.len(), 1250);
    let answers = send_all(server.address, &bodies, 32);

    let mut created: HashMap<&str, String> = HashMap::new();
    for (body, answer) in bodies.iter().zip(&answers) {
        let id = body["meta"]["request_id"].as_str().expect("an id");
        assert!([200, 201, 409].contains(&answer.status), "{answer:?}");
        if answer.status == 201 {
            let twice = created.insert(id, answer.body.clone());
            assert!(twice.is_none(), "{id} was made twice");
        }
    }
    assert_eq!(created.len(), 250);
    for (body, answer) in bodies.iter().zip(&answers) {
        let id = body["meta"]["request_id"].as_str().expect("an id");
        if answer.status == 200 {
            assert_eq!(answer.body, created[id], "a retry is answered as the first time");
        }
    }
    let counted = |event: &str| {
        server.number(&format!("SELECT count(*) FROM audit_log WHERE event = '{event}'"))
    };
    let answered = |status: u16| answers.iter().filter(|a| a.status == status).count() as i64;
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 250);
    assert_eq!(counted("LEAD_RECEIVED"), 250);
    assert_eq!(counted("LEAD_DUPLICATE"), answered(200));
    assert_eq!(counted("LEAD_CONFLICT"), answered(409));
    assert_sound(&server.database());
}

/// More than the queue takes, all at once, while another process has locked the database.
#[test]
fn a_flood_during_a_database_lock_is_refused_and_recovers() {
    // A client and the server for each connection, in one process.
    let hard = getrlimit(Resource::Nofile).maximum;
    if hard.is_some_and(|most| most < 4096) {
        println!("skipped: this process may open {hard:?} files, and the flood needs more");
        return;
    }
    setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }).expect("a limit");
    let server = TestServer::start();
    let outside = server.sqlite();
    outside.execute_batch("BEGIN IMMEDIATE").expect("the lock");

    let bodies: Vec<Value> = (0..1300).map(|_| lead()).collect();
    let mut clients: Vec<Client> = bodies.iter().map(|_| Client::connect(server.address)).collect();
    for (client, body) in clients.iter_mut().zip(&bodies) {
        client.send(lead_request(body.to_string().as_bytes()));
    }
    let health = || once(server.address, "GET", "/health", &[], b"");
    assert!(server.eventually(|| health().status == 503), "health hides it");
    assert_eq!(health().json()["status"], "unavailable");
    drop(outside);

    let answers: Vec<Response> =
        clients.iter_mut().map(|client| client.receive().expect("an answer")).collect();
    let mut refused = HashSet::new();
    for (body, answer) in bodies.iter().zip(&answers) {
        if answer.status != 201 {
            answer.assert_error(503, "unavailable");
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
            refused.insert(body["meta"]["request_id"].as_str().expect("an id"));
        }
    }
    let full = answers.iter().filter(|a| a.body.contains("too many leads")).count();
    assert!(full > 0, "the queue was never full");
    let stored = || server.number("SELECT count(*) FROM lead_inbox");
    assert_eq!(stored(), (bodies.len() - refused.len()) as i64, "a 503 stored something");
    assert!(server.eventually(|| health().status == 200), "it does not recover");

    // Everybody tries again, also those who had their answer.
    for (body, answer) in bodies.iter().zip(send_all(server.address, &bodies, 16)) {
        let id = body["meta"]["request_id"].as_str().expect("an id");
        assert_eq!(answer.status, if refused.contains(id) { 201 } else { 200 }, "{answer:?}");
    }
    assert_eq!(stored(), bodies.len() as i64);
    assert_sound(&server.database());
}

#[test]
fn commands_write_while_a_server_is_busy_and_the_chain_stays_valid() {
    let server = TestServer::start();
    let first: Vec<Value> = (0..10).map(|_| lead()).collect();
    let ids: Vec<String> = send_all(server.address, &first, 4)
        .iter()
        .map(|answer| answer.json()["leadId"].as_str().expect("an id").to_owned())
        .collect();
    let database = server.database();
    let database = ["--database-url", text(&database)];
    let done = AtomicBool::new(false);
    let posted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Client::connect(server.address);
                // A bound of its own, should the commands hang.
                let end = Instant::now() + Duration::from_secs(30);
                while !done.load(Ordering::Relaxed) && Instant::now() < end {
                    assert_eq!(client.post_lead(&lead()).status, 201);
                    posted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut failed = Vec::new();
        for id in &ids {
            for arguments in [
                ["lead", "set-status", id, "processing"].as_slice(),
                &["export", "leads", "--format", "jsonl", "-o", "leads.jsonl"],
            ] {
                let output = run(server.folder(), &[arguments, &database].concat());
                if !output.status.success() {
                    failed.push(String::from_utf8_lossy(&output.stderr).into_owned());
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(failed.is_empty(), "{failed:?}");
    });
    let posted = posted.load(Ordering::Relaxed);
    assert!(posted > 0, "there was no load");
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), (posted + 10) as i64);
    let counted = |event: &str| {
        server.number(&format!("SELECT count(*) FROM audit_log WHERE event = '{event}'"))
    };
    assert_eq!((counted("LEAD_PROCESSED"), counted("LEADS_EXPORTED")), (10, 10));
    assert_sound(&server.database());
    succeed(server.folder(), &[["audit", "verify"].as_slice(), &database].concat());
}
