//! A certificate that the server gets by itself, from a real authority (Pebble).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::certificate::{count, shown};
use crate::disk_faults::Disk;
use crate::support::binary::{ServeProcess, run, run_to_exit};
use crate::support::http::Client;
use crate::support::pebble::{Behaviour, HOST, Pebble, connect, folder_of};
use crate::support::tls::Authority;
use crate::support::{lead, wait_until};

pub(crate) const ORDERING: &str = "ordering a certificate";
pub(crate) const ISSUED: &str = "the new certificate is in use";

/// The findings of `check` about HTTPS: level, detail.
pub(crate) fn findings(folder: &std::path::Path) -> Vec<(String, String)> {
    let output = run(folder, &["check", "--json"]);
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of_https = findings.as_array().expect("a list").iter().filter(|f| f["check"] == "https");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    of_https.map(|finding| (text(&finding["level"]), text(&finding["detail"]))).collect()
}

#[test]
fn a_first_certificate_is_got_and_a_restart_asks_nobody() {
    let Some(mut pebble) = Pebble::start(Behaviour::default()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = pebble.serve_command(folder.path());
    command.env("FASTCORE_ACME_EMAIL", "operator@example.com");
    command.env("FASTCORE_ACME_DOMAINS", format!("{HOST}, WWW.example.com"));
    command.env("FASTCORE_PUBLIC_URL", format!("https://{HOST}"));
    let mut server = ServeProcess::spawn(&mut command);
    server.read_until(ISSUED);
    let config = pebble.client_config();
    let mut client = pebble.connect(&config);
    assert_eq!(client.post_lead(&lead()).status, 201);
    let first = shown(&client);
    connect(server.address, "www.example.com", &config).expect("a certificate for the other name");
    server.terminate();

    let own = folder_of(folder.path(), &pebble.directory());
    let mode =
        |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&own), mode(own.parent().expect("a folder"))), (0o700, 0o700));
    let mut files: Vec<_> =
        fs::read_dir(&own).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    assert_eq!(files, [own.join("account.json"), own.join("certificate.pem")]);
    assert!(files.iter().all(|file| mode(file) == 0o600));

    pebble.stop();
    let mut server = ServeProcess::spawn(&mut command);
    let again = Client::on(connect(server.address, HOST, &config).expect("TLS"));
    assert_eq!(shown(&again), first);
    let found = findings(folder.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0 == "ok" && found[0].1.contains("valid for 89 more days"), "{found:?}");
    server.terminate();
    assert_eq!(count(&server.log, ORDERING), 0, "{:?}", server.log);
}

