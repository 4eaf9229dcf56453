//! The assets of the admin page: names, caching, compression and security headers.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::support::http::{Response, get_bytes, once};
use super::support::server::TestServer;
use super::support::tools::unzipped;

const ADMIN: &str = "/admin/assets/";

fn get(address: SocketAddr, path: &str) -> Response {
    once(address, "GET", path, &[], b"")
}

/// Every address of a file that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let rest = text.split(ADMIN).skip(1);
    rest.map(|r| format!("{ADMIN}{}", r.split(|c| !of_name(c)).next().unwrap_or_default()))
        .collect()
}

/// All files that the page leads to, with what they hold.
fn crawl(address: SocketAddr) -> Vec<(String, Response)> {
    let mut open: Vec<String> = named(&get(address, "/admin").body).into_iter().collect();
    let (mut seen, mut files) = (BTreeSet::new(), Vec::new());
    while let Some(path) = open.pop() {
        if seen.insert(path.clone()) {
            let answer = get(address, &path);
            assert_eq!(answer.status, 200, "{path} is named and not there");
            open.extend(named(&answer.body));
            files.push((path, answer));
        }
    }
    files
}

#[test]
fn every_referenced_asset_exists_and_is_immutable() {
    let server = TestServer::start();
    let files = crawl(server.address);
    for (path, answer) in files {
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        let parts: Vec<&str> = path.rsplit('.').collect();
        let hash = parts.get(1).expect("a hash");
        assert!(hash.len() == 10 && hash.chars().all(|c| c.is_ascii_hexdigit()), "{path}");
        let kind = answer.header("content-type").expect("a type");
        let expected = match parts[0] {
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "webmanifest" => "application/manifest+json",
            other => panic!("{other} has no type yet: {path}, {kind}"),
        };
        assert_eq!(kind, expected, "{path}");
    }
}

/// A module that another one imports is found only when that one has arrived.
#[test]
fn the_page_loaded_48_files_at_four_levels() {
    let server = TestServer::start();
    let first = named(&get(server.address, "/admin").body);
    let scripts =
        |files: &BTreeSet<String>| files.iter().filter(|name| name.ends_with("js")).count();
    assert!(first.iter().filter(|name| name.ends_with(".css")).count() == 1, "{first:?}");
    assert!(scripts(&first) <= 4, "{first:?}");
    for script in first.iter().filter(|name| name.ends_with("js")) {
        let source = get(server.address, script).body;
        for line in source.lines().filter(|line| line.starts_with("import ")) {
            let imported = named(line);
            assert!(imported.is_subset(&first), "{script} asks for more: {line}");
        }
    }
}

#[test]
fn a_page_is_revalidated_and_answered_304() {
    let server = TestServer::start();
    let page = get(server.address, "/admin");
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let tag = page.header("etag").expect("a tag").to_owned();
    for view in [
        "leads/0198a6f2-0000-7000-8000-000000000000",
        "stats",
        "audit",
        "status",
        "setup",
        "sign-in",
    ] {
        let same = get(server.address, &format!("/admin/{view}"));
        assert_eq!((same.status, same.body.as_str()), (200, page.body.as_str()), "{view}");
    }
    for known in [tag.as_str(), &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
        let answer = once(server.address, "GET", "/admin", &[("If-None-Match", known)], b"");
        assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{known}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
    }
    for other in ["\"x\"", "", "x"] {
        let answer = once(server.address, "GET", "/admin", &[("If-None-Match", other)], b"");
        assert_eq!(answer.status, 200, "{other}");
    }
    let slash = get(server.address, "/admin/");
    assert_eq!((slash.status, slash.header("location")), (308, Some("/admin")));
}

