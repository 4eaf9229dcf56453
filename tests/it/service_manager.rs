//! What systemd is told, by a socket in its place.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use uuid::Uuid;

use super::disk_faults::BadDisk;
use super::support::binary::{ServeProcess, command, text};
use super::support::http::{once, post_lead};
use super::support::tls::Authority;
use super::support::{TOKEN, lead};

/// Longer than anything takes that a test waits for.
const SOON: Duration = Duration::from_secs(60);

struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        Self(UnixDatagram::bind(path).expect("a socket"))
    }

    fn hears_within(&self, time: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(time)).expect("a timeout");
        let mut message = [0; 4096];
        let length = self.0.recv(&mut message).ok()?;
        Some(String::from_utf8(message[..length].to_vec()).expect("UTF-8"))
    }

    /// The first message with this line.
    #[track_caller]
    fn hears(&self, line: &str) -> String {
        let end = Instant::now() + SOON;
        let mut heard = Vec::new();
        while Instant::now() < end {
            let Some(message) = self.hears_within(SOON) else { break };
            if message.lines().any(|heard| heard.starts_with(line)) {
                return message;
            }
            heard.push(message);
        }
        panic!("{line} was not told, but {heard:?}")
    }
}

fn serve(folder: &Path, socket: &str) -> Command {
    let mut command = command(folder, &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("NOTIFY_SOCKET", socket);
    command
}

#[test]
fn the_manager_hears_of_the_start_a_reload_and_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let mut server = ServeProcess::spawn(&mut serve(folder.path(), text(&path)));
    assert_eq!(manager.hears("STATUS"), "STATUS=Preparing the database");
    assert_eq!(manager.hears("READY=1"), "READY=1\nSTATUS=Leads can be stored");
    assert_eq!(post_lead(server.address, &lead()).status, 201);

    server.signal(Signal::HUP);
    let message = manager.hears("RELOADING=1");
    let time = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("a time");
    assert!(time.parse::<u64>().expect("microseconds") > 0, "{message}");
    assert_eq!(manager.hears("READY=1"), "READY=1");

    server.terminate();
    assert_eq!(manager.hears("STOPPING=1"), "STOPPING=1\nSTATUS=Finishing what has arrived");
    assert_eq!(manager.hears_within(Duration::from_millis(100)), None);
}

#[test]
fn ready_comes_only_when_leads_can_be_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    ServeProcess::start(folder.path()).terminate();
    let other = rusqlite::Connection::open(folder.path().join("fastcore.db")).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let address = super::support::binary::free_address();
    let mut server = serve(folder.path(), text(&path));
    let mut server =
        server.env("FASTCORE_LISTEN", address.to_string()).spawn().expect("the binary runs");
    assert_eq!(manager.hears("STATUS"), "STATUS=Preparing the database");
    assert_eq!(
        manager.hears_within(Duration::from_millis(1500)),
        None,
        "nothing can be stored yet"
    );
    other.execute_batch("ROLLBACK").expect("the lock goes");
    manager.hears("READY=1");
    // At once, without another try.
    let status = post_lead(address, &lead()).status;
    let _ = server.kill();
    server.wait().expect("it ends");
    assert_eq!(status, 201);
}

#[test]
fn a_reload_ends_when_the_new_certificate_is_in_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    Authority::new().issue(-1, 60).write(folder.path());
    let mut serve = serve(folder.path(), text(&path));
    serve.env("FASTCORE_TLS_CERT", "cert.pem").env("FASTCORE_TLS_KEY", "key.pem");
    let mut server = ServeProcess::spawn(&mut serve);
    manager.hears("READY=1");
    for _ in 0..3 {
        server.signal(Signal::HUP);
        manager.hears("RELOADING=1");
        assert_eq!(manager.hears("READY=1"), "READY=1");
    }
    server.terminate();
    let read = server.log.iter().filter(|line| line.contains("the certificate was read again"));
    assert_eq!(read.count(), 3, "{:?}", server.log);
}

#[test]
fn a_manager_in_the_abstract_namespace_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = format!("fastcore-{}", Uuid::new_v4());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let manager = Manager(UnixDatagram::bind_addr(&address).expect("a socket"));
    let _server = ServeProcess::spawn(&mut serve(folder.path(), &format!("@{name}")));
    manager.hears("READY=1");
}

#[test]
fn a_manager_that_is_gone_or_does_not_read_keeps_no_lead_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = ServeProcess::spawn(&mut serve(folder.path(), "/nowhere/notify"));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    server.read_until("the service manager cannot be told");
    server.terminate();

    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let full = UnixDatagram::unbound().expect("a socket");
    full.set_nonblocking(true).expect("a mode");
    while full.send_to(b"STATUS=full", &path).is_ok() {}
    let mut server = ServeProcess::spawn(&mut serve(folder.path(), text(&path)));
    assert_eq!(post_lead(server.address, &lead()).status, 201);
    // READY is not lost.
    manager.hears("READY=1");
    while full.send_to(b"STATUS=full", &path).is_ok() {}
    server.terminate();
}

#[test]
fn a_writer_that_hangs_is_not_restarted() {
    let disk = BadDisk::new();
    let path = disk.path().join("notify");
    let manager = Manager::at(&path);
    let mut serve = disk.serve();
    let stuck = disk.path().join("flushes-hang");
    serve.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000").env("HANGING_FSYNC", &stuck);
    let server = ServeProcess::spawn(&mut serve);
    manager.hears("READY=1");
    for _ in 0..5 {
        manager.hears("WATCHDOG=1");
    }

    // What fails is tried again: a new start would not help.
    disk.breaks();
    post_lead(server.address, &lead()).assert_error(503, "unavailable");
    manager.hears("STATUS=Leads cannot be stored: ");
    let end = Instant::now() + Duration::from_secs(7);
    while Instant::now() < end {
        manager.hears("WATCHDOG=1");
    }
    disk.works();
    manager.hears("STATUS=Leads can be stored");

    std::fs::write(&stuck, "").expect("a flag");
    let address = server.address;
    let waiting = std::thread::spawn(move || post_lead(address, &lead()).status);
    assert!(
        manager.hears("STATUS=Leads cannot be stored: ").contains("the disk has not answered"),
        "a stuck disk"
    );
    while let Some(message) = manager.hears_within(Duration::from_secs(2)) {
        assert!(!message.contains("WATCHDOG=1"), "it is fed while the writer hangs");
    }
    assert_eq!(once(address, "GET", "/health", &[], b"").status, 503, "the server itself answers");
    std::fs::remove_file(&stuck).expect("the flag goes");
    manager.hears("WATCHDOG=1");
    assert_eq!(waiting.join().expect("no panic"), 201);
}

#[test]
fn without_a_manager_nobody_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let mut command = command(folder.path(), &["serve"]);
    command.env("FASTCORE_SITE_INGEST_TOKEN", TOKEN).env("NOTIFY_SOCKET", "");
    // A file of settings does not speak for systemd.
    std::fs::write(folder.path().join(".env"), format!("NOTIFY_SOCKET={}\n", text(&path)))
        .expect("a file");
    let mut server = ServeProcess::spawn(&mut command);
    server.signal(Signal::HUP);
    server.terminate();
    assert_eq!(manager.hears_within(Duration::from_millis(100)), None);
    assert!(!server.log.iter().any(|line| line.contains("service manager")), "{:?}", server.log);
}
