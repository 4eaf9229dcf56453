//! Live events: sent as they happen, resumed after a reconnect, ended with the session.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fastcore::clock::Clock;
use fastcore::http::server::Limits;
use serde_json::{Value, json};

use super::support::admin::{
    Browser, SAME_ORIGIN, create_first_account, run_with_input, server_with_account,
};
use super::support::binary;
use super::support::http::{Client, post_lead};
use super::support::lead;
use super::support::server::TestServer;

/// An event as it came.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: i64,
    name: String,
    data: Value,
}

/// Someone who follows.
struct Follower {
    lines: BufReader<TcpStream>,
    headers: BTreeMap<String, String>,
}

impl Follower {
    fn follow(browser: &Browser, query: &str, headers: &str) -> Self {
        let mut client = Client::connect(browser.address);
        let cookie = browser.cookie.as_deref().unwrap_or("none=0");
        client.send(format!(
            "GET /admin/api/events{query} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n{headers}\r\n"
        ));
        let mut lines = BufReader::new(client.stream);
        let mut status = String::new();
        lines.read_line(&mut status).expect("a status");
        assert!(status.contains("200"), "{status}");
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a line");
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_owned(), value.to_owned());
        }
        Self { lines, headers }
    }

    /// The next line of the stream, without the lines that frame its chunks; none at the end.
    fn line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).ok()? == 0 || line == "0\r\n" {
                return None;
            }
            // Chunks end with \r\n; the events' own lines with \n alone.
            if !line.ends_with("\r\n") {
                return Some(line.trim_end().to_owned());
            }
        }
    }

    /// The next event; none when the stream has ended.
    fn next(&mut self) -> Option<Event> {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                Some((name, value)) => drop(fields.insert(name.to_owned(), value.to_owned())),
                None if line.is_empty() && fields.contains_key("data") => break,
                None => fields.clear(),
            }
        }
        Some(Event {
            id: fields["id"].parse().expect("a number"),
            name: fields["event"].clone(),
            data: serde_json::from_str(&fields["data"]).expect("JSON"),
        })
    }

    fn expect(&mut self, name: &str) -> Event {
        let event = self.next().expect("an event");
        assert_eq!(event.name, name, "{event:?}");
        event
    }
}

fn send(server: &TestServer) -> String {
    let answer = post_lead(server.address, &lead());
    answer.json()["leadId"].as_str().expect("an id").to_owned()
}

#[test]
fn a_new_lead_its_status_changes_and_its_erasure_are_sent_as_events() {
    let (server, mut browser) = server_with_account();
    let mut follower = Follower::follow(&browser, "", "");
    assert_eq!(follower.headers["content-type"], "text/event-stream");
    assert_eq!(follower.headers["cache-control"], "no-store");
    assert_eq!(follower.headers["x-accel-buffering"], "no");
    let hello = follower.expect("hello");
    assert_eq!((hello.id, hello.data), (2, json!({"seq": 2})));
    let id = send(&server);
    let reported = follower.expect("lead");
    assert_eq!(reported.id, 3);
    let mut listed = browser.read("/admin/api/leads")["leads"][0].clone();
    // Only a page counts the requests of a person.
    assert_eq!(listed["requests"].take(), json!(1));
    assert_eq!(reported.data, listed, "what the list shows");
    // By another process.
    binary::succeed(server.folder(), &["lead", "set-status", &id, "processing"]);
    let reported = follower.expect("status");
    assert_eq!(reported.data, json!({"id": id, "status": "processing"}));
    browser.read(&format!("/admin/api/leads/{id}"));
    let listed = browser.read("/admin/api/leads")["leads"][0].clone();
    assert_eq!(listed["first_view"]["by"], "staff:jean");
    let reported = follower.expect("viewed");
    assert_eq!(reported.data, json!({"id": id, "view": listed["first_view"]}));
    let conn = server.sqlite();
    conn.execute(
        "INSERT INTO audit_log SELECT seq + 1, 'e' || substr(id, 2), created_at_utc, 'LEAD_ERASED', actor, ?1, NULL, NULL, NULL, hash
         FROM audit_log ORDER BY seq DESC LIMIT 1",
        [&id],
    ).expect("an erasure");
    assert_eq!(follower.expect("erased").data, json!({"id": id}));
}

