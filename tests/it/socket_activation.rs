//! Listening sockets that systemd passes: a shell in its place passes those of the test, as systemd does.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::Signal;
use serde_json::json;
use uuid::Uuid;

use super::support::binary::{ServeProcess, run_to_exit, succeed};
use super::support::http::{Client, Response, lead_request, once};
use super::support::tls::Authority;
use super::support::{TOKEN, lead};

/// Passes the sockets whose numbers are the arguments after the command.
const PASS: &str = r#"
next=3
for socket in $SOCKETS; do
    eval "exec $next<&$socket $socket<&-"
    next=$((next + 1))
done
[ -n "$KEEP" ] || unset FASTCORE_LISTEN
export LISTEN_PID=${OTHER:-$$} LISTEN_FDS=$((next - 3))
exec "$0" serve "$@"
"#;

/// `serve` that gets copies of these sockets under these names.
struct Activation(Vec<OwnedFd>);

impl Activation {
    fn of(sockets: &[&dyn AsFd]) -> Self {
        let copies = sockets.iter().map(|socket| {
            let copy = fcntl_dupfd_cloexec(socket.as_fd(), 100).expect("a copy");
            fcntl_setfd(&copy, FdFlags::empty()).expect("it is inherited");
            copy
        });
        Self(copies.collect())
    }

    fn command(&self, folder: &Path, names: &str, flags: &[&str]) -> Command {
        let mut shell = Command::new("bash");
        shell.args(["-c", PASS, env!("CARGO_BIN_EXE_fastcore")]).args(flags);
        shell.current_dir(folder).env_clear().env("FASTCORE_SITE_INGEST_TOKEN", TOKEN);
        let numbers: Vec<String> = self.0.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
        shell.env("SOCKETS", numbers.join(" "));
        if !names.is_empty() {
            shell.env("LISTEN_FDNAMES", names);
        }
        shell
    }
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn send_lead(client: &mut Client) -> String {
    let mut lead = lead();
    let id = Uuid::new_v4().to_string();
    lead["meta"]["request_id"] = json!(id);
    client.send(lead_request(lead.to_string().as_bytes()));
    id
}

fn status(answer: Option<Response>) -> Option<u16> {
    answer.map(|answer| answer.status)
}

#[test]
fn connections_wait_for_the_next_server_on_a_socket_that_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, address) = listener();
    let activation = Activation::of(&[&socket]);
    let mut serve = activation.command(folder.path(), "listen", &[]);
    let mut before = Client::connect(address);
    send_lead(&mut before);
    let mut server = ServeProcess::spawn(&mut serve);
    assert_eq!(server.address, address);
    assert!(server.log.iter().any(|line| line.contains("systemd passed the socket")));
    assert_eq!(status(before.receive()), Some(201));

    // These wait when the signal arrives.
    server.signal(Signal::STOP);
    let mut waiting: Vec<Client> = (0..20).map(|_| Client::connect(address)).collect();
    let ids: Vec<String> = waiting.iter_mut().map(send_lead).collect();
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    assert!(server.wait().success(), "{:?}", server.log);
    let mut after = Client::connect(address);
    send_lead(&mut after);

    let mut server = ServeProcess::spawn(&mut serve);
    for client in waiting.iter_mut().chain([&mut after]) {
        assert_eq!(status(client.receive()), Some(201));
    }
    server.terminate();
    let stored = succeed(folder.path(), &["export", "leads", "--format", "jsonl"]);
    assert_eq!(stored.lines().count(), 22);
    assert!(ids.iter().all(|id| stored.contains(id)));
}

#[test]
fn restarts_under_load_refuse_no_connection_and_lose_no_lead() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, address) = listener();
    let activation = Activation::of(&[&socket]);
    let mut serve = activation.command(folder.path(), "listen", &[]);
    let is_over = AtomicBool::new(false);
    let stored = std::thread::scope(|scope| {
        let clients: Vec<_> = std::iter::repeat_with(|| {
            scope.spawn(|| {
                let mut stored = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let mut client = Client::connect(address);
                    send_lead(&mut client);
                    assert_eq!(status(client.receive()), Some(201));
                    stored += 1;
                }
                stored
            })
        })
        .take(4)
        .collect();
        for _ in 0..3 {
            let mut server = ServeProcess::spawn(&mut serve);
            std::thread::sleep(Duration::from_millis(300));
            server.terminate();
        }
        is_over.store(true, Ordering::Relaxed);
        // Those that wait.
        let mut server = ServeProcess::spawn(&mut serve);
        let counts = clients.into_iter().map(|client| client.join().expect("every answer is 201"));
        let stored: usize = counts.sum();
        server.terminate();
        stored
    });
    assert!(stored > 20, "{stored}");
    let leads = succeed(folder.path(), &["export", "leads", "--format", "jsonl"]);
    assert_eq!(leads.lines().count(), stored);
}

