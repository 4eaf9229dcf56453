//! Notices of new leads: what they say, that none is missed, and that no channel holds up another.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use chrono::TimeDelta;
use fastcore::app::notices::settings::{AlertTiming, NoticeSettings, NoticeTiming};
use fastcore::config::environment::Environment;
use fastcore::config::notices::{NoticeConfig, NoticeFlags};
use rustix::process::Signal;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::alerts::{MovedClock, folder, start};
use super::support::admin::{Browser, PASSWORD, add_account, create_first_account};
use super::support::binary::{ServeProcess, command, free_address, run, run_to_exit, succeed};
use super::support::http::{Client, once, post_lead};
use super::support::receivers::{HookAnswer, HookReceiver, Mail, OK, SmtpAnswer, SmtpReceiver};
use super::support::server::TestServer;
use super::support::{METRICS_TOKEN, TOKEN, lead, wait_until};

pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
pub(crate) const BASE_URL: &str = "https://leads.example.com";

/// The settings that these variables give, with short pauses.
pub(crate) fn settings(variables: &[(&str, &str)]) -> NoticeSettings {
    let environment = Environment::of(variables);
    let config = NoticeConfig::load(&environment, &NoticeFlags::default()).expect("settings");
    NoticeSettings {
        mail: config.mail,
        webhooks: config.webhooks,
        content: config.content,
        language: config.language,
        silence: config.silence,
        digest_at: config.digest_at,
        base_url: BASE_URL.to_owned(),
        timing: NoticeTiming {
            mail_interval: TimeDelta::seconds(3),
            chat_interval: TimeDelta::milliseconds(100),
            first_backoff: TimeDelta::milliseconds(100),
            ..NoticeTiming::default()
        },
        alerts: AlertTiming {
            check_interval: Duration::from_millis(100),
            silence_interval: Duration::from_millis(100),
            begin_after: Duration::from_millis(300),
            end_after: Duration::from_millis(600),
            ..AlertTiming::default()
        },
    }
}

pub(crate) fn mailing(server: &SmtpReceiver, more: &[(&str, &str)]) -> NoticeSettings {
    let url = server.url();
    let mut variables = vec![
        ("FASTCORE_SMTP_URL", url.as_str()),
        ("FASTCORE_MAIL_FROM", "FASTCore <leads@fast-techservices.com>"),
        ("FASTCORE_NOTIFY_EMAIL", "claire@example.com"),
    ];
    for (name, value) in more {
        variables.retain(|(known, _)| known != name);
        variables.push((name, value));
    }
    settings(&variables)
}

pub(crate) fn hooks(urls: &str, more: &[(&str, &str)]) -> NoticeSettings {
    let own = [("FASTCORE_NOTIFY_WEBHOOK", urls), ("FASTCORE_WEBHOOK_SECRET", SECRET)];
    settings(&[&own, more].concat())
}

/// Stores a lead; its id.
pub(crate) fn store(server: &TestServer, lead: &Value) -> String {
    let answer = post_lead(server.address, lead);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["leadId"].as_str().expect("an id").to_owned()
}

fn wait_for_mails(server: &TestServer, mails: &SmtpReceiver, count: usize) -> Vec<Mail> {
    let came = server.eventually(|| mails.received().len() >= count);
    assert!(came, "{count} mails: {:?}", mails.received());
    mails.received()
}

/// The ids of the leads that a receiver has heard of.
pub(crate) fn announced(receiver: &HookReceiver) -> Vec<String> {
    let requests = receiver.received();
    let id = |event: Value| event["data"]["lead_id"].as_str().map(str::to_owned);
    requests.iter().filter_map(|request| id(request.json())).collect()
}

