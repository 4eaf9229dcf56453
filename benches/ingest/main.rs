//! Leads per second, and the time that one takes: the real server compared with two others that use
//! the same HTTP server, in one run on one machine.
//!
//! * `fastcore`: the built binary as an operator runs it, `synchronous=FULL`.
//! * `nothing`: one handler that parses the lead and stores nothing; the ceiling of HTTP alone.
//! * `ordinary`: the same handler and FASTCore's schema with one transaction per request, a pool of
//!   connections and SQLite's own checkpoints; how such a service is usually written.
//!
//! `cargo bench --bench ingest` prints a table; `-- --seconds N`, `--rounds N` and
//! `--connections 1,64` change what is measured. Compare the ratios: single figures are the machine's.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark prints, has no settings file, and ends where it fails"
)]

mod client;
mod comparison;
#[path = "../support/lead_request.rs"]
mod lead_request;
mod ordinary;
#[path = "../support/serve.rs"]
mod serve;
mod servers;

use std::time::Duration;

use client::Sample;
use servers::{Kind, Server};

/// How long leads are sent before a backup.
const FILL: Duration = Duration::from_secs(20);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(role) = argument(&arguments, "--serve") {
        return comparison::run(&role);
    }
    let number =
        |name, default| argument(&arguments, name).map_or(default, |n| n.parse().expect(name));
    let seconds = number("--seconds", 4);
    let rounds = number("--rounds", 3);
    let connections = argument(&arguments, "--connections").unwrap_or("1,16,64,256".to_owned());
    let connections: Vec<usize> =
        connections.split(',').map(|n| n.parse().expect("--connections")).collect();
    let servers = [Kind::FastCore, Kind::Nothing, Kind::Ordinary].map(Server::start);
    servers.iter().for_each(Server::pause);
    println!(
        "{:>5}  {:<9} {:>9} {:>9} {:>9} {:>9}  {:>11}",
        "conns", "server", "leads/s", "p50 ms", "p99 ms", "cpu us", "fastcore is"
    );
    for connections in connections {
        let mut samples: [Vec<Sample>; 3] = Default::default();
        for _ in 0..rounds {
            for (server, samples) in servers.iter().zip(&mut samples) {
                samples.push(alone(server, connections, Duration::from_secs(seconds)));
            }
        }
        let medians = samples.map(|s| Sample::median(&s));
        for (server, sample) in servers.iter().zip(&medians) {
            let ratio = medians[0].rate / sample.rate;
            println!(
                "{connections:>5}  {:<9} {:>9.0} {:>9.2} {:>9.2} {:>9.1}  {ratio:>10.2}x",
                server.kind.name(),
                sample.rate,
                sample.p50_ms,
                sample.p99_ms,
                sample.cpu_us
            );
        }
    }
    for server in &servers {
        println!("peak memory of {}: {:.1} MB", server.kind.name(), server.peak_mb());
    }
    with_index(rounds, Duration::from_secs(seconds));
    during_backups(rounds, Duration::from_secs(seconds));
    let bare = ordinary::bare_commit_ms();
    println!("one insert and commit on the bare database: p50 {bare:.3} ms");
}

/// Measures a server while the others are paused, so that their remaining work is not counted.
fn alone(server: &Server, connections: usize, time: Duration) -> Sample {
    server.resume();
    let sample = client::drive(server, connections, time);
    server.pause();
    sample
}

/// How much slower leads are stored while the search index follows.
fn with_index(rounds: u64, time: Duration) {
    let server = Server::start(Kind::FastCore);
    server.pause();
    let other = Server::start(Kind::FastCore).without_index();
    other.pause();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        without.push(alone(&other, 64, time));
        with.push(alone(&server, 64, time));
    }
    let (with, without) = (Sample::median(&with), Sample::median(&without));
    println!(
        "with the search index: {:.0} leads/s, {:.2} of {:.0} without",
        with.rate,
        with.rate / without.rate,
        without.rate
    );
}

/// How much slower leads are stored during a backup than before and after it. Each round has a new
/// database, since leads are sent during the backup.
fn during_backups(rounds: u64, time: Duration) {
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let server = Server::start(Kind::FastCore);
        client::drive(&server, 64, FILL);
        let [before, during, after] = client::drive_around_backup(&server, 64, time);
        let without = f64::midpoint(before.1, after.1);
        let ratio = during.1 / without;
        println!(
            "while a backup is taken ({:.0} MB in {:.1} s): {:.0} leads/s, {ratio:.2} of {without:.0} without",
            server.backup_mb(),
            during.0.as_secs_f64(),
            during.1,
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("while a backup is taken, in the median: {:.2}", ratios[ratios.len() / 2]);
}

fn argument(arguments: &[String], name: &str) -> Option<String> {
    let at = arguments.iter().position(|a| a == name)?;
    Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{name} needs a value")).clone())
}
