//! Receivers that fail at one notice, at all, or in ways that once held up a channel.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use rusqlite::Connection;

use super::alerts::{MovedClock, folder, start};
use super::notices::{announced, hooks, mailing, serve_with_hook, store};
use super::support::binary::ServeProcess;
use super::support::http::post_lead;
use super::support::receivers::{HookAnswer, HookReceiver, OK, SmtpAnswer, SmtpReceiver};
use super::support::server::TestServer;
use super::support::tls::{Authority, server_config};
use super::support::{lead, wait_until};

const SENT: &str = "SELECT count(*) FROM notice WHERE state = 'sent'";
const PENDING: &str = "SELECT count(*) FROM notice WHERE state = 'pending'";

/// A receiver that answers like this to the first notice that it gets, whenever it comes, and takes all others.
fn failing_at_the_first(status: u16) -> HookReceiver {
    let mut first = None::<String>;
    HookReceiver::start(move |request| {
        let id = first.get_or_insert_with(|| request.id().to_owned());
        if id == request.id() { HookAnswer::Status(status, "") } else { OK }
    })
}

#[test]
fn a_notice_on_which_the_receiver_fails_held_up_every_other() {
    let receiver = failing_at_the_first(500);
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    for sent in 1..=4 {
        store(&server, &lead());
        if sent > 1 {
            assert!(
                server.eventually(|| server.number(SENT) == sent - 1),
                "{}",
                server.number(SENT)
            );
        }
    }
    assert_eq!(server.number(PENDING), 1);
}

/// What it fails at may be more than one: the alerts that began and ended.
#[test]
fn two_notices_on_which_the_receiver_fails_held_up_every_other() {
    let failing = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&failing);
    let receiver = HookReceiver::start(move |request| {
        let mut failing = seen.lock().expect("no panic");
        if failing.len() < 2 {
            failing.insert(request.id().to_owned());
        }
        if failing.contains(request.id()) { HookAnswer::Status(403, "") } else { OK }
    });
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    for _ in 0..2 {
        store(&server, &lead());
    }
    assert!(server.eventually(|| failing.lock().expect("no panic").len() == 2));
    for _ in 0..3 {
        store(&server, &lead());
    }
    let all = || server.number(SENT) == 3;
    assert!(wait_until(all), "{}", server.number(SENT));
    assert_eq!(server.number(PENDING), 2);
}

#[test]
fn a_refused_notice_and_one_hiccup_held_up_every_other() {
    let (mut first, mut has_failed) = (None::<String>, false);
    let receiver = HookReceiver::start(move |request| {
        let id = first.get_or_insert_with(|| request.id().to_owned());
        if id == request.id() {
            return HookAnswer::Status(422, "");
        }
        if std::mem::replace(&mut has_failed, true) { OK } else { HookAnswer::Close }
    });
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    for _ in 0..4 {
        store(&server, &lead());
    }
    assert!(server.eventually(|| server.number(SENT) == 3), "{}", server.number(SENT));
    assert_eq!(server.number(PENDING), 1);
}

#[test]
fn a_mail_server_that_says_nothing_to_quit_got_the_mail_again() {
    let mails =
        SmtpReceiver::start(|command| command.starts_with("QUIT").then_some(SmtpAnswer::Silence));
    let server = TestServer::with_notices(mailing(&mails, &[]));
    store(&server, &lead());
    assert!(server.eventually(|| server.number(SENT) == 1));
    assert_eq!(server.number("SELECT attempts FROM notice"), 1);
    assert_eq!(mails.received().len(), 1);
}

#[test]
fn a_login_that_is_refused_was_tried_by_each_notice() {
    let receiver = HookReceiver::start(|_| HookAnswer::Status(401, ""));
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    for _ in 0..10 {
        store(&server, &lead());
    }
    assert!(server.eventually(|| receiver.received().len() >= 5));
    assert!(server.number(PENDING) <= 2, "{}", server.number(PENDING));
    let ids: BTreeSet<String> = receiver.received().iter().map(|r| r.id().to_owned()).collect();
    assert!(ids.len() <= 2, "{ids:?}");
    receiver.set_rule(|_| OK);
    assert!(server.eventually(|| server.number(SENT) == 10));
}