#[test]
fn a_new_lead_is_mailed_without_anything_of_the_person() {
    let mails = SmtpReceiver::start(|_| None);
    let server = TestServer::with_notices(mailing(&mails, &[]));
    let id = store(&server, &lead());
    let mail = wait_for_mails(&server, &mails, 1).remove(0);
    assert_eq!(mail.from, "leads@fast-techservices.com");
    assert_eq!(mail.to, ["claire@example.com"]);
    let header = |name: &str| mail.header(name).unwrap_or_else(|| panic!("{name}: {mail:?}"));
    assert_eq!(header("From"), "FASTCore <leads@fast-techservices.com>");
    assert_eq!(header("Subject"), "Nouvelle demande : Diagnostic");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert!(header("Message-ID").ends_with("@fast-techservices.com>"), "{mail:?}");
    assert_eq!(mail.header("Reply-To"), None);
    assert!(mail.text.contains(&format!("{BASE_URL}/admin/leads/{id}")), "{mail:?}");
    for personal in ["Dupont", "jean@example.com", "33612345678", "ACME", "compresseur"] {
        assert!(!mail.text.contains(personal), "{personal}: {mail:?}");
    }
    let sent = "SELECT count(*) FROM audit_log WHERE event = 'NOTICE_SENT' AND actor = 'notifier'";
    assert!(server.eventually(|| server.number(sent) == 1));
}

#[test]
fn a_full_notice_can_be_answered_whatever_the_name_and_the_message_contain() {
    let mails = SmtpReceiver::start(|_| None);
    let server = TestServer::with_notices(mailing(&mails, &[("FASTCORE_NOTIFY_CONTENT", "full")]));
    let mut lead = lead();
    lead["name"] = json!("Éloïse \"Zoé\" Müller 🏗");
    lead["email"] = json!("eloise@müller.example");
    lead["message"] =
        json!(format!("Bonjour,\n.\n<b>{}</b>\nBcc: all@example.com", "é".repeat(1500)));
    store(&server, &lead);
    let mail = wait_for_mails(&server, &mails, 1).remove(0);
    assert_eq!(mail.to, ["claire@example.com"]);
    assert!(mail.text.is_ascii(), "{mail:?}");
    assert!(mail.text.lines().all(|line| line.len() <= 998), "{mail:?}");
    let reply_to = mail.header("Reply-To").expect("an address");
    assert!(reply_to.ends_with("<eloise@xn--mller-kva.example>"), "{reply_to}");
    assert_eq!(mail.header("Bcc"), None, "{mail:?}");
}

/// SMTPUTF8 is asked for by the envelope alone: a header with such an address made the mail malformed.
#[test]
fn a_customer_s_address_with_an_accent_made_a_mail_that_no_server_takes() {
    let mails = SmtpReceiver::start(|_| None);
    let server = TestServer::with_notices(mailing(&mails, &[("FASTCORE_NOTIFY_CONTENT", "full")]));
    let mut lead = lead();
    lead["email"] = json!("éloïse@example.com");
    store(&server, &lead);
    let mail = wait_for_mails(&server, &mails, 1).remove(0);
    assert!(mail.text.is_ascii() && !mail.text.contains("Reply-To"), "{}", mail.text);
    assert!(mail.text.contains("=C3=A9lo=C3=AFse@example.com"), "{}", mail.text);
}

#[test]
fn leads_in_quick_succession_are_gathered_into_one_mail() {
    let ((arrived, first), (release, held)) = (channel(), channel::<()>());
    let mails = SmtpReceiver::start(move |command| {
        if command.starts_with("EHLO") {
            let _ = arrived.send(());
            let _ = held.recv();
        }
        None
    });
    let mut settings = mailing(&mails, &[]);
    settings.timing.mail_interval = TimeDelta::hours(1);
    let clock = MovedClock::default();
    let server = start(folder(), &clock, settings);
    store(&server, &lead());
    first.recv().expect("a mail");
    let ids: Vec<String> = (0..60).map(|_| store(&server, &lead())).collect();
    drop(release);
    clock.advance(TimeDelta::hours(2));
    let mail = wait_for_mails(&server, &mails, 2).remove(1);
    assert_eq!(mail.header("Subject").as_deref(), Some("60 nouvelles demandes"), "{mail:?}");
    let named = ids.iter().filter(|id| mail.text.contains(*id)).count();
    assert_eq!(named, 50, "{mail:?}");
    assert!(mail.text.contains("10 autres"), "{mail:?}");
}

#[test]
fn a_webhook_is_signed_as_standard_webhooks_asks() {
    let receiver = HookReceiver::start(|_| OK);
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    let id = store(&server, &lead());
    assert!(server.eventually(|| receiver.received().len() == 1));
    let request = receiver.received().remove(0);
    Webhook::new(SECRET)
        .and_then(|webhook| webhook.verify(&request.body, &request.headers))
        .expect("a signature");
    let event = request.json();
    assert_eq!(event["type"], "lead.received");
    let url = format!("{BASE_URL}/admin/leads/{id}");
    let data = &event["data"];
    assert_eq!(
        (&data["lead_id"], &data["service"], &data["url"]),
        (&json!(id), &json!("diagnostic"), &json!(url))
    );
    assert_eq!(data.get("email"), None, "{event}");
}

