//! How long the server takes for a page of the inbox, with any filter and any search, for a lead that is opened and for
//! the figures, with very many leads and while leads arrive: the built binary, over HTTP.
//!
//! `cargo bench --bench inbox` creates a database of 1,000,000 leads, which takes minutes and is kept
//! in `target/` for the next run, and prints milliseconds per kind of query. `-- --leads N` makes it
//! smaller, `--unopened N` sets how many of 1,000 nobody has opened, `--rate N` how many leads per second arrive
//! meanwhile. `times health` is the median
//! divided by that of `GET /health` in the same run, which does not use the database.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark prints, has no settings file, and ends where it fails"
)]

mod client;
mod fill;
#[path = "../support/serve.rs"]
mod serve;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::Client;

const PASSWORD: &str = "a password for a benchmark";

/// The queries by kind; several of each, so that none is measured alone.
const QUERIES: [(&str, &[&str]); 23] = [
    ("first page", &[""]),
    ("by status", &["status=received", "status=processing", "status=resolved", "status=archived"]),
    ("by service", &["service=ponts", "service=cabines", "service=compresseurs", "service=autre"]),
    ("status and service", &["status=processing&service=ponts", "status=received&service=autre"]),
    ("not opened", &["opened=false", "opened=false&service=ponts"]),
    ("not opened and status", &["opened=false&status=received", "opened=false&status=archived"]),
    (
        "not opened and word",
        &["opened=false&q=compresseur", "opened=false&q=lef%C3%A8vre&status=archived"],
    ),
    (
        "oldest first",
        &["order=oldest", "order=oldest&status=received", "order=oldest&q=pont&opened=false"],
    ),
    ("common word", &["q=compresseur", "q=bonjour", "q=maintenance", "q=%C3%A9lectrique"]),
    ("beginning of a word", &["q=c", "q=compres", "q=mai", "q=var", "q=cord", "q=cherch"]),
    ("name", &["q=lef%C3%A8vre", "q=guerin%20zoe", "q=dubois", "q=anais%20petit"]),
    (
        "one person",
        &["q=atelier-31234", "q=contact7%20atelier%20777", "q=33612345", "q=reference%20123456"],
    ),
    ("person with many", &["q=habitue"]),
    ("nothing found", &["q=introuvable", "q=zzz", "q=compresseurzzz", "q=lefevre%20zzz"]),
    ("two words", &["q=compresseur%20lefevre", "q=pont%20vendredi", "q=cabines%20remplacer"]),
    (
        "word and filter",
        &["q=compresseur&status=received", "q=pont&service=ponts&status=processing"],
    ),
    (
        "phone number",
        &["q=0612345678", "q=%2B33%206%2011%2022%2033%2044", "q=06%2012%2034%2056%2078"],
    ),
    ("part of a number", &["q=06", "q=0612", "q=06%2012%203", "q=5678", "q=456789", "q=12%2034"]),
    ("id", &["q=0198a6f2", "q=9e107d9d-372b-4b81-8f3a-5d2c61f0aa11", "q=deadbeef"]),
    ("misspelt word", &["q=compreseur", "q=lefebre", "q=electrqiue", "q=maintenace%20guerin"]),
    (
        "Japanese, signs",
        &["q=%E5%A4%AA%E9%83%8E", "q=%F0%9F%91%8D", "q=%E5%B1%B1%E7%94%B0%E5%A4%AA%E9%83%8E"],
    ),
    ("service's name", &["q=compressors", "q=spray%20booths", "q=cabines", "q=ponts%20vendredi"]),
    ("period", &["since=2026-01-01", "since=2026-01-01&q=devis", "until=2030-01-01&service=ponts"]),
];

/// Lists from which leads are opened: the server finds their neighbours in them, and the person's other requests.
const OPENED_FROM: [&str; 4] =
    ["", "status=processing&service=ponts", "opened=false&order=oldest", "since=2026-01-01"];
