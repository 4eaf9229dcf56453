//! Honest leads beside a flood of refused submissions: how much longer one takes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::lead_request::lead_request;
use super::servers::Server;

/// Connections that send leads, each so often.
const HONEST: usize = 4;
const LEAD_EVERY: Duration = Duration::from_millis(20);
/// Refused submissions a second, over so many connections.
const FLOOD: u64 = 5000;
const FLOODERS: u64 = 16;

/// What one run has measured.
pub(super) struct Beside {
    pub(super) calm_p99_ms: f64,
    pub(super) flooded_p99_ms: f64,
    /// Refusals that were answered in a second.
    pub(super) refused_rate: f64,
}

/// Measures leads for `time` without a flood, then for as long with one.
pub(super) fn beside(server: &Server, time: Duration) -> Beside {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let calm_p99_ms = runtime.block_on(p99_of_leads(server, time));
    let (stop, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    let flooded_p99_ms = runtime.block_on(async {
        let floods = (0..FLOODERS).map(|_| flood(server, &stop, &refused));
        let measured = async {
            let p99 = p99_of_leads(server, time).await;
            stop.store(true, Ordering::Relaxed);
            p99
        };
        tokio::join!(measured, futures_util::future::join_all(floods)).0
    });
    let refused_rate = refused.into_inner() as f64 / time.as_secs_f64();
    Beside { calm_p99_ms, flooded_p99_ms, refused_rate }
}

async fn p99_of_leads(server: &Server, time: Duration) -> f64 {
    let until = Instant::now() + time;
    let all = (0..HONEST).map(|_| async move {
        let mut stream = connect(server).await;
        let (mut request, id_at) = lead_request();
        let mut waits = Vec::new();
        while Instant::now() < until {
            Uuid::new_v4().hyphenated().encode_lower(&mut request[id_at..id_at + 36]);
            let sent = Instant::now();
            assert_eq!(ask(&mut stream, &request).await, "201");
            waits.push(sent.elapsed());
            tokio::time::sleep(LEAD_EVERY).await;
        }
        waits
    });
    let mut waits = futures_util::future::join_all(all).await.concat();
    waits.sort_unstable();
    waits[(waits.len() - 1) * 99 / 100].as_secs_f64() * 1e3
}

/// Sends leads whose time has another name, each with an id of its own, as a site does after an update that went
/// wrong.
async fn flood(server: &Server, stop: &AtomicBool, refused: &AtomicU64) {
    let mut stream = connect(server).await;
    let (request, id_at) = lead_request();
    let text = String::from_utf8(request).expect("text");
    let mut request = text.replace("timestamp_utc", "timestamp_raw").into_bytes();
    let mut pace = tokio::time::interval(Duration::from_secs(1) * FLOODERS as u32 / FLOOD as u32);
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        Uuid::new_v4().hyphenated().encode_lower(&mut request[id_at..id_at + 36]);
        assert_eq!(ask(&mut stream, &request).await, "422");
        refused.fetch_add(1, Ordering::Relaxed);
    }
}

async fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).await.expect("the server accepts");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Sends a request and reads the whole answer; its status.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.expect("the server reads");
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut part).await.expect("an answer") {
            0 => panic!("the server closed the connection"),
            n => answer.extend_from_slice(&part[..n]),
        }
        let Some(head) = answer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&answer[..head]).expect("text");
        let length = text.split("content-length: ").nth(1).expect("a length");
        let length: usize = length.split("\r\n").next().expect("a line").parse().expect("a number");
        if answer.len() >= head + 4 + length {
            return text[9..12].to_owned();
        }
    }
}
