//! Alerts: that the operator hears of trouble when it begins, while it lasts and when it ends, once each.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use fastcore::app::Schedules;
use fastcore::app::backup::folder::BackupSchedule;
use fastcore::app::notices::settings::NoticeSettings;
use fastcore::clock::Clock;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::notices::{BASE_URL, SECRET, hooks, mailing};
use super::support::binary::{ServeProcess, command, succeed};
use super::support::database::Database;
use super::support::http::{once, post_lead};
use super::support::receivers::{HookAnswer, HookReceiver, Mail, OK, SmtpReceiver};
use super::support::server::TestServer;
use super::support::{TOKEN, lead, wait_until};

/// The system's clock, which a test can move.
#[derive(Clone, Default)]
pub(crate) struct MovedClock(Arc<AtomicI64>);

impl MovedClock {
    pub(crate) fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        let system = Clock::system();
        Clock::from_fn(move || system.now() + TimeDelta::seconds(seconds.load(Ordering::Relaxed)))
    }

    /// Makes it a moment now.
    pub(crate) fn set(&self, time: &str) {
        let time = DateTime::parse_from_rfc3339(time).expect("a time").to_utc();
        let ahead = (time - Clock::system().now()).num_seconds();
        self.0.store(ahead, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_seconds(), Ordering::Relaxed);
    }
}

/// The alerts of one kind that a receiver got, such as `began`. Of a request that the end of a server cut off, there is
/// no body.
pub(crate) fn phases(receiver: &HookReceiver, kind: &str) -> Vec<String> {
    let of_kind = |event: &Value| event["data"]["kind"] == kind;
    let events = receiver.received().into_iter().map(|request| request.json());
    let phase = |event: Value| event["type"].as_str().expect("a type").replace("alert.", "");
    events.filter(of_kind).map(phase).collect()
}

/// The first alert of a kind that a receiver got.
pub(crate) fn event(receiver: &HookReceiver, kind: &str) -> Value {
    let mut events = receiver.received().into_iter().map(|request| request.json());
    events.find(|event| event["data"]["kind"] == kind).expect("an alert")
}

pub(crate) fn wait_for(receiver: &HookReceiver, kind: &str, expected: &[&str]) {
    let came = wait_until(|| phases(receiver, kind) == expected);
    assert!(came, "{kind}: {:?} instead of {expected:?}", phases(receiver, kind));
}

/// A lead that is refused for its e-mail address.
fn invalid_lead() -> Value {
    let mut lead = lead();
    lead["email"] = json!("secretly-nobody");
    lead
}

pub(crate) fn start(folder: TempDir, clock: &MovedClock, notices: NoticeSettings) -> TestServer {
    TestServer::in_folder(folder, clock.clock(), Schedules { notices, ..Schedules::default() })
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A submission with another token.
fn post_with_wrong_token(server: &TestServer) {
    let headers = [("Authorization", "Bearer wrong"), ("Content-Type", "application/json")];
    let body = lead().to_string();
    let answer = once(server.address, "POST", "/inbound/leads", &headers, body.as_bytes());
    assert_eq!(answer.status, 401);
}

#[test]
fn the_first_refusal_after_a_quiet_day_is_an_alert_without_its_content() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    let server = start(folder(), &clock, hooks(&receiver.url(), &[]));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    for _ in 0..2 {
        assert_eq!(post_lead(server.address, &invalid_lead()).status, 422);
    }
    let kind = "submissions_refused";
    wait_for(&receiver, kind, &["began"]);
    let event = event(&receiver, kind);
    assert_eq!(event["data"]["url"], format!("{BASE_URL}/admin/status"));
    assert!(event["data"]["cure"].as_str().is_some_and(|cure| cure.contains("LEAD_REJECTED")));
    let text = event.to_string();
    assert!(text.contains("email ("), "{text}");
    for personal in ["secretly", "Dupont", "compresseur", TOKEN] {
        assert!(!text.contains(personal), "{text}");
    }
    // More of them are the same alert, and a restart repeats nothing.
    assert_eq!(post_lead(server.address, &invalid_lead()).status, 422);
    let server = start(server.into_folder(), &clock, hooks(&receiver.url(), &[]));
    std::thread::sleep(Duration::from_secs(2));
    wait_for(&receiver, kind, &["began"]);
    clock.advance(TimeDelta::hours(25));
    wait_for(&receiver, kind, &["began", "ended"]);
    assert_eq!(post_lead(server.address, &invalid_lead()).status, 422);
    wait_for(&receiver, kind, &["began", "ended", "began"]);
    assert_eq!(server.number("SELECT count(*) FROM alert WHERE kind = 'submissions_refused'"), 1);
}

