//! Starts a server on a port of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

/// Runs a command that serves in a folder, and waits for its address.
pub(super) fn start(command: &mut Command, folder: &Path) -> (Child, SocketAddr) {
    // Logs go where an operator's go: through a pipe to a reader.
    let mut child = command
        .current_dir(folder)
        .env("FASTCORE_LISTEN", "127.0.0.1:0")
        .env("FASTCORE_SITE_INGEST_TOKEN", TOKEN)
        .stderr(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
    let address = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).expect("a log") > 0, "{command:?} does not start");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(address) = event["address"].as_str() {
            break address.parse().expect("an address");
        }
    };
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    (child, address)
}