#[test]
fn chats_and_ntfy_get_the_form_that_they_show() {
    let receiver = HookReceiver::start(|_| OK);
    let url = receiver.url();
    let urls = format!("slack+{url},ntfy+{url}");
    let server = TestServer::with_notices(hooks(&urls, &[("FASTCORE_NOTIFY_CONTENT", "full")]));
    let mut lead = lead();
    lead["message"] = json!("<!channel> & <https://evil.example|click> a message of some length");
    let id = store(&server, &lead);
    assert!(server.eventually(|| receiver.received().len() == 2), "{:?}", receiver.received());
    let requests = receiver.received();
    let slack = requests.iter().find(|request| request.path == "/hook").expect("a chat").json();
    let text = slack["text"].as_str().expect("text");
    assert!(text.contains("&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;"), "{text}");
    assert!(text.contains(&format!("<{BASE_URL}/admin/leads/{id}|Ouvrir>")), "{text}");
    let ntfy = requests.iter().find(|request| request.path == "/").expect("ntfy").json();
    assert_eq!(ntfy["topic"], "hook");
    assert_eq!(ntfy["title"], "Nouvelle demande : Diagnostic");
    assert_eq!(ntfy["click"], format!("{BASE_URL}/admin/leads/{id}"));
}

#[test]
fn a_receiver_that_comes_back_hears_of_every_lead_with_the_same_key() {
    let receiver = HookReceiver::start(|_| HookAnswer::Close);
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    let stored: BTreeSet<String> = (0..5).map(|_| store(&server, &lead())).collect();
    assert!(server.eventually(|| receiver.received().len() >= 3), "it is tried again");
    let down: Vec<String> = receiver.received().iter().map(|r| r.id().to_owned()).collect();
    receiver.set_rule(|_| OK);
    let all = || announced(&receiver).into_iter().collect::<BTreeSet<_>>() == stored;
    assert!(server.eventually(all), "{:?}", announced(&receiver));
    // While the receiver is down, one notice finds out whether it works again, and another after three attempts.
    assert!(down[..3].iter().all(|id| *id == down[0]), "{down:?}");
    assert!(down.iter().collect::<BTreeSet<_>>().len() <= 2, "{down:?}");
    let keys: BTreeSet<_> = receiver.received().iter().map(|r| r.id().to_owned()).collect();
    assert_eq!(keys.len(), 5);
}

#[test]
fn a_notice_that_is_refused_holds_up_no_other() {
    let refused = std::sync::Arc::new(std::sync::Mutex::new(None::<String>));
    let first = std::sync::Arc::clone(&refused);
    let receiver = HookReceiver::start(move |request| {
        let mut first = first.lock().expect("no panic");
        let id = first.get_or_insert_with(|| request.id().to_owned());
        if id == request.id() { HookAnswer::Status(422, "") } else { OK }
    });
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    for _ in 0..3 {
        store(&server, &lead());
    }
    let sent = "SELECT count(*) FROM notice WHERE state = 'sent'";
    assert!(server.eventually(|| server.number(sent) == 2));
    assert_eq!(server.number("SELECT count(*) FROM notice WHERE state = 'pending'"), 1);
}

#[test]
fn a_silent_receiver_holds_up_neither_another_nor_the_leads() {
    let silent = HookReceiver::start(|_| HookAnswer::Silence);
    let receiver = HookReceiver::start(|_| OK);
    let mails = SmtpReceiver::start(|_| Some(SmtpAnswer::Silence));
    let url = mails.url();
    let urls = format!("{},{}", silent.url(), receiver.url());
    let server = TestServer::with_notices(hooks(
        &urls,
        &[
            ("FASTCORE_SMTP_URL", &url),
            ("FASTCORE_MAIL_FROM", "leads@example.com"),
            ("FASTCORE_NOTIFY_EMAIL", "claire@example.com"),
        ],
    ));
    let mut client = Client::connect(server.address);
    for _ in 0..20 {
        assert_eq!(client.post_lead(&lead()).status, 201);
    }
    assert!(server.eventually(|| announced(&receiver).len() == 20), "{:?}", announced(&receiver));
}

