//! The process: shutdown on a signal, what a crash leaves, startup.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Signal, geteuid};
use serde_json::Value;

use super::support::binary::{ServeProcess, command, run, run_to_exit, succeed};
use super::support::http::{Client, once};
use super::support::{TOKEN, lead, tools, wait_until};

/// What the clients of a server saw: each lead that they sent, with its 201's body if it had one.
pub(crate) type Seen = Vec<(Value, Option<String>)>;

/// Posts leads over so many connections for as long as `during` runs, and a little longer.
pub(crate) fn under_load<T>(
    address: SocketAddr,
    connections: usize,
    during: impl FnOnce() -> T,
) -> (T, Seen) {
    under_load_of(address, connections, |_| during())
}

/// [`under_load`] with the number of 201s so far at hand.
fn under_load_of<T>(
    address: SocketAddr,
    connections: usize,
    during: impl FnOnce(&dyn Fn() -> usize) -> T,
) -> (T, Seen) {
    let (seen, done) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let result = std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let end = Instant::now() + Duration::from_secs(120);
                let mut client = Client::try_connect(address);
                while !done.load(Ordering::Relaxed) && Instant::now() < end {
                    let lead = lead();
                    let answer = client.as_mut().and_then(|client| client.try_post_lead(&lead));
                    let created = answer.as_ref().is_some_and(|answer| answer.status == 201);
                    if answer.is_none() {
                        std::thread::sleep(Duration::from_millis(5));
                        client = Client::try_connect(address);
                    }
                    let body = answer.filter(|_| created).map(|answer| answer.body);
                    seen.lock().expect("no panic").push((lead, body));
                }
            });
        }
        let result = during(&|| acknowledged(&seen.lock().expect("no panic")));
        done.store(true, Ordering::Relaxed);
        result
    });
    (result, seen.into_inner().expect("no panic"))
}

/// Asserts that every lead with a 201 is in the file, under the id that the client received,
/// that none is stored twice, and that the log verifies with the receipts.
#[track_caller]
pub(crate) fn assert_kept(folder: &Path, seen: &Seen) {
    let conn = rusqlite::Connection::open(folder.join("fastcore.db")).expect("the database");
    conn.busy_timeout(Duration::from_secs(10)).expect("a timeout");
    let mut statement = conn.prepare("SELECT request_id, id FROM lead_inbox").expect("a query");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    let stored: HashMap<String, String> = rows.map(|row| row.expect("a row")).collect();
    let mut arguments = vec!["audit".to_owned(), "verify".to_owned()];
    for (lead, answer) in seen {
        let Some(answer) = answer else { continue };
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        let id = lead["meta"]["request_id"].as_str().expect("an id");
        assert_eq!(stored.get(id).map(String::as_str), answer["leadId"].as_str(), "lost: {lead}");
        if arguments.len() < 200 {
            arguments.extend(["--receipt".into(), answer["receipt"].as_str().expect("one").into()]);
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    succeed(folder, &arguments);
}

/// Sends everything again: whatever had a 201 is a 200 with the same body now.
#[track_caller]
pub(crate) fn assert_retries(address: SocketAddr, seen: &Seen) {
    let mut client = Client::connect(address);
    for (lead, first) in seen {
        let again = client.post_lead(lead);
        match first {
            Some(first) => assert_eq!((again.status, &again.body), (200, first), "{again:?}"),
            None => assert!([200, 201].contains(&again.status), "{again:?}"),
        }
    }
}

fn acknowledged(seen: &Seen) -> usize {
    seen.iter().filter(|(_, answer)| answer.is_some()).count()
}

fn ends_under_load(signal: Signal) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    // Neither a connection that never spoke nor one that broke off in a body may keep it.
    let _silent = Client::connect(server.address);
    let mut half = Client::connect(server.address);
    half.send("POST /inbound/leads HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    let (took, seen) = under_load_of(server.address, 8, |acknowledged| {
        assert!(wait_until(|| acknowledged() > 20), "there is no load");
        server.signal(signal);
        let began = Instant::now();
        assert!(server.wait().success(), "{:?}", server.log);
        began.elapsed()
    });
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    for suffix in ["-wal", "-shm"] {
        let file = folder.path().join(format!("fastcore.db{suffix}"));
        assert!(!file.exists(), "{} is left", file.display());
    }
    assert_kept(folder.path(), &seen);
    let server = ServeProcess::start(folder.path());
    assert_retries(server.address, &seen);
}

#[test]
fn sigterm_under_load_stops_cleanly_and_keeps_every_acknowledged_lead() {
    ends_under_load(Signal::TERM);
}

#[test]
fn sigint_under_load_stops_cleanly_and_keeps_every_acknowledged_lead() {
    ends_under_load(Signal::INT);
}

