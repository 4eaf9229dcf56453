//! The admin page's JSON for clients that accept gzip: what is compressed, and what is not.

use std::collections::BTreeSet;

use serde_json::Value;

use super::support::admin::{Browser, send_leads, server_with_account};
use super::support::http::get_bytes;
use super::support::server::TestServer;
use super::support::tools::unzipped;

/// A response to somebody who is signed in.
struct Received {
    head: String,
    /// As it was sent.
    body: Vec<u8>,
}

impl Received {
    fn is_compressed(&self) -> bool {
        self.head.contains("content-encoding: gzip\r\n")
    }

    fn json(&self) -> Value {
        let text = if self.is_compressed() {
            unzipped(&self.body)
        } else {
            String::from_utf8(self.body.clone()).expect("text")
        };
        serde_json::from_str(&text).expect("JSON")
    }
}

fn get(server: &TestServer, browser: &Browser, path: &str, accept: &str) -> Received {
    let cookie = browser.cookie.as_deref().expect("a cookie");
    let headers = [("Cookie", cookie), ("Accept-Encoding", accept)];
    let (head, body) = get_bytes(server.address, path, &headers);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    Received { head, body }
}

#[test]
fn the_list_was_sent_without_compression() {
    let (server, browser) = server_with_account();
    send_leads(&server, 50);
    let plain = get(&server, &browser, "/admin/api/leads", "identity");
    assert!(!plain.is_compressed() && plain.body.len() > 10_000, "{}", plain.head);
    for path in ["/admin/api/leads", "/admin/api/audit", "/admin/api/leads?limit=20"] {
        let compressed = get(&server, &browser, path, "gzip, deflate, br, zstd");
        assert!(compressed.is_compressed(), "{path}: {}", compressed.head);
        let length = format!("content-length: {}\r\n", compressed.body.len());
        assert!(compressed.head.contains(&length), "{path}: {}", compressed.head);
        let plain = get(&server, &browser, path, "gzip;q=0");
        assert_eq!(compressed.json(), plain.json(), "{path}");
        assert!(compressed.body.len() < plain.body.len() / 3, "{path}");
        for answer in [&compressed, &plain] {
            assert!(answer.head.contains("vary: accept-encoding\r\n"), "{}", answer.head);
        }
    }
}

/// Secrets are in none of the compressed responses (BREACH), and what is short gains nothing.
#[test]
fn answers_with_secrets_and_short_ones_are_not_compressed() {
    let (server, browser) = server_with_account();
    send_leads(&server, 1);
    for path in ["/admin/api/session", "/admin/api/account", "/admin/api/leads?limit=1", "/health"]
    {
        let answer = get(&server, &browser, path, "gzip");
        assert!(!answer.is_compressed(), "{path}: {}", answer.head);
    }
}

/// Who sends leads and watches the wire must not learn from lengths what else the list has.
#[test]
fn the_length_of_a_compressed_list_varies_at_random() {
    let (server, browser) = server_with_account();
    send_leads(&server, 20);
    let length = || get(&server, &browser, "/admin/api/leads", "gzip").body.len();
    let lengths: BTreeSet<usize> = (0..20).map(|_| length()).collect();
    assert!(lengths.len() > 5, "{lengths:?}");
}