#[test]
fn the_content_encoding_follows_accept_encoding() {
    let server = TestServer::start();
    let (path, plain) = crawl(server.address)
        .into_iter()
        .max_by_key(|(_, answer)| answer.body.len())
        .expect("a file");
    let cases = [
        ("gzip, deflate, br, zstd", Some("br")),
        ("br;q=0, gzip", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("br;q=0.1", Some("br")),
        ("*", Some("br")),
        ("br;q=0, *", Some("gzip")),
        ("deflate, zstd", None),
        ("identity", None),
        ("", None),
        ("br;q=0, gzip;q=0", None),
        ("br;q=x", None),
    ];
    let mut tags = BTreeSet::new();
    for (accept, coding) in cases {
        let (head, body) = get_bytes(server.address, &path, &[("Accept-Encoding", accept)]);
        let reported = head.lines().find_map(|l| l.strip_prefix("content-encoding: "));
        assert_eq!(reported, coding, "{accept:?}: {head}");
        assert!(head.contains("vary: Accept-Encoding\r\n"), "{head}");
        let tag = head.lines().find(|l| l.starts_with("etag: ")).expect("a tag");
        tags.insert((coding, tag.to_owned()));
        match coding {
            Some(_) => assert!(body.len() < plain.body.len() / 2, "{accept}: {}", body.len()),
            None => assert!(body == plain.body.as_bytes(), "{accept}"),
        }
        if coding == Some("gzip") {
            assert_eq!(unzipped(&body), plain.body);
        }
    }
    let different: BTreeSet<&String> = tags.iter().map(|(_, tag)| tag).collect();
    assert_eq!((tags.len(), different.len()), (3, 3), "a tag of its own for each form");
}

#[test]
fn a_large_file_is_also_there_for_clients_without_compression() {
    let server = TestServer::start();
    let path = "/docs/swagger-ui-bundle.js";
    let source = include_bytes!("../../assets/vendor/swagger-ui-5.35.0/swagger-ui-bundle.js");
    for _ in 0..2 {
        let (head, body) = get_bytes(server.address, path, &[("Accept-Encoding", "identity")]);
        assert!(head.contains(&format!("content-length: {}\r\n", source.len())), "{head}");
        assert!(body == source, "{} bytes", body.len());
    }
    let (_, body) = get_bytes(server.address, path, &[("Accept-Encoding", "gzip")]);
    assert!(body.len() < source.len() / 3);
}

#[test]
fn the_page_s_transfer_size_stays_within_budget() {
    let server = TestServer::start();
    let mut total = get_bytes(server.address, "/admin", &[("Accept-Encoding", "br")]).1.len();
    // A browser loads the icons when the page is added to a home screen.
    let icons = |path: &str| path.ends_with(".png");
    for (path, _) in crawl(server.address).into_iter().filter(|(path, _)| !icons(path)) {
        total += get_bytes(server.address, &path, &[("Accept-Encoding", "br")]).1.len();
    }
    assert!(total < 110_000, "{total} bytes");
}

#[test]
fn the_service_worker_is_revalidated_and_controls_the_page_alone() {
    let server = TestServer::start();
    let script = get(server.address, "/admin/sw.js");
    assert_eq!(script.header("cache-control"), Some("no-cache"));
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("service-worker-allowed"), Some("/admin"));
    get(server.address, "/admin/assets/sw.js").assert_error(404, "not_found");
}

#[test]
fn unknown_asset_paths_return_404() {
    let server = TestServer::start();
    let page = get(server.address, "/admin").body;
    let path = named(&page).into_iter().next().expect("a file");
    for wrong in [
        "",
        "app.js",
        "index.html",
        "index.html.br",
        "../index.html",
        "..%2f..%2fCargo.toml",
        "%2e%2e/index.html",
        "/etc/passwd",
        "vendor/README.md",
        "x.0123456789.js",
    ] {
        let answer = get(server.address, &format!("{ADMIN}{wrong}"));
        answer.assert_error(404, "not_found");
    }
    get(server.address, &format!("{path}.br")).assert_error(404, "not_found");
    get(server.address, &format!("{path}.gz")).assert_error(404, "not_found");
}

#[test]
fn a_browser_at_an_unknown_address_was_shown_json() {
    let server = TestServer::start();
    let browser = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let root = once(server.address, "GET", "/", &browser, b"");
    assert_eq!((root.status, root.header("location")), (307, Some("/admin")));
    let page = get(server.address, "/admin").body;
    for path in ["/admin/leads", "/admin/xyz", "/admin/stats/more"] {
        let answer = once(server.address, "GET", path, &browser, b"");
        assert_eq!((answer.status, answer.body), (404, page.clone()), "{path}");
        get(server.address, path).assert_error(404, "not_found");
    }
    for path in ["/xyz", "/admin/api/xyz", "/admin/assets/xyz.js"] {
        once(server.address, "GET", path, &browser, b"").assert_error(404, "not_found");
    }
    get(server.address, "/").assert_error(404, "not_found");
    once(server.address, "POST", "/admin/xyz", &browser, b"").assert_error(404, "not_found");
}

#[test]
fn every_page_response_has_the_security_headers() {
    let server = TestServer::start();
    let script = named(&get(server.address, "/admin").body).into_iter().next().expect("a file");
    let page = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                font-src 'self'; connect-src 'self'; frame-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let data = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
    // With `no-referrer`, browsers send a form with `Origin: null`.
    for (path, policy, referrer) in [
        ("/admin", page, "strict-origin"),
        ("/admin/stats", page, "strict-origin"),
        (script.as_str(), page, "strict-origin"),
        ("/admin/api/session", data, "no-referrer"),
        ("/admin/nothing", data, "no-referrer"),
        ("/admin/", data, "no-referrer"),
    ] {
        // The site's pages are given nothing of the admin page.
        let answer =
            once(server.address, "GET", path, &[("Origin", "https://fast-techservices.com")], b"");
        for (name, value) in [
            ("content-security-policy", policy),
            ("referrer-policy", referrer),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path} {name}");
        }
        let asks_for_none =
            answer.header("permissions-policy").is_some_and(|p| p.contains("camera=()"));
        assert!(asks_for_none, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    let page = get(server.address, "/admin").body;
    assert!(!page.contains("style=") && !page.contains("<style"), "nothing inline");
    for script in page.split("<script").skip(1) {
        assert!(script.split('>').next().is_some_and(|tag| tag.contains("src=")), "{script}");
    }
}

#[test]
fn head_of_an_asset_has_its_length_and_no_body() {
    let server = TestServer::start();
    let path = named(&get(server.address, "/admin").body).into_iter().next().expect("a file");
    let whole = get(server.address, &path);
    let head = once(server.address, "HEAD", &path, &[], b"");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));
    assert_eq!(head.header("etag"), whole.header("etag"));
}
