//! Settings of HTTPS that contradict each other, and what HTTPS makes unnecessary.

use std::process::Command;

use crate::support::TOKEN;
use crate::support::binary::{ServeProcess, command, run_to_exit, run_until_listening};
use crate::support::tls::{Authority, paths};

fn serve(folder: &std::path::Path, settings: &[(&str, &str)]) -> Command {
    let mut command = command(folder, &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("FASTCORE_LISTEN", "127.0.0.1:0");
    command.envs(settings.iter().copied());
    command
}

#[test]
fn settings_of_https_that_contradict_each_other_stop_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = [("FASTCORE_TLS_CERT", "cert.pem"), ("FASTCORE_TLS_KEY", "key.pem")];
    let with_url = [pair[0], pair[1], ("FASTCORE_PUBLIC_URL", "http://leads.example")];
    for (settings, expected) in [
        (&pair[..1], "FASTCORE_TLS_KEY: not set, and FASTCORE_TLS_CERT is"),
        (&pair[1..], "FASTCORE_TLS_CERT: not set, and FASTCORE_TLS_KEY is"),
        (&with_url, "FASTCORE_PUBLIC_URL: http://leads.example is plaintext"),
        (
            &[("FASTCORE_REDIRECT_LISTEN", "127.0.0.1:0")],
            "FASTCORE_REDIRECT_LISTEN: there is no HTTPS to redirect to",
        ),
    ] {
        let (status, said) = run_to_exit(&mut serve(folder.path(), settings));
        assert_eq!((status, said.lines().count()), (1, 1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "a refused start creates no file");
}

#[test]
fn https_on_an_address_that_is_not_loopback_needs_no_permission_for_plaintext() {
    let folder = tempfile::tempdir().expect("a folder");
    Authority::new().issue(-1, 90).write(folder.path());
    let mut command = serve(folder.path(), &[("FASTCORE_LISTEN", "0.0.0.0:0")]);
    let (_, refused) = run_to_exit(&mut command);
    assert!(refused.contains("leads would be sent in plaintext"), "{refused}");
    let (certificate, key) = paths(folder.path());
    command.env("FASTCORE_TLS_CERT", certificate).env("FASTCORE_TLS_KEY", key);
    let (_, log) = run_until_listening(&mut command);
    assert!(log.contains("POST leads to https://0.0.0.0:"), "{log}");
}

#[test]
fn flags_name_the_pair_and_links_of_commands_are_https() {
    let folder = tempfile::tempdir().expect("a folder");
    Authority::new().issue(-1, 90).write(folder.path());
    let arguments = ["serve", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let mut command = command(folder.path(), &arguments);
    let mut server = ServeProcess::spawn(command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN));
    let link = crate::support::binary::run(folder.path(), &["staff", "invite", "marie"]);
    server.terminate();
    let said = String::from_utf8_lossy(&link.stdout).into_owned();
    assert!(said.contains("https://127.0.0.1:"), "{said}");
}
