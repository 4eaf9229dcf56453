//! The load: keep-alive connections, each of which sends a lead as soon as the last one is answered.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::lead_request::lead_request;
use super::servers::Server;

/// Before the work starts.
const WARM_UP: Duration = Duration::from_millis(500);

/// What one run measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) rate: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// The server's processor time for one lead, in microseconds.
    pub(super) cpu_us: f64,
}

impl Sample {
    /// The run of the median rate.
    pub(super) fn median(samples: &[Self]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        sorted[sorted.len() / 2]
    }
}

/// Sends leads over `connections` connections for `time`.
pub(super) fn drive(server: &Server, connections: usize, time: Duration) -> Sample {
    let cpu = server.cpu_us();
    let (answered, (begin, end)) = drive_during(server, connections, || {
        let begin = Instant::now();
        std::thread::sleep(time);
        (begin, Instant::now())
    });
    let cpu_us = (server.cpu_us() - cpu) / answered.len() as f64;
    let mut waits: Vec<Duration> =
        within(&answered, begin, end).map(|(sent, done)| *done - *sent).collect();
    waits.sort_unstable();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let rate = rate(&answered, begin, end);
    Sample { rate, p50_ms: at(0.5), p99_ms: at(0.99), cpu_us }
}

/// The leads per second before, during and after a backup, with the server driven all the time.
pub(super) fn drive_around_backup(
    server: &Server,
    connections: usize,
    time: Duration,
) -> [(Duration, f64); 3] {
    let (answered, marks) = drive_during(server, connections, || {
        let mut marks = [Instant::now(); 4];
        std::thread::sleep(time);
        marks[1] = Instant::now();
        server.take_backup();
        marks[2] = Instant::now();
        std::thread::sleep(time);
        marks[3] = Instant::now();
        marks
    });
    [0, 1, 2].map(|n| {
        let (begin, end) = (marks[n], marks[n + 1]);
        (end - begin, rate(&answered, begin, end))
    })
}

/// When a request was sent, and when its answer was there.
type Answered = (Instant, Instant);

fn within(answered: &[Answered], begin: Instant, end: Instant) -> impl Iterator<Item = &Answered> {
    answered.iter().filter(move |(sent, done)| *sent >= begin && *done <= end)
}

fn rate(answered: &[Answered], begin: Instant, end: Instant) -> f64 {
    within(answered, begin, end).count() as f64 / (end - begin).as_secs_f64()
}

/// Sends leads over `connections` connections, from a warm-up before `work` until its end.
fn drive_during<T: Send>(
    server: &Server,
    connections: usize,
    work: impl FnOnce() -> T + Send,
) -> (Vec<Answered>, T) {
    let address = server.address;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            std::thread::sleep(WARM_UP);
            // Also after a panic, or the connections would never stop.
            let done = catch_unwind(AssertUnwindSafe(work));
            stop.store(true, Ordering::Relaxed);
            done.unwrap_or_else(|panic| resume_unwind(panic))
        });
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let all = (0..connections).map(|_| connection(address, &stop));
        let answered = runtime.block_on(futures_util::future::join_all(all)).concat();
        (answered, work.join().expect("the work"))
    })
}

async fn connection(address: SocketAddr, stop: &AtomicBool) -> Vec<Answered> {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    stream.set_nodelay(true).expect("no delay");
    let (mut request, id_at) = lead_request();
    let mut answered = Vec::new();
    let mut answer = vec![0; 4096];
    while !stop.load(Ordering::Relaxed) {
        Uuid::new_v4().hyphenated().encode_lower(&mut request[id_at..id_at + 36]);
        let sent = Instant::now();
        stream.write_all(&request).await.expect("the server reads");
        read_answer(&mut stream, &mut answer).await;
        answered.push((sent, Instant::now()));
    }
    answered
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut have = 0;
    loop {
        have += match stream.read(&mut buffer[have..]).await.expect("an answer") {
            0 => panic!("the server closed the connection"),
            n => n,
        };
        let Some(head) = buffer[..have].windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).expect("text");
        assert!(text.starts_with("HTTP/1.1 201"), "{text}");
        let length = text.split("content-length: ").nth(1).expect("a length");
        let length: usize = length.split("\r\n").next().expect("a line").parse().expect("a number");
        if have >= head + 4 + length {
            return;
        }
    }
}