/// rustls names each host of a certificate that is for others.
#[test]
fn an_error_that_was_too_long_to_be_recorded_was_tried_again_every_five_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let label = "a".repeat(63);
    let host = format!("{label}.{label}.{label}.example.com");
    let authority = Authority::new();
    authority.issue_for(&host, -1, 30).write(folder.path());
    let root = folder.path().join("root.pem");
    std::fs::write(&root, authority.root_pem()).expect("written");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://localhost:{}/hook", listener.local_addr().expect("bound").port());
    let config = Arc::new(server_config(folder.path()));
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config));
            let _ = connection.expect("TLS").complete_io(&mut stream);
        }
    });
    let receiver = HookReceiver::start(|_| OK);
    let mut serve = serve_with_hook(folder.path(), &receiver);
    serve.env("FASTCORE_NOTIFY_WEBHOOK", url).env("SSL_CERT_FILE", root);
    let mut server = ServeProcess::spawn(&mut serve);
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let database = Connection::open(folder.path().join("fastcore.db")).expect("a database");
    let error = || {
        let sql = "SELECT last_error FROM notice WHERE attempts > 0";
        database.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap_or_default()
    };
    assert!(wait_until(|| !error().is_empty()));
    let error = error();
    assert!(error.contains("certificate") && error.chars().count() == 300, "{error}");
    server.terminate();
}

#[test]
fn a_receiver_whose_address_was_mended_never_heard_of_the_leads_of_the_outage() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("fastcore.db");
    let database = || Connection::open(&database).expect("a database");
    let wrong = HookReceiver::start(|_| OK);
    let mut server = ServeProcess::spawn(&mut serve_with_hook(folder.path(), &wrong));
    let post = |server: &ServeProcess| {
        let id = post_lead(server.address, &lead()).json()["leadId"].clone();
        id.as_str().expect("an id").to_owned()
    };
    let mut stored = vec![post(&server)];
    let is_sent = || database().query_row(SENT, [], |row| row.get::<_, i64>(0)) == Ok(1);
    assert!(wait_until(is_sent));
    wrong.set_rule(|_| HookAnswer::Status(404, ""));
    for _ in 0..4 {
        stored.push(post(&server));
    }
    assert!(wait_until(|| wrong.received().len() >= 2));
    server.terminate();
    let mended = HookReceiver::start(|_| OK);
    let mut server = ServeProcess::spawn(&mut serve_with_hook(folder.path(), &mended));
    assert!(wait_until(|| announced(&mended).len() == 4));
    stored.push(post(&server));
    assert!(wait_until(|| announced(&mended).len() == 5));
    // Each once, and nothing that the former one has announced.
    assert_eq!(announced(&mended), stored[1..]);
    let sql = "SELECT count(*) FROM audit_log WHERE event = 'NOTICE_GIVEN_UP'";
    assert_eq!(database().query_row(sql, [], |row| row.get::<_, i64>(0)), Ok(0));
    server.terminate();
}

#[test]
fn a_mended_receiver_is_not_told_what_was_given_up_more_than_a_week_ago() {
    for (days, expected) in [(6, 2), (8, 1)] {
        let (wrong, mended) =
            (HookReceiver::start(|_| HookAnswer::Status(500, "")), HookReceiver::start(|_| OK));
        let clock = MovedClock::default();
        let mut settings = hooks(&wrong.url(), &[]);
        settings.timing.give_up_after = TimeDelta::zero();
        settings.timing.first_backoff = TimeDelta::milliseconds(5);
        let server = start(folder(), &clock, settings);
        store(&server, &lead());
        let given_up = "SELECT count(*) FROM audit_log WHERE event = 'NOTICE_GIVEN_UP'";
        assert!(server.eventually(|| server.number(given_up) == 1));
        let folder = server.into_folder();
        clock.advance(TimeDelta::days(days));
        let server = start(folder, &clock, hooks(&mended.url(), &[]));
        let id = store(&server, &lead());
        assert!(server.eventually(|| announced(&mended).contains(&id)));
        assert!(server.eventually(|| server.number(PENDING) == 0));
        assert_eq!(announced(&mended).len(), expected, "after {days} days");
    }
}

#[test]
fn what_waits_in_a_channel_that_is_no_longer_configured_is_given_up_in_the_audit_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let down = HookReceiver::start(|_| HookAnswer::Close);
    let mut server = ServeProcess::spawn(&mut serve_with_hook(folder.path(), &down));
    for _ in 0..5 {
        assert_eq!(post_lead(server.address, &lead()).status, 201);
    }
    assert!(wait_until(|| !down.received().is_empty()));
    server.terminate();
    let mut server = ServeProcess::start(folder.path());
    let database = Connection::open(folder.path().join("fastcore.db")).expect("a database");
    let count =
        |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
    // Also the leads that were gathered while it was down.
    let sql = "SELECT coalesce(sum(details_json ->> 'leads'), 0) FROM audit_log WHERE event = 'NOTICE_GIVEN_UP'";
    assert!(wait_until(|| count(sql) == 5), "{}", count(sql));
    assert_eq!(count("SELECT count(*) FROM notice"), 0);
    server.terminate();
}