#[test]
fn a_receiver_says_how_long_to_wait() {
    let receiver = HookReceiver::start(|_| HookAnswer::Status(429, "Retry-After: 3600\r\n"));
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    store(&server, &lead());
    let waits = "SELECT count(*) FROM notice WHERE attempts = 1
                 AND (julianday(next_try_at_utc) - julianday(created_at_utc)) * 86400 > 3590";
    assert!(server.eventually(|| server.number(waits) == 1));
    assert_eq!(receiver.received().len(), 1);
    // The operator may ask for an attempt all the same; another lead does not.
    receiver.set_rule(|_| OK);
    store(&server, &lead());
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(receiver.received().len(), 1);
    succeed(server.folder(), &["notify", "retry", "--all"]);
    assert!(server.eventually(|| announced(&receiver).len() == 3), "{:?}", announced(&receiver));
}

#[test]
fn redirects_are_not_followed() {
    let other = HookReceiver::start(|_| OK);
    let location: &'static str = format!("Location: {}\r\n", other.url()).leak();
    let receiver = HookReceiver::start(move |_| HookAnswer::Status(307, location));
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    store(&server, &lead());
    assert!(server.eventually(|| receiver.received().len() >= 2));
    assert_eq!(other.received().len(), 0);
}

#[test]
fn a_receiver_that_is_gone_is_left_alone() {
    let receiver = HookReceiver::start(|_| HookAnswer::Status(410, ""));
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    store(&server, &lead());
    let given_up = "SELECT count(*) FROM audit_log WHERE event = 'NOTICE_GIVEN_UP'";
    assert!(server.eventually(|| server.number(given_up) == 1));
    store(&server, &lead());
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(receiver.received().len(), 1);
    receiver.set_rule(|_| OK);
    let folder = server.folder().to_owned();
    succeed(&folder, &["notify", "retry", "--all"]);
    assert!(server.eventually(|| announced(&receiver).len() == 3), "{:?}", announced(&receiver));
}

#[test]
fn a_notice_that_fails_for_too_long_is_given_up() {
    let receiver = HookReceiver::start(|_| HookAnswer::Status(500, ""));
    let mut settings = hooks(&receiver.url(), &[]);
    settings.timing.give_up_after = TimeDelta::zero();
    settings.timing.first_backoff = TimeDelta::milliseconds(5);
    let server = TestServer::with_notices(settings);
    store(&server, &lead());
    let given_up = "SELECT count(*) FROM notice WHERE state = 'given_up' AND attempts >= 8";
    assert!(super::support::wait_until(|| server.number(given_up) == 1));
    let events = "SELECT count(*) FROM audit_log WHERE event = 'NOTICE_GIVEN_UP'";
    assert_eq!(server.number(events), 1);
}

#[test]
fn the_errors_of_a_mail_server_are_kept_without_the_address() {
    let refuse = |command: &str| {
        let line = "550 5.1.1 <claire@example.com>: Recipient address rejected";
        command.starts_with("RCPT").then_some(SmtpAnswer::Line(line))
    };
    let mails = SmtpReceiver::start(refuse);
    let server = TestServer::with_notices(mailing(&mails, &[]));
    store(&server, &lead());
    let failed = "SELECT count(*) FROM notice WHERE last_error IS NOT NULL";
    assert!(server.eventually(|| server.number(failed) == 1));
    let error = "SELECT last_error FROM notice";
    let error: String = server.sqlite().query_row(error, [], |row| row.get(0)).expect("an error");
    assert_eq!(error, "the mail server answers 550 5.1.1");
}

#[test]
fn a_full_mailbox_of_one_keeps_no_mail_from_another() {
    let full = |command: &str| {
        let of_paul = command.starts_with("RCPT") && command.contains("paul@");
        of_paul.then_some(SmtpAnswer::Line("452 4.2.2 mailbox full"))
    };
    let mails = SmtpReceiver::start(full);
    let both = [("FASTCORE_NOTIFY_EMAIL", "paul@example.com, claire@example.com")];
    let server = TestServer::with_notices(mailing(&mails, &both));
    store(&server, &lead());
    assert_eq!(wait_for_mails(&server, &mails, 1)[0].to, ["claire@example.com"]);
    mails.set_rule(|_| None);
    let mails = wait_for_mails(&server, &mails, 2);
    assert_eq!(mails[1].to, ["paul@example.com"], "{mails:?}");
}