#[test]
fn an_alert_is_repeated_once_a_day_while_it_lasts_over_restarts() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    let folder = folder();
    let kept = folder.path().join("kept");
    fs::write(&kept, "no folder").expect("a file");
    let backups =
        || BackupSchedule { folder: kept.clone(), every: Duration::from_secs(1), keep: 2 };
    let start = |folder: TempDir| {
        let schedules = Schedules {
            backups: Some(backups()),
            notices: hooks(&receiver.url(), &[]),
            ..Schedules::default()
        };
        TestServer::in_folder(folder, clock.clock(), schedules)
    };
    let kind = "backup_failing";
    let server = start(folder);
    wait_for(&receiver, kind, &["began"]);
    let began = event(&receiver, kind)["data"]["began_at_utc"].clone();
    clock.advance(TimeDelta::hours(23));
    let server = start(server.into_folder());
    std::thread::sleep(Duration::from_secs(2));
    wait_for(&receiver, kind, &["began"]);
    clock.advance(TimeDelta::hours(24));
    wait_for(&receiver, kind, &["began", "reminded"]);
    clock.advance(TimeDelta::hours(24));
    wait_for(&receiver, kind, &["began", "reminded", "reminded"]);
    fs::remove_file(&kept).expect("it was there");
    wait_for(&receiver, kind, &["began", "reminded", "reminded", "ended"]);
    let requests = receiver.received();
    let last = requests.iter().map(|request| request.json()).rfind(|e| e["data"]["kind"] == kind);
    assert_eq!(last.expect("an alert")["data"]["began_at_utc"], began);
    drop(server);
}

#[test]
fn a_token_that_is_refused_is_an_alert_until_a_lead_comes_with_the_right_one() {
    let receiver = HookReceiver::start(|_| OK);
    let mut settings = hooks(&receiver.url(), &[]);
    settings.alerts.recent = Duration::from_millis(500);
    let server = TestServer::with_notices(settings);
    for _ in 0..2 {
        post_with_wrong_token(&server);
    }
    // Strangers try tokens too.
    std::thread::sleep(Duration::from_secs(1));
    wait_for(&receiver, "token_refused", &[]);
    post_with_wrong_token(&server);
    wait_for(&receiver, "token_refused", &["began"]);
    let check = || succeed(server.folder(), &["check"]);
    assert!(server.eventually(|| check().contains("token is refused")), "{}", check());
    // However long nothing comes.
    std::thread::sleep(Duration::from_secs(2));
    wait_for(&receiver, "token_refused", &["began"]);
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    wait_for(&receiver, "token_refused", &["began", "ended"]);
    assert!(!check().contains("token is refused"));
}

#[test]
fn wrong_tokens_among_leads_are_no_alert() {
    let receiver = HookReceiver::start(|_| OK);
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    for _ in 0..5 {
        post_with_wrong_token(&server);
        assert_eq!(post_lead(server.address, &lead()).status, 201);
    }
    std::thread::sleep(Duration::from_secs(1));
    wait_for(&receiver, "token_refused", &[]);
}