#[test]
fn a_short_lived_certificate_is_renewed_while_connections_go_on() {
    let life = Behaviour { life: 16, ..Behaviour::default() };
    let Some(pebble) = Pebble::start(life) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
    server.read_until(ISSUED);
    let config = pebble.client_config();
    let mut kept = pebble.connect(&config);
    let first = shown(&kept);
    let began = Instant::now();
    let mut seen = vec![first.clone()];
    while seen.len() < 3 && began.elapsed() < Duration::from_secs(60) {
        // A certificate that has expired would fail here.
        let mut client = pebble.connect(&config);
        assert_eq!(client.post_lead(&lead()).status, 201);
        assert_eq!(kept.post_lead(&lead()).status, 201, "connections that are open go on");
        let certificate = shown(&client);
        if seen.last() != Some(&certificate) {
            seen.push(certificate);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = began.elapsed();
    assert_eq!(seen.len(), 3, "certificates in {took:?}");
    // Each is renewed when a third of its life is left, not all the time.
    assert!(took > Duration::from_secs(5), "{took:?}");
    server.terminate();
    assert_eq!(count(&server.log, "\"ERROR\""), 0, "{:?}", server.log);
}

#[test]
fn a_certificate_that_lacks_a_host_name_or_is_due_is_replaced_at_the_start() {
    for (host, until) in [("old.example.com", 80), (HOST, 29)] {
        let Some(pebble) = Pebble::start(Behaviour::default()) else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder_of(folder.path(), &pebble.directory());
        fs::create_dir_all(&own).expect("created");
        let pair = Authority::new().issue_for(host, until - 90, until);
        fs::write(own.join("certificate.pem"), pair.key + &pair.certificate).expect("written");
        let mut server = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
        server.read_until(ISSUED);
        let mut client = pebble.connect(&pebble.client_config());
        assert_eq!(client.post_lead(&lead()).status, 201);
        let status = &super::status(folder.path(), &mut client)["certificate"];
        let of_it = (&status["source"], &status["days_left"], &status["failure"]);
        assert_eq!(of_it, (&json!("acme"), &json!(89), &Value::Null), "{status}");
        server.terminate();
    }
}

#[test]
fn what_is_stored_is_replaced_where_it_is_damaged() {
    let Some(pebble) = Pebble::start(Behaviour::default()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder_of(folder.path(), &pebble.directory());
    fs::create_dir_all(&own).expect("created");
    let account = r#"{"email": null, "credentials": {"id": "https://localhost/1", "key_pkcs8": "AAAA", "directory": "DIR"}}"#;
    let account = account.replace("DIR", &pebble.directory());
    for (certificate, account) in
        [("", "{"), ("-----BEGIN CERTIFICATE-----\nAAAA", account.as_str())]
    {
        fs::write(own.join("certificate.pem"), certificate).expect("written");
        fs::write(own.join("account.json"), account).expect("written");
        // As a process leaves it that is killed on a file system without unnamed files.
        fs::write(own.join(".certificate.pem.a1B2c3"), "half").expect("written");
        let mut server = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
        server.read_until(ISSUED);
        assert_eq!(pebble.connect(&pebble.client_config()).post_lead(&lead()).status, 201);
        server.terminate();
        assert_eq!(count(&server.log, "the stored certificate is damaged"), 1, "{:?}", server.log);
        assert_eq!(count(&server.log, "the ACME account cannot be used"), 1, "{:?}", server.log);
        assert!(!own.join(".certificate.pem.a1B2c3").exists());
    }
    // What is not a file at all is the operator's to look at.
    fs::remove_file(own.join("certificate.pem")).expect("removed");
    fs::create_dir(own.join("certificate.pem")).expect("created");
    let (status, said) = run_to_exit(&mut pebble.serve_command(folder.path()));
    assert_eq!((status, said.lines().count()), (1, 1), "{said}");
    assert!(
        said.contains("FASTCORE_ACME_DOMAINS") && said.contains("not a regular file"),
        "{said}"
    );
}

/// An authority that has lost its data does not know the accounts of before.
#[test]
fn an_account_that_the_authority_does_not_know_is_replaced() {
    let Some(first) = Pebble::start(Behaviour::default()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::spawn(&mut first.serve_command(folder.path()));
    server.read_until(ISSUED);
    server.terminate();
    let account =
        fs::read_to_string(folder_of(folder.path(), &first.directory()).join("account.json"));
    let origin = |pebble: &Pebble| pebble.directory().trim_end_matches("/dir").to_owned();
    let account = account.expect("an account").replace(&origin(&first), "ORIGIN");
    drop(first);
    let Some(second) = Pebble::start(Behaviour::default()) else { return };
    let own = folder_of(folder.path(), &second.directory());
    fs::create_dir_all(&own).expect("created");
    fs::write(own.join("account.json"), account.replace("ORIGIN", &origin(&second)))
        .expect("written");
    let mut server = ServeProcess::spawn(&mut second.serve_command(folder.path()));
    server.read_until("another one is made");
    server.read_until(ISSUED);
    server.terminate();
}

#[test]
fn a_server_that_is_killed_in_the_middle_of_an_order_orders_again() {
    let slow = Behaviour { delay: 2, ..Behaviour::default() };
    let Some(pebble) = Pebble::start(slow) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder_of(folder.path(), &pebble.directory());
    let mut killed = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
    killed.read_until(ORDERING);
    assert!(wait_until(|| own.join("account.json").exists()));
    killed.signal(Signal::KILL);
    killed.wait();
    assert!(!own.join("certificate.pem").exists());
    let mut server = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
    server.read_until(ISSUED);
    // The account is that of the first attempt.
    assert_eq!(count(&server.log, "another one is made"), 0);
    server.terminate();
}

#[test]
fn nothing_is_ordered_while_the_disk_is_full() {
    let Some(disk) = Disk::mount("1m") else { return };
    let Some(pebble) = Pebble::start(Behaviour::default()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let inside = disk.path().join("acme");
    fs::create_dir(&inside).expect("created");
    std::os::unix::fs::symlink(&inside, folder.path().join("fastcore.db.acme")).expect("a link");
    let filler = disk.path().join("filler");
    let _ = fs::write(&filler, vec![0; 2 << 20]);
    let mut server = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
    server.read_until("no certificate could be got");
    assert!(server.log.last().expect("a line").contains("No space left"), "{:?}", server.log);
    fs::remove_file(filler).expect("removed");
    server.signal(Signal::HUP);
    server.read_until(ISSUED);
    server.terminate();
}

#[test]
fn a_certificate_that_cannot_be_stored_is_used_and_stored_later() {
    let slow = Behaviour { delay: 3, ..Behaviour::default() };
    let Some(pebble) = Pebble::start(slow) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder_of(folder.path(), &pebble.directory()).join("certificate.pem");
    let mut server = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
    server.read_until(ORDERING);
    assert!(wait_until(|| file.with_file_name("account.json").exists()));
    // What it cannot be renamed to.
    fs::create_dir(&file).expect("created");
    server.read_until("could not be stored");
    let mut client = pebble.connect(&pebble.client_config());
    assert_eq!(client.post_lead(&lead()).status, 201);
    let status = super::status(folder.path(), &mut client);
    let failure = status["certificate"]["failure"].as_str().expect("a failure");
    assert!(
        failure.contains("in use, but not stored") && failure.contains("certificate.pem"),
        "{failure}"
    );
    assert_eq!(status["warnings"][0]["code"], "certificate_renewal_failing", "{status}");
    fs::remove_dir(&file).expect("removed");
    server.signal(Signal::HUP);
    assert!(wait_until(|| file.exists()));
    assert!(wait_until(|| { super::status(folder.path(), &mut client)["warnings"] == json!([]) }));
    server.terminate();
}

#[test]
fn another_address_is_told_to_the_authority_at_the_next_order() {
    let Some(pebble) = Pebble::start(Behaviour::default()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder_of(folder.path(), &pebble.directory());
    let account = || -> Value {
        let text = fs::read_to_string(own.join("account.json")).expect("an account");
        serde_json::from_str(&text).expect("JSON")
    };
    let mut ids = Vec::new();
    for email in ["", "operator@example.com", "other@example.com"] {
        let mut command = pebble.serve_command(folder.path());
        command.env("FASTCORE_ACME_EMAIL", email);
        let mut server = ServeProcess::spawn(&mut command);
        server.read_until(ISSUED);
        server.terminate();
        let stored = account();
        assert_eq!(stored["email"].as_str().unwrap_or_default(), email);
        ids.push(stored["credentials"]["id"].clone());
        fs::remove_file(own.join("certificate.pem")).expect("removed");
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "one account: {ids:?}");
}

/// Only who validates is shown the certificate for that, and nothing else is served to it.
#[test]
fn the_protocol_of_the_validation_serves_no_requests() {
    let Some(pebble) = Pebble::start(Behaviour::default()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::spawn(&mut pebble.serve_command(folder.path()));
    server.read_until(ISSUED);
    let offering = |protocols: &[&str]| {
        let mut config = (*pebble.client_config()).clone();
        config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        connect(server.address, HOST, &config.into())
    };
    let error = offering(&["acme-tls/1"]).expect_err("no validation is under way");
    assert!(error.to_string().contains("AccessDenied"), "{error}");
    let stream = offering(&["acme-tls/1", "http/1.1"]).expect("TLS");
    assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
    assert_eq!(Client::on(stream).post_lead(&lead()).status, 201);
    let mut closed = offering(&["acme-tls/1", "h2"]).expect("TLS");
    assert!(super::is_over(&mut closed));
    server.terminate();
}