#[test]
fn a_mail_server_that_fails_in_mid_dialogue_gets_the_mail_again() {
    for stage in ["EHLO", "MAIL", "RCPT", "."] {
        let mut greylisted = 0;
        let mails = SmtpReceiver::start(move |command: &str| {
            if !command.starts_with(stage) {
                return None;
            }
            greylisted += 1;
            match greylisted {
                1 => Some(SmtpAnswer::Close),
                2 => Some(SmtpAnswer::Line("451 4.7.1 greylisted, try again later")),
                _ => None,
            }
        });
        let server = TestServer::with_notices(mailing(&mails, &[]));
        store(&server, &lead());
        wait_for_mails(&server, &mails, 1);
    }
}

#[test]
fn ten_thousand_leads_and_a_dead_mail_server_are_few_notices_and_all_are_announced() {
    let mails = SmtpReceiver::start(|_| Some(SmtpAnswer::Close));
    let server = TestServer::with_notices(mailing(&mails, &[]));
    let posting: Vec<_> = (0..8)
        .map(|_| {
            let address = server.address;
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                for _ in 0..1250 {
                    assert_eq!(client.post_lead(&lead()).status, 201);
                }
            })
        })
        .collect();
    posting.into_iter().for_each(|thread| thread.join().expect("stored"));
    assert_eq!(server.number("SELECT count(*) FROM lead_inbox"), 10_000);
    // While it is down, another is queued when each has been tried three times for each that there was. However long the
    // leads took: the pauses double.
    let rows = server.number("SELECT count(*) FROM notice");
    let newest = "(SELECT max(through_seq) FROM notice)";
    let attempts =
        format!("SELECT coalesce(min(attempts), 0) FROM notice WHERE through_seq < {newest}");
    let attempts = server.number(&attempts);
    assert!(rows < 6 && attempts >= 3 * (rows - 1), "{rows} after {attempts} attempts");
    mails.set_rule(|_| None);
    let announced = "SELECT coalesce(sum(leads), 0) FROM notice WHERE state = 'sent'";
    let all = || server.number(announced) == 10_000;
    // Its next attempt is as far away as the leads took.
    succeed(server.folder(), &["notify", "retry", "--all"]);
    assert!(wait_until(all), "{}", server.number(announced));
    // What was announced twice would overlap.
    let twice = "SELECT count(*) FROM notice AS a JOIN notice AS b
                 ON a.id < b.id AND a.after_seq < b.through_seq AND b.after_seq < a.through_seq";
    assert_eq!(server.number(twice), 0);
    assert!(mails.received().len() < 20, "{}", mails.received().len());
}

#[test]
fn a_lead_that_was_erased_is_not_announced() {
    let receiver = HookReceiver::start(|_| HookAnswer::Status(503, ""));
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    let erased = store(&server, &lead());
    assert!(server.eventually(|| !receiver.received().is_empty()));
    let mut other = lead();
    other["email"] = json!("other@example.com");
    let kept = store(&server, &other);
    let erase = ["gdpr", "erase", "--email", "jean@example.com", "--reason", "request", "--yes"];
    succeed(server.folder(), &erase);
    let tried = receiver.received().len();
    receiver.set_rule(|_| OK);
    assert!(server.eventually(|| announced(&receiver).contains(&kept)));
    let later: Vec<String> = announced(&receiver).split_off(tried);
    assert!(!later.contains(&erased), "{later:?}");
}

/// `serve` with a webhook.
pub(crate) fn serve_with_hook(folder: &Path, receiver: &HookReceiver) -> Command {
    let mut serve = command(folder, &["serve"]);
    serve
        .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
        .env("FASTCORE_NOTIFY_WEBHOOK", receiver.url())
        .env("FASTCORE_WEBHOOK_SECRET", SECRET);
    serve
}

