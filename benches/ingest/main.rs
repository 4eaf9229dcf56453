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
mod refusals;
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
    with_dead_mail_server(rounds, Duration::from_secs(seconds));
    during_backups(rounds, Duration::from_secs(seconds));
    beside_refusals(rounds, Duration::from_secs(seconds));
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

/// How much slower leads are stored while each is to be announced by a mail server that does not answer.
fn with_dead_mail_server(rounds: u64, time: Duration) {
    let server = Server::start_mailing();
    server.pause();
    let other = Server::start(Kind::FastCore);
    other.pause();
    let (mut with, mut without, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (a, b) = (alone(&other, 64, time), alone(&server, 64, time));
        ratios.push(b.rate / a.rate);
        without.push(a);
        with.push(b);
    }
    ratios.sort_by(f64::total_cmp);
    let (with, without) = (Sample::median(&with), Sample::median(&without));
    println!(
        "with notices to a dead mail server: {:.0} leads/s, {:.2} of {:.0} without ({:.2} to {:.2}); {:.0} us of processor \
         time per lead, {:.0} without; peak memory {:.1} MB, {:.1} without",
        with.rate,
        ratios[ratios.len() / 2],
        without.rate,
        ratios[0],
        ratios[ratios.len() - 1],
        with.cpu_us,
        without.cpu_us,
        server.peak_mb(),
        other.peak_mb(),
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

/// How much longer a lead takes beside a flood of refused submissions than without it. Each round has a new
/// database.
fn beside_refusals(rounds: u64, time: Duration) {
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let server = Server::start(Kind::FastCore);
        let beside = refusals::beside(&server, time);
        let ratio = beside.flooded_p99_ms / beside.calm_p99_ms;
        println!(
            "beside {:.0} refused submissions a second: p99 {:.2} ms, {ratio:.2} of {:.2} without",
            beside.refused_rate, beside.flooded_p99_ms, beside.calm_p99_ms
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("beside refused submissions, in the median: {:.2}", ratios[ratios.len() / 2]);
}

fn argument(arguments: &[String], name: &str) -> Option<String> {
    let at = arguments.iter().position(|a| a == name)?;
    Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{name} needs a value")).clone())
}
