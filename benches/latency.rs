//! How long one lead takes at a steady rate, compared with what the disk needs for one flush: leads are
//! sent on time whatever became of the ones before, and each is measured from the moment when it was due.
//!
//! `cargo bench --bench latency` prints the percentiles of both, measured in turns on one disk; `-- --rate
//! N`, `--seconds N` and `--rounds N` change what is measured.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark prints, has no settings file, and ends where it fails"
)]

#[path = "support/lead_request.rs"]
mod lead_request;
#[path = "support/serve.rs"]
mod serve;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lead_request::lead_request;
use uuid::Uuid;

/// More than are ever waiting at once.
const CONNECTIONS: u32 = 32;
/// Bytes that one lead adds to the WAL, roughly.
const WAL_BYTES: usize = 32 * 1024;
/// After a burst, the search index follows and the WAL is written back.
const BURST: u32 = 2000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: u32| {
        let at = arguments.iter().position(|a| a == name);
        at.map_or(default, |at| arguments[at + 1].parse().expect(name))
    };
    let (rate, rounds) = (number("--rate", 200), number("--rounds", 3));
    let time = Duration::from_secs(number("--seconds", 20).into());
    let folder = tempfile::Builder::new()
        .prefix("latency-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastcore"));
    let (mut server, address) = serve::start(command.arg("serve"), folder.path());
    let (mut leads, mut flushes) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        flushes.extend(at_rate(rate, time, |turn| flush_in_turn(folder.path(), turn)));
        leads.extend(at_rate(rate, time, |_| client(address)));
    }
    println!("{:<28} {:>8} {:>8} {:>8}", "", "p50 ms", "p99 ms", "max ms");
    let flush = print_percentiles("one flush of the disk", flushes);
    let lead = print_percentiles(&format!("a lead at {rate} per second"), leads);
    println!("a lead's p99 is {:.1} ms more than a flush's", lead - flush);
    print_percentiles("one client after a burst", after_burst(address));
    server.kill().expect("it is ours");
    server.wait().expect("it ends");
}

/// Does something `rate` times per second on time, on many threads. Returns how long after it was due
/// each was done.
fn at_rate<F: FnMut()>(
    rate: u32,
    time: Duration,
    worker: impl Fn(u32) -> F + Sync,
) -> Vec<Duration> {
    let begin = Instant::now() + Duration::from_millis(100);
    let count = u32::try_from(time.as_millis()).expect("a time") * rate / 1000;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|turn| {
                let worker = &worker;
                scope.spawn(move || {
                    let mut work = worker(turn);
                    let mut waits = Vec::new();
                    for n in (turn..count).step_by(CONNECTIONS as usize) {
                        let due = begin + Duration::from_secs(1) * n / rate;
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        work();
                        waits.push(due.elapsed());
                    }
                    waits
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// Appends what a lead appends, and flushes it.
fn flush_in_turn(folder: &Path, turn: u32) -> impl FnMut() {
    let mut file = File::create(folder.join(format!("flush-{turn}"))).expect("a file");
    let bytes = vec![7; WAL_BYTES];
    move || {
        file.write_all(&bytes).expect("it is written");
        file.sync_data().expect("it is flushed");
    }
}

/// A client that posts a lead at each call and reads its answer.
fn client(address: SocketAddr) -> impl FnMut() {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_nodelay(true).expect("no delay");
    let (mut request, id_at) = lead_request();
    move || {
        Uuid::new_v4().hyphenated().encode_lower(&mut request[id_at..id_at + 36]);
        stream.write_all(&request).expect("the server reads");
        read_answer(&mut stream);
    }
}

fn read_answer(stream: &mut TcpStream) {
    let mut answer = vec![0; 4096];
    let mut have = 0;
    // The body is one JSON object, without another inside it.
    while !answer[..have].ends_with(b"}") {
        let read = stream.read(&mut answer[have..]).expect("an answer");
        assert!(read > 0, "the server closed the connection");
        have += read;
    }
    assert!(answer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer[..have]));
}

/// The waits of one client that sends one lead after the other for two seconds after a burst.
fn after_burst(address: SocketAddr) -> Vec<Duration> {
    at_rate(BURST * 2, Duration::from_millis(500), |_| client(address));
    let mut post = client(address);
    let begin = Instant::now();
    let mut waits = Vec::new();
    while begin.elapsed() < Duration::from_secs(2) {
        let sent = Instant::now();
        post();
        waits.push(sent.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    waits
}

/// Prints the percentiles; returns the 99th, in ms.
fn print_percentiles(name: &str, mut waits: Vec<Duration>) -> f64 {
    waits.sort_unstable();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("{name:<28} {:>8.2} {:>8.2} {:>8.2}", at(0.5), at(0.99), at(1.0));
    at(0.99)
}