#[test]
fn a_channel_announces_what_comes_after_it_was_configured() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = HookReceiver::start(|_| OK);
    let mut server = ServeProcess::start(folder.path());
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    server.terminate();
    let mut server = ServeProcess::spawn(&mut serve_with_hook(folder.path(), &receiver));
    let id = post_lead(server.address, &lead()).json()["leadId"].clone();
    assert!(wait_until(|| !receiver.received().is_empty()));
    assert_eq!(announced(&receiver), [id.as_str().expect("an id")]);
    server.terminate();
}

#[test]
fn no_lead_is_without_its_notice_when_the_server_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = HookReceiver::start(|_| OK);
    let mut stored = BTreeSet::new();
    for round in 0..6_u64 {
        let mut server = ServeProcess::spawn(&mut serve_with_hook(folder.path(), &receiver));
        let mut client = Client::connect(server.address);
        for _ in 0..10 {
            let answer = client.post_lead(&lead());
            assert_eq!(answer.status, 201);
            stored.insert(answer.json()["leadId"].as_str().expect("an id").to_owned());
            std::thread::sleep(Duration::from_millis(13 * round));
        }
        server.signal(Signal::KILL);
        server.wait();
    }
    let mut server = ServeProcess::spawn(&mut serve_with_hook(folder.path(), &receiver));
    let all = || announced(&receiver).into_iter().collect::<BTreeSet<_>>() == stored;
    assert!(wait_until(all), "{} of them", announced(&receiver).len());
    server.terminate();
    // A lead that was announced twice has the same key both times.
    let mut keys = BTreeSet::new();
    for request in receiver.received() {
        keys.insert((request.json()["data"]["lead_id"].to_string(), request.id().to_owned()));
    }
    assert_eq!(keys.len(), stored.len());
}

#[test]
fn a_bad_setting_stops_the_start_with_one_line_and_a_dead_server_does_not() {
    let nobody = format!("smtp://{}", free_address());
    let good = [
        ("FASTCORE_SMTP_URL", nobody.as_str()),
        ("FASTCORE_MAIL_FROM", "leads@example.com"),
        ("FASTCORE_NOTIFY_EMAIL", "claire@example.com"),
    ];
    let cases = [
        ("FASTCORE_SMTP_URL", "mail.example.com"),
        ("FASTCORE_SMTP_URL", "https://mail.example.com"),
        ("FASTCORE_SMTP_URL", "smtp://user@mail.example.com"),
        ("FASTCORE_SMTP_URL", "smtp://mail.example.com?tls=none"),
        ("FASTCORE_MAIL_FROM", "leads"),
        ("FASTCORE_NOTIFY_EMAIL", "claire@example.com,paul"),
        ("FASTCORE_ALERT_EMAIL", "root"),
        ("FASTCORE_SILENCE_AFTER", "5m"),
        ("FASTCORE_SILENCE_AFTER", "automatic"),
        ("FASTCORE_DIGEST_AT", "7h30"),
        ("FASTCORE_DIGEST_AT", "24:00"),
        ("FASTCORE_ALERT_WEBHOOK", "ftp://hooks.example.com/x"),
        ("FASTCORE_NOTIFY_CONTENT", "all"),
        ("FASTCORE_NOTIFY_LANGUAGE", "de"),
        ("FASTCORE_NOTIFY_WEBHOOK", "http://hooks.example.com/x"),
        ("FASTCORE_NOTIFY_WEBHOOK", "hooks.example.com"),
        ("FASTCORE_NOTIFY_WEBHOOK", "https://hooks.example.com/x"),
        ("FASTCORE_NOTIFY_WEBHOOK", "ntfy+https://ntfy.example.com"),
        ("FASTCORE_NOTIFY_WEBHOOK", "ntfy+https://ntfy.example.com/leads/"),
        ("FASTCORE_WEBHOOK_SECRET", "short"),
        ("FASTCORE_MAIL_FROM", ""),
    ];
    for (name, value) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let mut serve = command(folder.path(), &["serve"]);
        serve.envs(good).env(name, value).env("FASTCORE_LISTEN", "127.0.0.1:0");
        let (status, log) = run_to_exit(&mut serve);
        assert_eq!((status, log.lines().count()), (1, 1), "{name}={value}: {log}");
        assert!(log.contains("FASTCORE_"), "{name}={value}: {log}");
        assert!(value.len() < 6 || !log.contains("user@"), "{log}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut serve = command(folder.path(), &["serve"]);
    let mut server = ServeProcess::spawn(serve.envs(good).env("FASTCORE_SITE_INGEST_TOKEN", TOKEN));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    server.read_until("a notice could not be sent");
    server.terminate();
    let log = server.log.join("\n");
    assert!(!log.contains("claire@") && !log.contains("jean@"), "{log}");
}

#[test]
fn the_operator_tests_lists_and_retries() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = HookReceiver::start(|_| HookAnswer::Status(500, ""));
    let mut server = ServeProcess::spawn(&mut serve_with_hook(folder.path(), &receiver));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    let list = || -> Value {
        serde_json::from_str(&succeed(folder.path(), &["notify", "list", "--json"])).expect("JSON")
    };
    let failed = || list()[0]["last_error"] == "the receiver answers 500 Internal Server Error";
    assert!(wait_until(failed), "{}", list());
    let test = |receiver: &HookReceiver| {
        let mut test = command(folder.path(), &["notify", "test"]);
        test.env("FASTCORE_NOTIFY_WEBHOOK", receiver.url());
        test.env("FASTCORE_WEBHOOK_SECRET", SECRET).output().expect("it runs")
    };
    let output = test(&receiver);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    receiver.set_rule(|_| OK);
    let output = test(&receiver);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with(": sent\n"), "{output:?}");
    let id = list()[0]["id"].as_str().expect("an id").to_owned();
    succeed(folder.path(), &["notify", "retry", &id]);
    assert!(wait_until(|| list() == json!([])), "{}", list());
    let sent = succeed(folder.path(), &["notify", "list", "--all"]);
    assert!(sent.contains("sent"), "{sent}");
    let unknown = run(folder.path(), &["notify", "retry", &id]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    server.terminate();
}