#[test]
fn a_clock_that_jumps_is_an_alert() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    let mut settings = hooks(&receiver.url(), &[]);
    settings.alerts.recent = Duration::from_secs(15);
    let _server = start(folder(), &clock, settings);
    std::thread::sleep(Duration::from_millis(500));
    clock.advance(TimeDelta::seconds(200));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(phases(&receiver, "clock_jumped"), [""; 0]);
    clock.advance(TimeDelta::seconds(-7200));
    wait_for(&receiver, "clock_jumped", &["began", "ended"]);
    let detail = event(&receiver, "clock_jumped")["data"]["detail"].clone();
    assert!(detail.as_str().is_some_and(|detail| detail.contains("-120 minutes")), "{detail}");
}

#[test]
fn while_the_database_takes_nothing_alerts_are_sent_from_memory_once() {
    let receiver = HookReceiver::start(|_| OK);
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    assert!(server.eventually(|| receiver.received().len() == 1));
    // As a program does that holds the database and does not end.
    let other = server.sqlite();
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let kind = "writer_failing";
    let began = wait_until(|| phases(&receiver, kind) == ["began"]);
    assert!(began, "{:?}", receiver.received());
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(phases(&receiver, kind), ["began"]);
    assert_eq!(server.number("SELECT count(*) FROM alert"), 0);
    other.execute_batch("ROLLBACK").expect("no lock");
    wait_for(&receiver, kind, &["began", "ended"]);
    let told = "SELECT count(*) FROM notice WHERE subject = 'alert' AND state = 'sent'
                AND message_json ->> 'kind' = 'writer_failing'";
    assert!(server.eventually(|| server.number(told) == 2));
    let ended =
        "SELECT count(*) FROM alert WHERE kind = 'writer_failing' AND ended_at_utc IS NOT NULL";
    assert_eq!(server.number(ended), 1);
}

#[test]
fn an_alert_whose_receiver_is_down_waits_in_the_outbox_over_a_restart() {
    let (receiver, clock) = (HookReceiver::start(|_| HookAnswer::Close), MovedClock::default());
    let server = start(folder(), &clock, hooks(&receiver.url(), &[]));
    assert_eq!(post_lead(server.address, &invalid_lead()).status, 422);
    assert!(server.eventually(|| !receiver.received().is_empty()));
    let id = receiver.received()[0].id().to_owned();
    let folder = server.into_folder();
    receiver.set_rule(|_| OK);
    let tried = receiver.received().len();
    let server = start(folder, &clock, hooks(&receiver.url(), &[]));
    assert!(server.eventually(|| receiver.received().len() == tried + 1));
    assert_eq!(receiver.received()[tried].id(), id);
    let sent = "SELECT count(*) FROM audit_log WHERE event = 'NOTICE_SENT' AND details_json ->> 'subject' = 'alert'";
    assert!(server.eventually(|| server.number(sent) == 1));
}

#[test]
fn that_a_channel_does_not_deliver_is_told_by_the_others() {
    let dead = HookReceiver::start(|_| HookAnswer::Close);
    let receiver = HookReceiver::start(|_| OK);
    let urls = format!("{},{}", dead.url(), receiver.url());
    let server = TestServer::with_notices(hooks(&urls, &[]));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    assert!(server.eventually(|| !dead.received().is_empty()));
    let earlier =
        "UPDATE notice SET created_at_utc = '2026-01-03T10:30:45.123456Z' WHERE state = 'pending'";
    server.sqlite().execute(earlier, []).expect("a row");
    wait_for(&receiver, "notices_failing", &["began"]);
    let to_dead = "SELECT count(*) FROM notice WHERE message_json ->> 'kind' = 'notices_failing'
                   AND channel = (SELECT channel FROM notice WHERE subject = 'leads' AND state = 'pending')";
    assert_eq!(server.number(to_dead), 0);
    dead.set_rule(|_| OK);
    wait_for(&receiver, "notices_failing", &["began", "ended"]);
}