#[test]
fn a_reconnecting_subscriber_gets_every_event_exactly_once() {
    let (server, browser) = server_with_account();
    let mut follower = Follower::follow(&browser, "", "");
    let mut last = follower.expect("hello").id;
    let mut reported = Vec::new();
    let writing = {
        let address = server.address;
        std::thread::spawn(move || {
            let mut client = Client::connect(address);
            let ids = (0..120).map(|i| {
                std::thread::sleep(Duration::from_millis(if i % 10 == 0 { 40 } else { 2 }));
                client.post_lead(&lead()).json()["leadId"].clone()
            });
            ids.collect::<Vec<Value>>()
        })
    };
    // Comes back again and again, now by the header, now by the address, after a few events.
    let mut round = 0;
    while reported.len() < 120 {
        round += 1;
        for _ in 0..(round % 7) {
            if reported.len() == 120 {
                break;
            }
            let event = follower.expect("lead");
            assert!(event.id > last, "in order: {event:?}");
            last = event.id;
            reported.push(event.data["id"].clone());
        }
        follower = match round % 2 {
            0 => Follower::follow(&browser, "", &format!("Last-Event-ID: {last}\r\n")),
            _ => Follower::follow(&browser, &format!("?after={last}"), ""),
        };
        assert_eq!(
            follower.expect("hello").id,
            last,
            "a break before the first event loses nothing"
        );
    }
    assert_eq!(reported, writing.join().expect("all sent"));
}

#[test]
fn an_invalid_event_id_means_the_end_of_the_log() {
    let (server, browser) = server_with_account();
    send(&server);
    for after in
        ["4", "-1", "99999999999999999999", "x", "", "9223372036854775807", "-9223372036854775808"]
    {
        let mut follower = Follower::follow(&browser, &format!("?after={after}"), "");
        let hello = follower.expect("hello");
        assert_eq!(hello.data, json!({"seq": 3}), "{after}");
    }
    let mut follower = Follower::follow(&browser, "?after=0", "Last-Event-ID: 2\r\n");
    assert_eq!(follower.expect("hello").id, 2, "what the browser itself remembers counts");
    follower.expect("lead");
}

#[test]
fn a_stream_ends_with_its_session() {
    let (_server, mut browser) = server_with_account();
    let mut follower = Follower::follow(&browser, "", "");
    follower.expect("hello");
    assert_eq!(browser.send("DELETE", "/admin/api/session", &[SAME_ORIGIN], b"").status, 204);
    assert_eq!(follower.next(), None);
}

#[test]
fn a_stream_ends_when_its_account_is_removed() {
    let (server, browser) = server_with_account();
    let mut other = Browser::new(server.address);
    super::support::admin::add_account(server.folder(), "paul");
    assert_eq!(other.sign_in("paul", super::support::admin::PASSWORD).status, 200);
    let mut of_paul = Follower::follow(&other, "", "");
    let mut of_jean = Follower::follow(&browser, "", "");
    of_paul.expect("hello");
    of_jean.expect("hello");
    assert!(run_with_input(server.folder(), &["staff", "remove", "paul"], "").status.success());
    assert_eq!(of_paul.next(), None);
    send(&server);
    of_jean.expect("lead");
}

#[test]
fn shutdown_ends_the_streams_at_once() {
    let minute = Duration::from_secs(60);
    let limits = Limits { drain_timeout: minute, ..Limits::default() };
    let mut server = TestServer::with_limits(limits, minute);
    let browser = create_first_account(&server);
    let mut followers: Vec<_> = (0..3).map(|_| Follower::follow(&browser, "", "")).collect();
    for follower in &mut followers {
        follower.expect("hello");
    }
    let began = Instant::now();
    server.stop();
    // A connection that reached the deadline of the drain is cut.
    assert!(began.elapsed() < minute / 2, "{:?}", began.elapsed());
    for follower in &mut followers {
        assert_eq!(follower.next(), None);
    }
}

#[test]
fn a_subscriber_over_the_limit_ends_the_oldest_stream() {
    let (server, browser) = server_with_account();
    let mut followers: Vec<_> = (0..33)
        .map(|_| {
            let mut follower = Follower::follow(&browser, "", "");
            follower.expect("hello");
            follower
        })
        .collect();
    assert_eq!(followers.remove(0).next(), None);
    send(&server);
    for follower in &mut followers {
        follower.expect("lead");
    }
}

#[test]
fn a_quiet_stream_does_not_time_out() {
    let short = Duration::from_millis(300);
    let limits = Limits { write_timeout: short, head_timeout: short, ..Limits::default() };
    let server = TestServer::with_options(limits, Duration::from_secs(8), Clock::system(), None);
    let browser = create_first_account(&server);
    let mut follower = Follower::follow(&browser, "", "");
    follower.expect("hello");
    // Longer than a client may take for a part of its answer, and for its next request.
    std::thread::sleep(short * 4);
    send(&server);
    follower.expect("lead");
}

#[test]
fn a_stream_survives_the_connection_limit() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let server = TestServer::with_options(limits, Duration::from_secs(8), Clock::system(), None);
    let browser = create_first_account(&server);
    let mut follower = Follower::follow(&browser, "", "");
    follower.expect("hello");
    // Each is idle after a request of its own, and so the first to be closed; the stream, which
    // has been there for longer, is not idle.
    let idle: Vec<_> = (0..12)
        .map(|_| {
            let mut client = Client::connect(server.address);
            client.request("GET", "/health", &[], b"");
            client
        })
        .collect();
    send(&server);
    follower.expect("lead");
    drop(idle);
}
