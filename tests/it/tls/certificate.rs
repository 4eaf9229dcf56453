//! The certificate's files: at the start, and while the server runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::binary::{ServeProcess, command, run, run_to_exit};
use crate::support::http::Client;
use crate::support::tls::{Authority, Pair, TlsStream, paths};
use crate::support::{TOKEN, lead, wait_until};

/// `serve` with the certificate of a folder.
pub(crate) fn serve_command(folder: &Path) -> Command {
    let (certificate, key) = paths(folder);
    let mut command = command(folder, &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN);
    command.env("FASTCORE_TLS_CERT", certificate).env("FASTCORE_TLS_KEY", key);
    command
}

/// The certificate that a server shows, in DER.
pub(crate) fn shown(client: &Client<TlsStream>) -> Vec<u8> {
    client.stream.conn.peer_certificates().expect("a certificate")[0].to_vec()
}

pub(crate) fn count(log: &[String], text: &str) -> usize {
    log.iter().filter(|line| line.contains(text)).count()
}

const REFUSED: &str = "the new certificate is refused";

#[test]
fn a_renewal_under_load_loses_no_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Arc::new(Authority::new());
    authority.issue(-1, 30).write(folder.path());
    let mut server = ServeProcess::spawn(&mut serve_command(folder.path()));
    let address = server.address;
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let (authority, over) = (Arc::clone(&authority), Arc::clone(&over));
            std::thread::spawn(move || {
                let mut sent = 0;
                while !over.load(Ordering::Relaxed) {
                    let mut client = authority.connect(address);
                    for _ in 0..3 {
                        assert_eq!(client.post_lead(&lead()).status, 201);
                        sent += 1;
                    }
                }
                sent
            })
        })
        .collect();
    let mut kept = authority.connect(address);
    assert_eq!(kept.post_lead(&lead()).status, 201);
    let first = shown(&kept);
    // At a signal at once, and without one within seconds.
    for signal in [Some(Signal::HUP), None] {
        let before = shown(&authority.connect(address));
        authority.issue(-1, 90).write(folder.path());
        if let Some(signal) = signal {
            server.signal(signal);
        }
        let renewed = || shown(&authority.connect(address)) != before;
        assert!(wait_until(renewed), "{signal:?}");
    }
    over.store(true, Ordering::Relaxed);
    let sent: usize = clients.into_iter().map(|client| client.join().expect("no failure")).sum();
    assert!(sent > 0);
    assert_eq!(kept.post_lead(&lead()).status, 201, "connections that are open go on");
    assert_eq!(shown(&kept), first);
    server.terminate();
    assert_eq!(count(&server.log, REFUSED), 0, "{:?}", server.log);
}

#[test]
fn bad_new_pairs_are_refused_in_one_line_and_the_old_one_serves() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let good = authority.issue(-1, 30);
    good.write(folder.path());
    let mut server = ServeProcess::spawn(&mut serve_command(folder.path()));
    let first = shown(&authority.connect(server.address));
    let new = authority.issue(-1, 90);
    let half = new.certificate.len() / 2;
    for (bad, reason) in [
        (Pair { key: good.key.clone(), ..new.clone() }, "does not belong to"),
        (Pair { certificate: new.certificate[..half].into(), ..new.clone() }, "no certificate"),
        (Pair { key: String::new(), ..new.clone() }, "no private key"),
        (Pair { certificate: "junk".into(), ..new.clone() }, "no certificate"),
        (authority.issue(-60, -1), "expired on"),
        (authority.issue(2, 90), "not valid before"),
    ] {
        bad.write(folder.path());
        server.signal(Signal::HUP);
        server.read_until(REFUSED);
        let line = server.log.last().expect("a line");
        assert!(line.contains(reason) && line.contains("ERROR"), "{reason}: {line}");
        assert_eq!(shown(&authority.connect(server.address)), first, "{reason}");
    }
    fs::remove_file(paths(folder.path()).1).expect("removed");
    server.signal(Signal::HUP);
    server.read_until(REFUSED);
    assert!(server.log.last().expect("a line").contains("No such file"));
    // The key is never in the log, and the server recovers.
    let secret = new.key.lines().nth(1).expect("a line of the key");
    assert_eq!(count(&server.log, secret), 0);
    new.write(folder.path());
    server.signal(Signal::HUP);
    let renewed = || shown(&authority.connect(server.address)) != first;
    assert!(wait_until(renewed));
    server.terminate();
}

