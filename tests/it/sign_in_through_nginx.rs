//! Signing in through a real nginx, as the documents set it up: clients are told apart, in the limits and in the
//! log, from which a real fail2ban reads their addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use super::support::admin::{self, PASSWORD, SAME_ORIGIN};
use super::support::binary::{ServeProcess, command, free_address};
use super::support::http::{Client, Response};
use super::support::{TOKEN, tools, wait_until};

const STAFF: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// The first fenced block after a text of a document.
fn block_after(page: &str, text: &str) -> String {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("a page");
    let after = page.split_once(text).unwrap_or_else(|| panic!("no {text}")).1;
    let block = after.split("```").nth(1).expect("a block");
    block.split_once('\n').expect("a tag").1.to_owned()
}

struct Nginx {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// As docs/install.md sets it up, without TLS.
    fn start(program: &Path, server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address();
        let documented = block_after("docs/install.md", "The proxy:");
        let site = documented.split("END'\n").nth(1).and_then(|rest| rest.split("END\n").next());
        let without_tls = |line: &&str| !line.contains("ssl_") && !line.contains("listen [::]");
        let site: String =
            site.expect("a file").lines().filter(without_tls).map(|l| format!("{l}\n")).collect();
        let site = site.replace("443 ssl", &address.to_string());
        let site = site.replace("127.0.0.1:8000", &server.to_string());
        let work = folder.path().display();
        let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|of| format!("{of}_temp_path {work}/{of};"))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {work}/pid;\nerror_log stderr;\nevents {{}}\n\
             http {{\naccess_log off;\n{temp}\n{site}}}\n"
        );
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, &config).expect("a file");
        let mut nginx = Command::new(program);
        nginx.arg("-p").arg(folder.path()).arg("-c").arg(&path).args(["-e", "stderr"]);
        let process = nginx.stderr(Stdio::null()).spawn().expect("nginx runs");
        let listens = || TcpStream::connect(address).is_ok();
        assert!(wait_until(listens), "nginx listens: {config}");
        Self { process, address, _folder: folder }
    }

    /// Tries to sign in from an address of this machine.
    fn sign_in(&self, from: Ipv4Addr, password: &str, headers: &[(&str, &str)]) -> Response {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind((IpAddr::V4(from), 0).into()).expect("an address of this machine");
            socket.connect(self.address).await.expect("nginx accepts").into_std().expect("a stream")
        });
        stream.set_nonblocking(false).expect("blocking");
        let body = json!({"name": "jean", "password": password}).to_string();
        let headers = [headers, &[SAME_ORIGIN, ("Content-Type", "application/json")]].concat();
        let mut client = Client::over(stream);
        client.request("POST", "/admin/api/session", &headers, body.as_bytes())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn behind_nginx_a_stranger_locked_everybody_out() {
    let Some(program) = tools::find("nginx") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut serve = command(folder.path(), &["serve", "--trusted-proxies", "127.0.0.1"]);
    let mut server = ServeProcess::spawn(serve.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN));
    admin::add_account(folder.path(), "jean");
    let nginx = Nginx::start(&program, server.address);
    let guess = |headers: &[(&str, &str)]| nginx.sign_in(STRANGER, "wrong horse battery", headers);
    // More than an account has for all clients together, with and without a forged address.
    let statuses: Vec<u16> = (0..60_u32)
        .map(|i| {
            let forged = format!("192.0.2.{i}");
            let for_each = format!("for={forged}");
            guess(&[("X-Forwarded-For", &forged), ("Forwarded", &for_each)]).status
        })
        .collect();
    let tried = statuses.iter().filter(|status| **status == 401).count();
    assert!((5..15).contains(&tried), "{statuses:?}");
    assert_eq!(nginx.sign_in(STAFF, PASSWORD, &[]).status, 200);
    server.terminate();

    let lines = server.log.iter().map(|line| serde_json::from_str(line).expect("JSON"));
    let refused: Vec<Value> = lines.filter(|line: &Value| line["client"].is_string()).collect();
    let stranger = STRANGER.to_string();
    assert!(refused.iter().all(|line| line["client"] == stranger.as_str()), "{refused:?}");
    assert!(refused.iter().all(|line| line["level"] == "WARN"), "{refused:?}");
    let counted = refused.iter().map(|line| line["repeated"].as_u64().unwrap_or(1));
    assert_eq!(counted.sum::<u64>(), 60, "{refused:?}");
    assert!(refused.len() < 25, "not a line each: {refused:?}");
    let wrong = refused.iter().filter(|line| line["status"] == 401).count();
    assert!(wrong >= 5, "enough to be counted: {refused:?}");
    assert_fail2ban_finds(&stranger, wrong, &server.log);
}

/// With the filter of docs/operations.md.
fn assert_fail2ban_finds(client: &str, count: usize, log: &[String]) {
    let Some(fail2ban) = tools::find("fail2ban-regex") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (filter, lines) = (folder.path().join("fastcore.conf"), folder.path().join("log"));
    let documented = block_after("docs/operations.md", "`/etc/fail2ban/filter.d/fastcore.conf`");
    std::fs::write(&filter, documented).expect("a file");
    std::fs::write(&lines, log.join("\n")).expect("a file");
    let mut regex = Command::new(fail2ban);
    let output = regex.args(["--out", "ip"]).args([&lines, &filter]).output().expect("it runs");
    let found = String::from_utf8_lossy(&output.stdout);
    assert_eq!(found.lines().collect::<Vec<_>>(), vec![client; count], "{output:?}");
}