#[test]
fn https_and_the_redirect_take_the_sockets_of_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let ((main, address), (redirect, plain)) = (listener(), listener());
    let activation = Activation::of(&[&redirect, &main]);
    let authority = Authority::new();
    authority.issue(-1, 60).write(folder.path());
    let files = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let mut server =
        ServeProcess::spawn(&mut activation.command(folder.path(), "redirect:listen", &files));
    let mut client = authority.connect(address);
    client.send(lead_request(lead().to_string().as_bytes()));
    assert_eq!(status(client.receive()), Some(201));
    let answer = once(plain, "GET", "/admin", &[], b"");
    let location = format!("https://localhost:{}/admin", address.port());
    assert_eq!((answer.status, answer.header("location")), (308, Some(location.as_str())));

    server.terminate();
    let shown = succeed(folder.path(), &["config", "show"]);
    assert!(shown.lines().any(|line| line.starts_with("FASTCORE_LISTEN ")
        && line.contains(&address.to_string())));
}

#[test]
fn sockets_that_do_not_fit_are_refused_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, address) = listener();
    let elsewhere = TcpListener::bind("0.0.0.0:0").expect("an address");
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("an address");
    let local = UnixListener::bind(folder.path().join("socket")).expect("a path");
    let connection = TcpStream::connect(address).expect("a connection");
    let file = fs::File::create(folder.path().join("file")).expect("a file");
    let one = |socket: &dyn AsFd| Activation::of(&[socket]);
    let type_fault = "the socket \"listen\" that systemd passed: not a TCP socket that listens";
    let other = ["--listen", "127.0.0.1:8000"];
    for (activation, names, flags, fault) in [
        (one(&datagrams), "listen", &[][..], type_fault),
        (one(&local), "listen", &[], type_fault),
        (one(&connection), "listen", &[], type_fault),
        (one(&file), "listen", &[], type_fault),
        (
            one(&socket),
            "fastcore.socket",
            &[],
            "the socket \"fastcore.socket\" that systemd passed: FASTCORE_LISTEN takes",
        ),
        (
            Activation::of(&[&socket, &socket]),
            "listen:listen",
            &[],
            "there is another of this name",
        ),
        (Activation::of(&[&socket, &socket]), "", &[], "there is another of this name"),
        (
            one(&socket),
            "redirect",
            &[],
            "FASTCORE_REDIRECT_LISTEN: there is no HTTPS to redirect to",
        ),
        (one(&elsewhere), "listen", &[], "leads would be sent in plaintext"),
        (
            one(&socket),
            "listen",
            &other,
            "FASTCORE_LISTEN: 127.0.0.1:8000 is not the address 127.0.0.1:",
        ),
    ] {
        let (status, log) = run_to_exit(&mut activation.command(folder.path(), names, flags));
        assert_eq!((status, log.lines().count()), (1, 1), "{names} {fault}: {log}");
        assert!(log.starts_with("fastcore: ") && log.contains(fault), "{names} {fault}: {log}");
    }
    assert!(!folder.path().join("fastcore.db").exists());
}

#[test]
fn the_settings_that_agree_with_a_socket_are_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, address) = listener();
    let activation = Activation::of(&[&socket]);
    // systemd names each; others may not.
    let flags = ["--listen", &address.to_string()];
    let mut server = ServeProcess::spawn(&mut activation.command(folder.path(), "", &flags));
    assert_eq!(server.address, address);
    server.terminate();
}

#[test]
fn the_sockets_of_another_process_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, address) = listener();
    let activation = Activation::of(&[&socket]);
    let mut serve = activation.command(folder.path(), "listen", &[]);
    let mut server = ServeProcess::spawn(serve.env("OTHER", "1").env("KEEP", "yes"));
    assert_ne!(server.address, address);
    server.terminate();
}