/// A renewal writes two files one after the other.
#[test]
fn a_pair_that_stays_incomplete_is_reported_once_without_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    authority.issue(-1, 30).write(folder.path());
    let mut server = ServeProcess::spawn(&mut serve_command(folder.path()));
    let (certificate, _) = paths(folder.path());
    fs::write(certificate, authority.issue(-1, 90).certificate).expect("written");
    server.read_until(REFUSED);
    std::thread::sleep(Duration::from_secs(11));
    server.terminate();
    assert_eq!(count(&server.log, REFUSED), 1, "{:?}", server.log);
}

/// certbot replaces the targets of symbolic links.
#[test]
fn a_symbolic_link_to_a_new_pair_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let at = |name: &str| folder.path().join(name);
    for name in ["archive1", "archive2"] {
        fs::create_dir(at(name)).expect("created");
        authority.issue(-1, 30).write(&at(name));
    }
    std::os::unix::fs::symlink("archive1", at("live")).expect("a link");
    let (certificate, key) = paths(&at("live"));
    let mut command = serve_command(folder.path());
    command.env("FASTCORE_TLS_CERT", certificate).env("FASTCORE_TLS_KEY", key);
    let mut server = ServeProcess::spawn(&mut command);
    let first = shown(&authority.connect(server.address));
    std::os::unix::fs::symlink("archive2", at("new")).expect("a link");
    fs::rename(at("new"), at("live")).expect("renamed");
    let renewed = || shown(&authority.connect(server.address)) != first;
    assert!(wait_until(renewed));
    server.terminate();
}

#[test]
fn a_bad_pair_at_the_start_stops_it_in_one_line() {
    let authority = Authority::new();
    let (good, other) = (authority.issue(-1, 30), authority.issue(-1, 30));
    for (bad, reason) in [
        (Pair { key: other.key, ..good.clone() }, "does not belong to"),
        (Pair { certificate: "junk".into(), ..good.clone() }, "no certificate"),
        (Pair { key: good.certificate.clone(), ..good.clone() }, "no private key"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        bad.write(folder.path());
        let (status, said) = run_to_exit(&mut serve_command(folder.path()));
        assert_eq!((status, said.lines().count()), (1, 1), "{said}");
        assert!(said.contains("FASTCORE_TLS_CERT") && said.contains(reason), "{said}");
        assert!(!folder.path().join("fastcore.db").exists(), "it leaves nothing behind");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (status, said) = run_to_exit(&mut serve_command(folder.path()));
    assert_eq!((status, said.lines().count()), (1, 1), "{said}");
    assert!(said.contains("No such file"), "{said}");
}

/// Refusing to start would lose what comes another way, and a renewal needs no restart.
#[test]
fn an_expired_certificate_serves_and_is_reported_as_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    authority.issue(-60, -1).write(folder.path());
    let mut server = ServeProcess::spawn(&mut serve_command(folder.path()));
    server.read_until("clients refuse the certificate");
    authority.issue(-1, 90).write(folder.path());
    server.signal(Signal::HUP);
    server.read_until("is in use");
    assert_eq!(authority.connect(server.address).post_lead(&lead()).status, 201);
    server.terminate();
}

#[test]
fn check_says_how_long_the_certificate_is_valid_and_who_can_read_the_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let finding = |days: i32| {
        authority.issue(-60, days).write(folder.path());
        let mut server = ServeProcess::spawn(&mut serve_command(folder.path()));
        if days > 0 {
            let mut client = authority.connect(server.address);
            let status = &super::status(folder.path(), &mut client)["certificate"];
            let of_it = (&status["source"], status["days_left"].as_i64());
            assert_eq!(of_it, (&Value::from("files"), Some(i64::from(days) - 1)), "{status}");
        }
        server.terminate();
        // It finds the files by the settings that the server has left.
        let output = run(folder.path(), &["check", "--json"]);
        let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let all = findings.as_array().expect("a list").clone();
        let https = all.iter().find(|finding| finding["check"] == "https").expect("a finding");
        (https["level"].clone(), https["detail"].to_string())
    };
    for (days, level, text) in [
        (40, "OK", "valid for 39 more days"),
        (10, "WARNING", "valid for 9 more days"),
        (-1, "ERROR", "expired on"),
    ] {
        let (found, detail) = finding(days);
        assert!(found.as_str().is_some_and(|found| found.eq_ignore_ascii_case(level)), "{found}");
        assert!(detail.contains(text), "{detail}");
    }
    let (_, key) = paths(folder.path());
    fs::set_permissions(key, fs::Permissions::from_mode(0o644)).expect("a mode");
    let output = run(folder.path(), &["check"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("secret of FASTCORE_TLS_KEY, and others can read it"), "{said}");
    let mut server = ServeProcess::spawn(&mut serve_command(folder.path()));
    server.terminate();
    assert!(count(&server.log, "others can read it (mode 644)") == 1, "{:?}", server.log);
}