#[test]
fn notices_that_do_not_arrive_are_a_warning() {
    let receiver = HookReceiver::start(|_| HookAnswer::Close);
    let server = TestServer::with_notices(hooks(&receiver.url(), &[]));
    let findings = || -> Value {
        let output = run(server.folder(), &["check", "--json"]);
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let finding = || {
        let all = findings();
        let of = all.as_array().expect("a list").iter().find(|of| of["check"] == "notices");
        of.cloned().unwrap_or_else(|| panic!("{all}"))
    };
    store(&server, &lead());
    assert!(server.eventually(|| !receiver.received().is_empty()));
    assert_eq!(finding()["level"], "ok");
    let earlier = "UPDATE notice SET created_at_utc = '2026-01-03T10:30:45.123456Z'";
    server.sqlite().execute(earlier, []).expect("a row");
    let finding = finding();
    assert_eq!(finding["level"], "warning", "{finding}");
    assert!(
        finding["hint"].as_str().is_some_and(|hint| hint.contains("notify retry")),
        "{finding}"
    );
    let mut browser = create_first_account(&server);
    let status = browser.get("/admin/api/status");
    assert!(status.body.contains("notices_failing"), "{status:?}");
}

#[test]
fn a_lead_and_the_status_page_say_who_was_told_and_who_was_not() {
    let told = HookReceiver::start(|_| OK);
    let failing = HookReceiver::start(|_| HookAnswer::Status(500, ""));
    let server = TestServer::with_notices(hooks(&format!("{},{}", told.url(), failing.url()), &[]));
    let mut browser = create_first_account(&server);
    let id = store(&server, &lead());
    let states = |server: &TestServer| {
        server.number("SELECT count(*) FROM notice WHERE state = 'sent' OR attempts > 0")
    };
    assert!(server.eventually(|| states(&server) == 2));
    let mut read = || {
        let opened = browser.read(&format!("/admin/api/leads/{id}"));
        (opened["notices"].clone(), browser.read("/admin/api/status")["notice_channels"].clone())
    };
    let of = |list: &Value, field: &str, value: &Value| {
        let found = list.as_array().expect("a list").iter().find(|of| of[field] == *value);
        found.cloned().unwrap_or_else(|| panic!("{field} {value}: {list}"))
    };
    let (notices, channels) = read();
    let sent = of(&notices, "state", &json!("sent"));
    assert!(sent["at_utc"].is_string() && sent["next_try_at_utc"].is_null(), "{notices}");
    let waiting = of(&notices, "state", &json!("pending"));
    assert!(waiting["next_try_at_utc"].is_string() && waiting["at_utc"].is_null(), "{notices}");
    assert_eq!(waiting["last_error"], "the receiver answers 500 Internal Server Error");
    let channel = of(&channels, "channel", &waiting["channel"]);
    assert_eq!((&channel["pending"], &channel["given_up"]), (&json!(1), &json!(0)), "{channels}");
    assert!(channel["waiting_since_utc"].is_string() && channel["last_sent_at_utc"].is_null());
    let channel = of(&channels, "channel", &sent["channel"]);
    assert_eq!((&channel["pending"], &channel["last_error"]), (&json!(0), &Value::Null));
    assert_eq!(channel["last_sent_at_utc"], sent["at_utc"], "{channels}");
    // No address, only what the channel is called.
    for text in [notices.to_string(), channels.to_string()] {
        assert!(!text.contains("127.0.0.1") && !text.contains("/hook"), "{text}");
    }
    // One that has ended, and one whose notice is still to be created.
    let sql = "UPDATE notice SET state = 'given_up' WHERE state = 'pending';
               UPDATE notice_channel SET ended_at_utc = '2026-01-03T10:30:45.123456Z'
               WHERE name IN (SELECT channel FROM notice WHERE state = 'given_up')";
    server.sqlite().execute_batch(sql).expect("changed");
    let (notices, channels) = read();
    assert!(of(&notices, "state", &json!("given_up"))["at_utc"].is_string(), "{notices}");
    assert_eq!(of(&channels, "has_ended", &json!(true))["given_up"], 1, "{channels}");
    let later = store(&server, &lead());
    assert!(server.eventually(|| announced(&told).contains(&later)));
    let opened = browser.read(&format!("/admin/api/leads/{later}"));
    of(&opened["notices"], "state", &json!("ended"));
}

#[test]
fn a_damaged_table_of_notices_took_the_status_page_and_the_leads_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fastcore.db");
    let receiver = HookReceiver::start(|_| OK);
    let serve = || {
        let mut serve = command(folder.path(), &["serve"]);
        serve.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_WEBHOOK_SECRET", SECRET);
        serve.env("FASTCORE_METRICS_TOKEN", METRICS_TOKEN);
        ServeProcess::spawn(serve.env("FASTCORE_NOTIFY_WEBHOOK", receiver.url()))
    };
    let mut server = serve();
    add_account(folder.path(), "jean");
    let id =
        post_lead(server.address, &lead()).json()["leadId"].as_str().expect("an id").to_owned();
    assert!(wait_until(|| !receiver.received().is_empty()));
    server.terminate();
    let conn = rusqlite::Connection::open(&path).expect("the database");
    let page_of = |name: &str| {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        conn.query_row(sql, [name], |row| row.get::<_, u32>(0)).expect(name)
    };
    let pages = ["notice", "notice_by_channel", "notice_by_lead", "notice_unsent"].map(page_of);
    drop(conn);
    let file = std::fs::File::options().write(true).open(&path).expect("the file");
    for page in pages {
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; 4096], u64::from(page - 1) * 4096)
            .expect("written");
    }
    let mut server = serve();
    let mut browser = Browser::new(server.address);
    assert_eq!(browser.sign_in("jean", PASSWORD).status, 200);
    let opened = browser.read(&format!("/admin/api/leads/{id}"));
    assert_eq!(
        (&opened["notices"], &opened["digest"]),
        (&Value::Null, &json!("valid")),
        "{opened}"
    );
    let status = browser.read("/admin/api/status");
    assert_eq!(
        (&status["notice_channels"], &status["database"]["leads"]),
        (&Value::Null, &json!(1))
    );
    let warnings = status["warnings"].as_array().expect("a list");
    let failing = warnings.iter().find(|of| of["code"] == "notices_failing").expect("a warning");
    assert!(failing["detail"].as_str().is_some_and(|detail| detail.contains("cannot be read")));
    let token = format!("Bearer {METRICS_TOKEN}");
    let metrics = once(server.address, "GET", "/metrics", &[("Authorization", &token)], b"").body;
    assert!(metrics.contains("fastcore_database_readable 1"), "{metrics}");
    assert!(metrics.contains("fastcore_warning{code=\"notices_failing\"} 1"), "{metrics}");
    // Leads arrive as before.
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    server.terminate();
}
