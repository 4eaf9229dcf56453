//! The built binary, run as an operator runs it.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::TOKEN;
use super::process_output::{open_terminal, read_lines};

/// A command in a folder, with nothing of this process's environment but what it needs to run.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastcore"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the binary runs")
}

/// Runs a command that must succeed; what it wrote to standard output.
pub(crate) fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {} {said}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// `fastcore serve`, ready to take leads.
pub(crate) struct ServeProcess {
    pub(crate) address: SocketAddr,
    child: Child,
    lines: Receiver<String>,
    /// The log so far, line by line.
    pub(crate) log: Vec<String>,
}

impl ServeProcess {
    /// Serves `fastcore.db` in a folder with [`TOKEN`].
    pub(crate) fn start(folder: &Path) -> Self {
        Self::spawn(command(folder, &["serve"]).env("FASTCORE_SITE_INGEST_TOKEN", TOKEN))
    }

    /// Runs a prepared `serve` on a free port and waits until it listens.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::spawn_with_output(command, Stdio::null())
    }

    /// Runs a prepared `serve` whose standard output is a terminal; what it prints there, line by line.
    pub(crate) fn spawn_on_terminal(command: &mut Command) -> (Self, Receiver<String>) {
        let (terminal, output) = open_terminal();
        let served = Self::spawn_with_output(command, Stdio::from(output));
        (served, read_lines(terminal))
    }

    fn spawn_with_output(command: &mut Command, output: Stdio) -> Self {
        command.env("FASTCORE_LISTEN", "127.0.0.1:0");
        let (child, lines) = launch(command, output);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut served = Self { address, child, lines, log: Vec::new() };
        served.address = loop {
            let line = served.read_line();
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = event["address"].as_str() {
                break address.parse().expect("an address");
            }
        };
        served
    }

    /// Runs a prepared `serve` whose log does not say in JSON where it listens.
    pub(crate) fn spawn_with_text_log(command: &mut Command) -> Self {
        let address = free_address();
        let (child, lines) =
            launch(command.env("FASTCORE_LISTEN", address.to_string()), Stdio::null());
        let mut served = Self { address, child, lines, log: Vec::new() };
        for _ in 0..600 {
            if TcpStream::connect(address).is_ok() {
                return served;
            }
            if let Ok(line) = served.lines.recv_timeout(Duration::from_millis(100)) {
                served.log.push(line);
            }
        }
        panic!("it does not listen: {:?}", served.log)
    }

    /// Reads the log up to a line that contains this.
    pub(crate) fn read_until(&mut self, text: &str) {
        self.read_until_any(&[text]);
    }

    /// Reads the log up to a line that contains one of these.
    pub(crate) fn read_until_any(&mut self, texts: &[&str]) {
        loop {
            let line = self.read_line();
            if texts.iter().any(|text| line.contains(text)) {
                return;
            }
        }
    }

    fn read_line(&mut self) -> String {
        let line = self.lines.recv_timeout(Duration::from_secs(60));
        let line = line.unwrap_or_else(|_| panic!("the log ends too early: {:?}", self.log));
        self.log.push(line.clone());
        line
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it lives");
    }

    /// Waits for the end; its exit status, and the whole log in [`Self::log`].
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        let status = self.child.wait().expect("it ends");
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            self.log.push(line);
        }
        status
    }

    /// SIGTERM, and the wait for a clean end.
    pub(crate) fn terminate(&mut self) {
        self.signal(Signal::TERM);
        assert!(self.wait().success(), "{:?}", self.log);
    }
}

/// `fastcore serve` whose log nobody reads.
pub(crate) struct StalledServer {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl StalledServer {
    /// Runs a prepared `serve` and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let address = free_address();
        command.env("FASTCORE_LISTEN", address.to_string());
        let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn();
        let server = Self { address, child: child.expect("it runs") };
        let listens = || TcpStream::connect(address).is_ok();
        assert!(super::wait_until(listens), "it listens");
        server
    }

    /// Reads the log again, and ends the server; the whole log.
    pub(crate) fn read_and_terminate(&mut self) -> String {
        let stderr = self.child.stderr.take().expect("a pipe");
        let reader = std::thread::spawn(move || read_all(stderr));
        // The reader catches up.
        std::thread::sleep(Duration::from_millis(500));
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it lives");
        assert!(self.child.wait().expect("it ends").success());
        reader.join().expect("no panic")
    }
}

impl Drop for StalledServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a process; its standard error, line by line.
fn launch(command: &mut Command, output: Stdio) -> (Child, Receiver<String>) {
    let mut child = command.stderr(Stdio::piped()).stdout(output).spawn().expect("it runs");
    // Only the process has its output open now: what reads it sees its end.
    command.stdout(Stdio::null());
    let stderr = child.stderr.take().expect("a pipe");
    (child, read_lines(stderr))
}

/// An address on loopback where nothing listens, and that no other test of this process gets.
pub(crate) fn free_address() -> SocketAddr {
    // Below the ports that the system gives to clients, so that no test's connection takes it.
    // Each port once: drawn at random, two servers of one test were given the same now and then.
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| rand::random_range(12_000..22_000).into());
    let ports = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).ok();
    ports.take(1000).find_map(free).expect("a port").local_addr().expect("an address")
}

/// Runs a command that should end by itself soon; its exit status, none if it serves instead and
/// had to be killed, and its standard error.
pub(crate) fn run_until_listening(command: &mut Command) -> (Option<i32>, String) {
    let (mut child, lines) = launch(command, Stdio::null());
    let mut log = String::new();
    loop {
        match lines.recv_timeout(Duration::from_secs(60)) {
            Ok(line) => log.push_str(&format!("{line}\n")),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => log.push_str("FASTCore is listening, it seems"),
        }
        if log.contains("FASTCore is listening") {
            let _ = child.kill();
            break;
        }
    }
    (child.wait().expect("it ends").code(), log)
}

/// [`run_until_listening`] of a command that must end by itself.
pub(crate) fn run_to_exit(command: &mut Command) -> (i32, String) {
    let (status, log) = run_until_listening(command);
    (status.unwrap_or_else(|| panic!("{command:?} should end, and runs on: {log}")), log)
}

impl Drop for ServeProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The system's `sqlite3`, not ours: what it prints, or the error that it ends with.
pub(crate) fn sqlite3(database: &Path, sql: &str) -> Result<String, String> {
    let mut child = Command::new("sqlite3");
    let output = child.arg("-bail").arg(database).arg(sql).output().expect("sqlite3 is installed");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// Everything a reader gives, as text.
pub(crate) fn read_all(mut reader: impl Read) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("text");
    text
}

/// A path's text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