#[test]
fn sigkill_under_load_loses_no_acknowledged_lead() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut all = Seen::new();
    for _ in 0..3 {
        // The server itself, and no tool of this test, is the first to open what the crash left.
        let mut server = ServeProcess::start(folder.path());
        assert_kept(folder.path(), &all);
        let ((), seen) = under_load_of(server.address, 8, |acknowledged| {
            assert!(wait_until(|| acknowledged() > 20), "there is no load");
            server.signal(Signal::KILL);
            server.wait();
        });
        all.extend(seen);
    }
    let mut server = ServeProcess::start(folder.path());
    assert_retries(server.address, &all);
    assert_kept(folder.path(), &all);
    server.terminate();
}

#[test]
fn startup_is_fast_and_idle_use_is_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    let mut server = ServeProcess::start(folder.path());
    assert_eq!(once(server.address, "GET", "/health", &[], b"").status, 200);
    let took = began.elapsed();
    println!("from nothing to the first answer: {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    // Without the pages of the binary, of which a debug build has many more than what is installed.
    let Some(kib) = memory(&server, "RssAnon:") else {
        println!("skipped: this system has no /proc to read the memory from");
        return;
    };
    println!("at rest: {kib} KiB");
    assert!(kib < 10 * 1024, "{kib} KiB at rest");
    server.terminate();
}

/// A figure of the process's memory, in KiB.
fn memory(server: &ServeProcess, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).ok()?;
    let line = status.lines().find(|line| line.starts_with(name)).expect("its memory");
    line.split_whitespace().nth(1).expect("a number").parse().ok()
}

/// Each hash takes 19 MiB, which the heap of every thread that made one used to keep.
#[test]
fn concurrent_sign_ins_of_unknown_names_do_not_grow_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let address = server.address;
    let before = memory(&server, "VmRSS:").unwrap_or_default();
    let origin = format!("http://{address}");
    let send = |n: usize| {
        let body = format!(r#"{{"name": "nobody{n}", "password": "correct horse battery"}}"#);
        let headers = [("Host", &origin[7..]), ("Origin", &*origin)];
        let mut text = "POST /admin/api/session HTTP/1.1\r\n".to_owned();
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        text.push_str(&format!(
            "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        let mut client = Client::connect(address);
        client.send(text);
        client
    };
    let mut refused = HashMap::new();
    let mut clients: Vec<Client> = (0..1000).map(send).collect();
    for client in &mut clients {
        *refused.entry(client.receive().expect("an answer").status).or_insert(0) += 1;
    }
    assert_eq!(refused.values().sum::<i32>(), 1000);
    assert!(refused.get(&401).is_some_and(|n| *n >= 16), "some were hashed: {refused:?}");
    let Some(kib) = memory(&server, "VmRSS:") else {
        println!("skipped: this system has no /proc to read the memory from");
        return;
    };
    println!("{refused:?}: {before} KiB, then {kib}, {:?} KiB at most", memory(&server, "VmHWM:"));
    // One hash of 19 MiB, and what a thousand connections need: about 31 MiB.
    assert!(kib - before < 60 * 1024, "{before} KiB, {kib} KiB after {refused:?}");
    server.terminate();
}

#[test]
fn a_second_server_on_one_database_is_refused_and_the_first_continues() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::start(folder.path());
    let second = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(5), "{second:?}");
    assert_eq!(Client::connect(server.address).post_lead(&lead()).status, 201);
    server.terminate();
}

#[test]
fn an_address_that_cannot_be_used_was_refused_without_a_hint() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |program: &[&str], address: &str, hint: &str| {
        let serve = ["serve", "--allow-plaintext", "--listen", address];
        let mut command = match program {
            [] => command(folder.path(), &serve),
            [program, arguments @ ..] => {
                let mut command = std::process::Command::new(program);
                command.args(arguments).arg(env!("CARGO_BIN_EXE_fastcore")).args(serve);
                command.env_clear().current_dir(folder.path());
                command
            }
        };
        command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("LOG_LEVEL", "ERROR");
        let (status, said) = run_to_exit(&mut command);
        assert_eq!(status, 1, "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let named = format!("FASTCORE_LISTEN: cannot listen on {address}: ");
        assert!(said.contains(&named) && said.contains(hint), "{said}");
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    refused(&[], &address.to_string(), &format!("`ss -ltnp sport = :{}`", address.port()));
    refused(&[], "192.0.2.1:8000", "no interface of this machine has it");
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let is_open = first.is_ok_and(|port| port.trim().parse::<u16>().is_ok_and(|port| port <= 80));
    let Some(setpriv) = tools::find("setpriv").filter(|_| !is_open) else { return };
    let setpriv = setpriv.to_str().expect("UTF-8");
    let without = ["--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service"];
    let program =
        if geteuid().is_root() { [&[setpriv][..], &without].concat() } else { Vec::new() };
    refused(&program, "127.0.0.1:80", "CAP_NET_BIND_SERVICE");
}