#[test]
fn trouble_is_for_the_operator_and_leads_are_for_staff() {
    let mails = SmtpReceiver::start(|_| None);
    let operator = [("FASTCORE_ALERT_EMAIL", "root@example.com")];
    let server = TestServer::with_notices(mailing(&mails, &operator));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    assert_eq!(post_lead(server.address, &invalid_lead()).status, 422);
    assert!(server.eventually(|| mails.received().len() == 2), "{:?}", mails.received());
    let mails = mails.received();
    let to = |address: &str| mails.iter().find(|mail| mail.to == [address]).expect("a mail");
    let subject = to("claire@example.com").header("Subject").expect("a subject");
    assert_eq!(subject, "Nouvelle demande : Diagnostic");
    let alert = to("root@example.com");
    // Not ASCII, so that it is encoded.
    assert!(alert.header("Subject").is_some_and(|subject| subject.contains("=?utf-8?")));
    for text in ["Que faire", "email (1)", "/admin/status"] {
        assert!(alert.text.contains(text), "{text}: {}", alert.text);
    }
    for personal in ["secretly", "Dupont", "compresseur ne"] {
        assert!(!alert.text.contains(personal), "{}", alert.text);
    }
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(server.number("SELECT count(*) FROM notice"), 2);
}

#[test]
fn a_channel_of_alerts_that_becomes_one_of_leads_announces_what_comes_then() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    let url = receiver.url();
    let alone = |name| {
        super::notices::settings(&[(name, url.as_str()), ("FASTCORE_WEBHOOK_SECRET", SECRET)])
    };
    let server = start(folder(), &clock, alone("FASTCORE_ALERT_WEBHOOK"));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let folder = server.into_folder();
    let server = start(folder, &clock, alone("FASTCORE_NOTIFY_WEBHOOK"));
    let id = post_lead(server.address, &lead()).json()["leadId"].clone();
    assert!(server.eventually(|| receiver.received().len() == 1), "{:?}", receiver.received());
    assert_eq!(receiver.received()[0].json()["data"]["lead_id"], id);
}

#[test]
fn chats_and_ntfy_get_alerts_in_their_form() {
    let receiver = HookReceiver::start(|_| OK);
    let url = receiver.url();
    let english = [("FASTCORE_NOTIFY_LANGUAGE", "en")];
    let server = TestServer::with_notices(hooks(&format!("slack+{url},ntfy+{url}"), &english));
    assert_eq!(post_lead(server.address, &invalid_lead()).status, 422);
    assert!(server.eventually(|| receiver.received().len() == 2), "{:?}", receiver.received());
    let requests = receiver.received();
    let body = |path| requests.iter().find(|request| request.path == path).expect("one").json();
    let title = "FASTCore: alert – The site sends leads that are refused";
    let text = body("/hook")["text"].as_str().expect("text").to_owned();
    assert!(text.starts_with(title), "{text}");
    assert!(text.contains(&format!("<{BASE_URL}/admin/status|Open>")), "{text}");
    let ntfy = body("/");
    assert_eq!((&ntfy["title"], &ntfy["priority"]), (&json!(title), &json!(4)));
}

/// A while in which an alert would come, if it did.
fn pause() {
    std::thread::sleep(Duration::from_millis(1500));
}