/// The figures, with the time before.
const FIGURES: [(&str, i64, &str); 3] = [
    ("figures, 7 days", 7, "day"),
    ("figures, 30 days", 30, "day"),
    ("figures, a year", 365, "week"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name, default| {
        let at = arguments.iter().position(|a| a == name);
        at.map_or(default, |at| arguments[at + 1].parse().expect(name))
    };
    let (leads, rate, times) =
        (number("--leads", 1_000_000), number("--rate", 100), number("--times", 40));
    let unopened = number("--unopened", 1);
    let folder = format!("inbox-{leads}-{unopened}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let database = folder.join("fastcore.db");
    if !folder.join("filled").exists() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let began = Instant::now();
        fill::fill(&database, leads, unopened);
        eprintln!("filled in {:.0} s", began.elapsed().as_secs_f64());
        add_account(&folder);
        std::fs::write(folder.join("filled"), "").expect("a mark");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastcore"));
    let (mut server, address) = serve::start(command.arg("serve"), &folder);
    let stop = AtomicBool::new(false);
    let (sent, next) = (AtomicU64::new(0), leads + u64::from(std::process::id()) * 1_000_000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut site = Client::connect(address);
            let pause = Duration::from_secs(1) / u32::try_from(rate).expect("a rate");
            while !stop.load(Ordering::Relaxed) {
                let n = next + sent.fetch_add(1, Ordering::Relaxed);
                let status = site.post_lead(serve::TOKEN, &fill::lead(n)).status;
                assert_eq!(status, 201);
                std::thread::sleep(pause);
            }
        });
        ask(address, times);
        stop.store(true, Ordering::Relaxed);
    });
    println!("{} leads arrived meanwhile", sent.load(Ordering::Relaxed));
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap_or_default();
    let peak = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    println!(
        "{peak}, database {} MB",
        std::fs::metadata(&database).expect("a file").len() / 1_000_000
    );
    server.kill().expect("the end");
    server.wait().expect("the end");
}

fn ask(address: SocketAddr, times: u64) {
    let mut page = Client::connect(address);
    page.sign_in("bench", PASSWORD);
    let mut opened = Vec::new();
    for query in OPENED_FROM {
        let leads: serde_json::Value =
            serde_json::from_slice(&page.list(query).body).expect("JSON");
        let ids =
            leads["leads"].as_array().expect("a list").iter().filter_map(|l| l["id"].as_str());
        opened.extend(ids.map(|id| format!("/admin/api/leads/{id}?{query}")));
    }
    let mut measure = |ask: &dyn Fn(&mut Client, &str) -> u16, queries: &[&str], times: u64| {
        let mut took: Vec<f64> = Vec::new();
        let mut slowest = (0.0, String::new());
        for n in 0..times {
            let query = queries[usize::try_from(n).expect("small") % queries.len()];
            let began = Instant::now();
            let status = ask(&mut page, query);
            let ms = began.elapsed().as_secs_f64() * 1e3;
            assert_eq!(status, 200, "{query}");
            if ms > slowest.0 {
                slowest = (ms, query.to_owned());
            }
            took.push(ms);
        }
        took.sort_by(f64::total_cmp);
        let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
        (at(0.5), at(0.95), slowest)
    };
    let (health, ..) = measure(&|page, path| page.get(path).status, &["/health"], 3 * times);
    println!(
        "{:<20} {:>9} {:>9} {:>9}  {:>12}  slowest",
        "query", "p50 ms", "p95 ms", "max ms", "times health"
    );
    let print = |kind: &str, (p50, p95, (max, query)): (f64, f64, (f64, String))| {
        println!("{kind:<20} {p50:>9.2} {p95:>9.2} {max:>9.2}  {:>11.1}x  {query}", p50 / health);
    };
    for (kind, queries) in QUERIES {
        print(kind, measure(&|page, query| page.list(query).status, queries, 3 * times));
    }
    let opened: Vec<&str> = opened.iter().map(String::as_str).collect();
    print("a lead opened", measure(&|page, path| page.get(path).status, &opened, 3 * times));
    for (kind, days, bucket) in FIGURES {
        let since = chrono::Utc::now() - chrono::TimeDelta::days(days);
        let path =
            format!("/admin/api/stats?by={bucket}&since={}", since.format("%Y-%m-%dT00:00:00Z"));
        print(kind, measure(&|page, path| page.get(path).status, &[&path], times.div_ceil(4)));
    }
}

/// Adds the account of the benchmark.
fn add_account(folder: &Path) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fastcore"))
        .args(["staff", "add", "bench", "--password-stdin", "--without-totp"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{PASSWORD}").expect("written");
    drop(stdin);
    assert!(child.wait().expect("the end").success());
}