fn post(server: &TestServer, source: &str) -> Value {
    let mut lead = lead();
    lead["meta"]["source"] = json!(source);
    let answer = post_lead(server.address, &lead);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

#[test]
fn a_silence_in_working_hours_is_an_alert_until_a_lead_comes() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    // A Friday, 9:00 in Paris.
    clock.set("2026-01-09T08:00:00Z");
    let settings = hooks(&receiver.url(), &[("FASTCORE_SILENCE_AFTER", "2h")]);
    let server = start(folder(), &clock, settings);
    let erased = post(&server, "fast-techservices.com")["leadId"].clone();
    let erase = ["gdpr", "erase", "--reason", "request", "--yes", "--lead"];
    succeed(server.folder(), &[&erase[..], &[erased.as_str().expect("an id")]].concat());
    clock.advance(TimeDelta::minutes(115));
    pause();
    assert_eq!(phases(&receiver, "silence"), [""; 0], "a lead that was erased has come");
    clock.advance(TimeDelta::minutes(10));
    wait_for(&receiver, "silence", &["began"]);
    post(&server, "canary");
    pause();
    assert_eq!(phases(&receiver, "silence"), ["began"]);
    post(&server, "fast-techservices.com");
    wait_for(&receiver, "silence", &["began", "ended"]);
    // From a Friday at 17:00 to Monday at 8:55, it is less than two hours of work.
    // Never two hours after another lead: the alert could begin between the change of the clock and the next one.
    for time in ["11:50", "13:40", "15:30", "16:00"] {
        clock.set(&format!("2026-01-09T{time}:00Z"));
        post(&server, "fast-techservices.com");
    }
    pause();
    for time in ["2026-01-10T11:00:00Z", "2026-01-12T07:55:00Z"] {
        clock.set(time);
        pause();
        assert_eq!(phases(&receiver, "silence"), ["began", "ended"], "{time}");
    }
    clock.set("2026-01-12T08:05:00Z");
    wait_for(&receiver, "silence", &["began", "ended", "began"]);
}

#[test]
fn a_silence_that_the_last_weeks_do_not_make_plausible_is_an_alert() {
    let (receiver, clock) = (HookReceiver::start(|_| OK), MovedClock::default());
    clock.set("2026-01-05T08:00:00Z");
    let settings = || hooks(&receiver.url(), &[("FASTCORE_SILENCE_AFTER", "auto")]);
    let server = start(folder(), &clock, settings());
    for day in 5..=9 {
        for hour in [8, 10, 12, 14] {
            clock.set(&format!("2026-01-{day:02}T{hour:02}:00:00Z"));
            post(&server, "fast-techservices.com");
        }
    }
    let server = start(server.into_folder(), &clock, settings());
    // The longest silence was from 15:00 to 9:00: four hours of work. The limit is ten.
    clock.set("2026-01-12T13:55:00Z");
    pause();
    assert_eq!(phases(&receiver, "silence"), [""; 0]);
    clock.set("2026-01-12T14:05:00Z");
    wait_for(&receiver, "silence", &["began"]);
    // A rhythm that was looked for in the weeks before now was lost by the silence itself, and the alert ended.
    clock.set("2026-03-30T14:05:00Z");
    let server = start(server.into_folder(), &clock, settings());
    wait_for(&receiver, "silence", &["began", "reminded"]);
    pause();
    assert_eq!(phases(&receiver, "silence"), ["began", "reminded"]);
    drop(server);
}

#[test]
fn the_morning_mail_says_what_came_once_a_day() {
    let (mails, clock) = (SmtpReceiver::start(|_| None), MovedClock::default());
    clock.set("2026-01-05T06:00:00Z");
    let settings = || {
        let own = [("FASTCORE_ALERT_EMAIL", "root@example.com"), ("FASTCORE_DIGEST_AT", "07:30")];
        mailing(&mails, &own)
    };
    let digests = || -> Vec<Mail> {
        let is_digest = |mail: &Mail| mail.text.contains("audit verify");
        mails.received().into_iter().filter(is_digest).collect()
    };
    let server = start(folder(), &clock, settings());
    post(&server, "fast-techservices.com");
    post(&server, "canary");
    assert_eq!(post_lead(server.address, &invalid_lead()).status, 422);
    pause();
    assert_eq!(digests().len(), 0);
    clock.set("2026-01-05T06:31:00Z");
    assert!(server.eventually(|| digests().len() == 1), "{:?}", mails.received());
    let mail = digests().remove(0);
    assert_eq!(mail.to, ["root@example.com"]);
    let text = mail.text.replace("=\r\n", "");
    for said in
        ["Diagnostic : 1", "refus=C3=A9s : 1", "la plus ancienne depuis le 05/01/2026 07:00"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    for personal in ["secretly", "Dupont", "compresseur ne", "jean@"] {
        assert!(!text.contains(personal), "{text}");
    }
    // What the mail contains proves that the log is still the same.
    let receipt = text.split("--receipt ").nth(1).and_then(|rest| rest.split([' ', '`']).next());
    succeed(server.folder(), &["audit", "verify", "--receipt", receipt.expect("a receipt")]);
    // A mail whose success could not be recorded would be sent again.
    let sent = "SELECT count(*) FROM notice WHERE subject = 'digest' AND state = 'sent'";
    assert!(server.eventually(|| server.number(sent) == 1));
    let server = start(server.into_folder(), &clock, settings());
    clock.set("2026-01-05T06:25:00Z");
    pause();
    clock.set("2026-01-05T06:35:00Z");
    pause();
    assert_eq!(digests().len(), 1);
    clock.set("2026-01-06T06:31:00Z");
    assert!(server.eventually(|| digests().len() == 2));
    let second = digests().remove(1).text;
    assert!(second.contains("Re=C3=A7ues depuis le 05/01/2026 07:31 : 0"), "{second}");
    assert_eq!(server.number("SELECT count(*) FROM digest"), 1);
}

/// `serve` that tells a webhook of trouble.
fn serve_with_alerts(
    folder: &Path,
    receiver: &HookReceiver,
    setting: (&str, &str),
) -> ServeProcess {
    let mut serve = command(folder, &["serve"]);
    serve
        .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
        .env("FASTCORE_ALERT_WEBHOOK", receiver.url())
        .env("FASTCORE_WEBHOOK_SECRET", SECRET)
        .env(setting.0, setting.1);
    ServeProcess::spawn(&mut serve)
}

/// With the intervals of production, on real faults.
#[test]
fn servers_in_trouble_tell_everything_once_also_when_they_are_killed() {
    let damaged = Database::sample();
    // A page of leads is overwritten.
    let mut bytes = fs::read(damaged.path()).expect("the file");
    let page = "SELECT pageno FROM dbstat WHERE name = 'lead_inbox' AND pagetype = 'leaf'";
    let page: usize = damaged.one(page).parse().expect("a page");
    bytes[(page - 1) * 4096..page * 4096].fill(0x5a);
    fs::write(damaged.path(), bytes).expect("a file");
    let full = folder();
    let receivers = [HookReceiver::start(|_| OK), HookReceiver::start(|_| OK)];
    // A file is no folder for backups; no disk is that large.
    let start = || {
        let of_backups = ("FASTCORE_BACKUP_DIR", "fastcore.db");
        let of_disk = ("FASTCORE_DISK_RESERVE", "1000000GiB");
        [
            serve_with_alerts(damaged.folder(), &receivers[0], of_backups),
            serve_with_alerts(full.path(), &receivers[1], of_disk),
        ]
    };
    let servers = start();
    for _ in 0..3 {
        let headers = [("Authorization", "Bearer wrong"), ("Content-Type", "application/json")];
        let answer = once(servers[1].address, "POST", "/inbound/leads", &headers, b"{}");
        assert_eq!(answer.status, 401);
    }
    let expected: [&[&str]; 2] =
        [&["chain_broken", "backup_failing"], &["disk_low", "token_refused"]];
    let told =
        |at: usize| expected[at].iter().all(|kind| phases(&receivers[at], kind) == ["began"]);
    let came = wait_until(|| told(0) && told(1));
    let events = |receiver: &HookReceiver| -> Vec<Value> {
        receiver.received().iter().map(|request| request.json()).collect()
    };
    assert!(came, "{:#?} {:#?}", events(&receivers[0]), events(&receivers[1]));
    assert_eq!(post_lead(servers[1].address, &lead()).status, 503);
    for mut server in servers {
        server.signal(Signal::KILL);
        server.wait();
    }
    let servers = start();
    // Longer than an alert needs to begin.
    std::thread::sleep(Duration::from_secs(45));
    assert!(told(0) && told(1), "{:#?} {:#?}", events(&receivers[0]), events(&receivers[1]));
    drop(servers);
}
