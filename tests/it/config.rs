//! The settings of the built binary: the first start, every bad value, the order of precedence,
//! secrets, the log.

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::binary::{
    ServeProcess, command, free_address, run, run_to_exit, succeed, text,
};
use super::support::http::{Client, once, post_lead};
use super::support::{TOKEN, lead};

const INGEST: &str = "FASTCORE_SITE_INGEST_TOKEN";
const PREVIOUS: &str = "FASTCORE_SITE_INGEST_TOKEN_PREVIOUS";

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

/// `serve` on a free port of loopback, with a token.
fn serve(folder: &Path) -> Command {
    let mut command = command(folder, &["serve"]);
    command.env(INGEST, TOKEN).env("FASTCORE_LISTEN", "127.0.0.1:0");
    command
}

/// The one-line error of a command that refuses to start; it exits with 1.
fn refusal(command: &mut Command) -> String {
    let (status, said) = run_to_exit(command);
    assert_eq!((status, said.lines().count()), (1, 1), "{command:?}: {said}");
    assert!(said.starts_with("fastcore: "), "{said}");
    said
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn post_with(address: SocketAddr, token: &str) -> u16 {
    let token = format!("Bearer {token}");
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    once(address, "POST", "/inbound/leads", &headers, lead().to_string().as_bytes()).status
}

#[test]
fn the_first_start_without_configuration_creates_everything_and_prints_the_next_steps() {
    let folder = folder();
    let mut server = ServeProcess::spawn(&mut command(folder.path(), &["serve"]));
    server.read_until("Then look at it");
    let file = |name: &str| folder.path().join(name);
    for name in ["fastcore.db", "fastcore.db-wal", "fastcore.db-shm", "fastcore.db.ingest-token"] {
        assert_eq!(mode(&file(name)), 0o600, "{name}");
    }
    let made = |line: &String| line.contains("\"WARN\"") && line.contains("there was no database");
    assert!(server.log.iter().any(made), "{:?}", server.log);

    // The printed lines, as a shell runs them.
    let from = server.log.iter().position(|l| l.contains("curl")).expect("a curl line");
    let until = server.log.iter().position(|l| l.contains("}}'")).expect("the end of its body");
    let lines = server.log[from..=until].join("\n");
    let output = Command::new("sh").arg("-c").arg(&lines).current_dir(folder.path()).output();
    let output = output.expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    assert_eq!(answer["status"], "received", "{answer}");

    let token = fs::read_to_string(file("fastcore.db.ingest-token")).expect("the token");
    let token = token.trim();
    assert!(token.len() >= 32, "a strong token");
    server.terminate();
    assert!(!server.log.join("\n").contains(token), "the token is never logged");

    let mut again = ServeProcess::spawn(&mut command(folder.path(), &["serve"]));
    assert_eq!(post_with(again.address, token), 201);
    assert_eq!(post_with(again.address, TOKEN), 401);
    again.terminate();
    let log = again.log.join("\n");
    assert!(!log.contains("curl") && !log.contains("there was no database"), "{log}");
    assert!(log.contains("fastcore.db.ingest-token"), "it still says where the token is: {log}");
    assert!(!log.contains(token));
}

#[test]
fn a_configured_token_is_stored_nowhere() {
    let folder = folder();
    let mut server = ServeProcess::start(folder.path());
    server.terminate();
    assert!(!folder.path().join("fastcore.db.ingest-token").exists());
}

#[test]
fn a_database_readable_by_others_becomes_private() {
    let folder = folder();
    ServeProcess::start(folder.path()).terminate();
    let database = folder.path().join("fastcore.db");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).expect("a mode");
    ServeProcess::start(folder.path()).terminate();
    assert_eq!(mode(&database), 0o600);
}

/// Variable, flag, values that are refused.
type Bad = (&'static str, &'static str, &'static [&'static str]);

const BAD: [Bad; 10] = [
    (
        "DATABASE_URL",
        "--database-url",
        &[
            "sqlite://",
            "sqlite://:memory:",
            ":memory:",
            "sqlite:fastcore.db",
            "file:fastcore.db",
            "sqlite://fastcore.db?mode=ro",
            "mysql://localhost/fastcore",
            "folder/",
            " ",
        ],
    ),
    (
        "FASTCORE_LISTEN",
        "--listen",
        &[
            "8000",
            ":8000",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:-1",
            "127.0.0.256:80",
            "[::1]",
            "::1:x",
            "example.com:8000",
            "http://127.0.0.1:8000",
            "127.0.0.1:8000/",
            " ",
        ],
    ),
    (
        "FASTCORE_CORS_ORIGINS",
        "--cors-origins",
        &[
            "*",
            "null",
            "example.com",
            "https://",
            "https://example.com/",
            "https://example.com/path",
            "https://example.com?x",
            "https://example.com#x",
            "https://*.example.com",
            "https://example.com:x",
            "https://example.com:99999",
            "https://example.com:",
            "https://[::1",
            "https://[::x]",
            "ftp://example.com",
            "https://a.example https://b.example",
            "https://a.example;https://b.example",
            "https://a.example,b.example",
            "https://müller.example",
        ],
    ),
    ("FASTCORE_REDIRECT_LISTEN", "--redirect-listen", &["80", "example.com:80"]),
    ("FASTCORE_ALLOW_PLAINTEXT", "--allow-plaintext", &["maybe", "2", "oui", "truefalse", " "]),
    (
        "FASTCORE_PUBLIC_URL",
        "--public-url",
        &[
            "example.com",
            "https://",
            "ftp://example.com",
            "https://example.com?x=1",
            "/admin",
            "https://example.com/#x",
            "https://exa mple.com",
            "https://example.com:99999",
            "https://example.com/leads",
            "https://example.com/leads/",
        ],
    ),
    (
        "FASTCORE_TRUSTED_PROXIES",
        "--trusted-proxies",
        &["localhost", "10.0.0.0/33", "127.0.0.1;10.0.0.1", "127.0.0.1:80", "[::1]"],
    ),
    ("LOG_LEVEL", "--log-level", &["TRACE", "loud", "1", "INFO,DEBUG", " "]),
    ("DEBUG", "--debug", &["maybe", "*", "fastcore:*"]),
    ("FASTCORE_LOG_FORMAT", "--log-format", &["xml", "JSON lines"]),
];

#[test]
fn every_bad_setting_is_a_one_line_error_that_names_the_accepted_values() {
    let folder = folder();
    let mut messages = String::new();
    for (variable, flag, values) in BAD {
        for value in values {
            let message = refusal(serve(folder.path()).env(variable, value));
            let mut from_flag = serve(folder.path());
            from_flag.env_remove(variable).arg(format!("{flag}={value}"));
            assert_eq!(refusal(&mut from_flag), message.replacen(variable, flag, 1));
            messages.push_str(&message);
        }
    }
    assert_eq!(messages.lines().count(), 73);
    insta::assert_snapshot!(messages);
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "a refused start creates no file: {left:?}");
}

#[test]
fn bad_env_file_values_and_non_utf8_values_are_one_line_errors() {
    let with_env_file = folder();
    fs::write(with_env_file.path().join(".env"), "FASTCORE_ALLOW_PLAINTEXT=maybe\n")
        .expect("a file");
    let folder = folder();
    let messages = [
        refusal(&mut serve(with_env_file.path())),
        refusal(serve(folder.path()).env("LOG_LEVEL", OsStr::from_bytes(b"IN\xffFO"))),
        refusal(serve(folder.path()).env("FASTCORE_LISTEN", "two\nlines")),
        refusal(command(folder.path(), &["lead", "list"]).env("DATABASE_URL", "x://y")),
    ];
    insta::assert_snapshot!(messages.concat());
}

#[test]
fn an_unreadable_env_file_is_reported_without_its_content() {
    let folder = folder();
    let secret = "hunter2 with spaces and 'an open quote";
    let text = format!("DEBUG=false\nFASTCORE_SITE_INGEST_TOKEN={secret}\n");
    fs::write(folder.path().join(".env"), text).expect("a file");
    let line = refusal(command(folder.path(), &["serve"]).env("FASTCORE_LISTEN", "127.0.0.1:0"));
    assert!(!line.contains("hunter"), "{line}");
    insta::assert_snapshot!(line);
}

#[test]
fn precedence_is_flag_environment_env_file_default() {
    let folder = folder();
    let starts_with = |flag: Option<&str>, variable: Option<&str>, file: Option<&str>| -> String {
        let text = file.map(|f| format!("DATABASE_URL={f}\n")).unwrap_or_default();
        fs::write(folder.path().join(".env"), text).expect("a file");
        let mut command = serve(folder.path());
        if let Some(variable) = variable {
            command.env("DATABASE_URL", variable);
        }
        if let Some(flag) = flag {
            command.args(["--database-url", flag]);
        }
        let mut server = ServeProcess::spawn(&mut command);
        server.terminate();
        let made = fs::read_dir(folder.path()).expect("a folder").filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.ends_with(".db").then_some(name)
        });
        let made: Vec<String> = made.collect();
        for entry in fs::read_dir(folder.path()).expect("a folder").flatten() {
            fs::remove_file(entry.path()).expect("removed");
        }
        made.join(" ")
    };
    assert_eq!(starts_with(Some("flag.db"), Some("variable.db"), Some("file.db")), "flag.db");
    assert_eq!(starts_with(None, Some("variable.db"), Some("file.db")), "variable.db");
    assert_eq!(starts_with(None, None, Some("file.db")), "file.db");
    assert_eq!(starts_with(None, None, None), "fastcore.db");
    assert_eq!(starts_with(None, Some(""), Some("file.db")), "file.db", "empty is unset");
    assert_eq!(starts_with(None, Some(""), Some("")), "fastcore.db", "empty is unset");
    assert_eq!(starts_with(None, Some("sqlite://relative.db"), None), "relative.db");
    let absolute = format!("sqlite://{}/absolute.db", text(folder.path()));
    assert_eq!(starts_with(None, Some(&absolute), None), "absolute.db");
}

#[test]
fn a_secret_comes_from_a_file_or_a_systemd_credential() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let token = |c: &str| c.repeat(40);
    let file = path("token-file");
    fs::write(&file, format!("{}\n", token("a"))).expect("a file");
    let credentials = path("credentials");
    fs::create_dir(&credentials).expect("a folder");
    let credential = credentials.join("fastcore_site_ingest_token");
    fs::write(credential, token("b")).expect("a file");
    fs::write(path(".env"), format!("{INGEST}={}\n", token("c"))).expect("a file");
    let accepted = |variables: &[(&str, &str)]| -> String {
        let mut command = command(folder.path(), &["serve"]);
        command.envs(variables.iter().copied());
        let mut server = ServeProcess::spawn(&mut command);
        let tried = ["a", "b", "c", "d"].map(|c| (c, post_with(server.address, &token(c))));
        server.terminate();
        let log = server.log.join("\n");
        for (c, _) in tried {
            assert!(!log.contains(&token(c)), "a secret is in the log: {log}");
        }
        tried.iter().filter(|(_, status)| *status == 201).map(|(c, _)| *c).collect()
    };
    let (file, credentials) = (text(&file), text(&credentials));
    let in_file = "FASTCORE_SITE_INGEST_TOKEN_FILE";
    let systemd = ("CREDENTIALS_DIRECTORY", credentials);
    let d = token("d");
    assert_eq!(accepted(&[(in_file, file)]), "a", "the trailing line break is no part of it");
    assert_eq!(accepted(&[systemd]), "b");
    assert_eq!(accepted(&[(INGEST, &d), systemd]), "d", "the environment goes first");
    assert_eq!(accepted(&[]), "c");
    assert_eq!(accepted(&[(INGEST, ""), (in_file, ""), ("CREDENTIALS_DIRECTORY", "")]), "c");
    assert_eq!(accepted(&[("FASTCORE_SITE_INGEST_TOKEN_PREVIOUS_FILE", file)]), "ac");
    let other = folder.path().join("credentials-of-another");
    fs::create_dir(&other).expect("a folder");
    assert_eq!(accepted(&[("CREDENTIALS_DIRECTORY", text(&other))]), "c");
}

#[test]
fn an_unusable_secret_is_reported_by_name_and_never_shown() {
    let folder = folder();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let secret = "hunter2hunter2hunter2hunter2hunter2";
    fs::write(path("good"), secret).expect("a file");
    fs::write(path("empty"), "\n").expect("a file");
    fs::write(path("binary"), b"hunter2\xff\xfe").expect("a file");
    fs::write(path("two"), format!("{secret}\n{secret}\n")).expect("a file");
    fs::write(path("large"), "h".repeat(70_000)).expect("a file");
    fs::create_dir(path("folder")).expect("a folder");
    let mut messages = String::new();
    for name in [INGEST, PREVIOUS] {
        let in_file = format!("{name}_FILE");
        let mut refused = |variables: &[(&str, &str)]| {
            let mut command = command(folder.path(), &["serve"]);
            command.env("FASTCORE_LISTEN", "127.0.0.1:0").env(INGEST, TOKEN);
            if name == INGEST {
                command.env_remove(INGEST);
            }
            let message = refusal(command.envs(variables.iter().copied()));
            assert!(!message.contains("hunter"), "{message}");
            messages.push_str(&message.replace(text(folder.path()), "<folder>"));
        };
        refused(&[(name, secret), (&in_file, text(&path("good")))]);
        for file in ["nothing-there", "empty", "binary", "two", "large", "folder"] {
            refused(&[(&in_file, text(&path(file)))]);
        }
        for value in ["hunter2 hunter2 hunter2 hunter2 hunter2", "hunter2\thunter2", "hunter2é"] {
            refused(&[(name, value)]);
        }
    }
    assert_eq!(messages.lines().count(), 20);
    insta::assert_snapshot!(messages);
}

#[test]
fn a_weak_token_is_a_warning_on_loopback_and_an_error_elsewhere() {
    let placeholder = format!("your-secret-token-xyz-{}", "0".repeat(32));
    let short = "5".repeat(31);
    let mut messages = String::new();
    for name in [INGEST, PREVIOUS] {
        for weak in [short.as_str(), placeholder.as_str(), "changeme", "x"] {
            let folder = folder();
            let mut server = ServeProcess::spawn(serve(folder.path()).env(name, weak));
            assert_eq!(post_with(server.address, weak), 201);
            server.terminate();
            let warned = |l: &&String| l.contains("\"WARN\"") && l.contains(&format!("{name} is"));
            assert_eq!(server.log.iter().filter(warned).count(), 1, "{:?}", server.log);
            let reported = server.log.iter().any(|l| weak.len() > 1 && l.contains(weak));
            assert!(!reported, "a weak token is a secret too: {:?}", server.log);

            let message = refusal(everywhere(folder.path()).env(name, weak));
            assert!(weak.len() == 1 || !message.contains(weak), "{message}");
            messages.push_str(&message);
        }
    }
    insta::assert_snapshot!(messages);
    let folder = folder();
    let mut server = ServeProcess::spawn(serve(folder.path()).env(INGEST, "5".repeat(32)));
    server.terminate();
    assert!(!server.log.iter().any(|l| l.contains(INGEST)), "{:?}", server.log);
}

/// `serve` on every address of the machine; only for what must be refused before it listens.
fn everywhere(folder: &Path) -> Command {
    let mut command = serve(folder);
    command.env("FASTCORE_LISTEN", "0.0.0.0:0").env("FASTCORE_ALLOW_PLAINTEXT", "true");
    command
}

#[test]
fn off_loopback_plaintext_and_a_missing_token_are_refused() {
    let folder = folder();
    let addresses = ["0.0.0.0:0", "[::]:0", "192.0.2.1:8000"];
    let mut messages = addresses
        .map(|address| refusal(serve(folder.path()).env("FASTCORE_LISTEN", address)))
        .concat();
    messages += &refusal(everywhere(folder.path()).env_remove(INGEST));
    messages += &refusal(everywhere(folder.path()).env(INGEST, ""));
    insta::assert_snapshot!(messages);
    assert!(!folder.path().join("fastcore.db.ingest-token").exists(), "no token is created");
}

#[test]
fn a_public_url_went_live_with_a_generated_or_a_weak_token() {
    let folder = folder();
    let serve_at = |url: &str| {
        let mut command = serve(folder.path());
        command.env_remove(INGEST).env("FASTCORE_PUBLIC_URL", url);
        command
    };
    let remote = "https://leads.example.com";
    let message = refusal(&mut serve_at(remote));
    assert!(
        message.contains(&format!("not set, and FASTCORE_PUBLIC_URL is {remote}, which is not")),
        "{message}"
    );
    assert!(!message.contains("_FILE"), "there is no generated one: {message}");
    assert!(!folder.path().join("fastcore.db").exists(), "nothing is created");
    for url in ["https://localhost.example.com", "http://128.0.0.1", "http://[::2]:8000"] {
        assert!(refusal(&mut serve_at(url)).contains("not loopback"), "{url}");
    }
    for weak in ["changeme", "5555", &format!("your-secret-token-{}", "0".repeat(32))] {
        let message = refusal(serve_at(remote).env(INGEST, weak));
        assert!(message.contains("`fastcore token` prints a strong one"), "{weak}: {message}");
    }
    for url in
        ["http://localhost:81", "http://LEADS.localhost.", "http://127.9.9.9", "http://[::1]"]
    {
        ServeProcess::spawn(&mut serve_at(url)).terminate();
    }
    // The token that those starts have generated stays in use once it is configured.
    let message = refusal(&mut serve_at(remote));
    let (_, advice) = message.split_once("prints; ").expect("advice");
    let (setting, _) = advice.split_once(' ').expect("a setting");
    let (name, file) = setting.split_once('=').expect("a value");
    let mut server = ServeProcess::spawn(serve_at(remote).env(name, file));
    let token = fs::read_to_string(file).expect("the token");
    assert_eq!(post_with(server.address, token.trim()), 201);
    server.terminate();
}

#[test]
fn check_reported_a_token_as_missing_that_only_the_unit_can_read() {
    let folder = folder();
    ServeProcess::spawn(&mut serve(folder.path())).terminate();
    let check = |variables: &[(&str, &str)]| {
        let mut command = command(folder.path(), &["check"]);
        command.env("FASTCORE_PUBLIC_URL", "https://leads.example.com");
        command.envs(variables.iter().copied());
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (status, report) = check(&[]);
    assert!(status == Some(0) && !report.contains(INGEST), "{report}");
    let (status, report) = check(&[(INGEST, "changeme")]);
    assert_eq!(status, Some(1), "{report}");
    assert!(
        report.contains(&format!("ERROR    settings    {INGEST} is a placeholder")),
        "{report}"
    );
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_nearest_name() {
    let folder = folder();
    fs::write(folder.path().join(".env"), "FASTCORE_LOG_FORMATS=text\n").expect("a file");
    let mut server = ServeProcess::spawn(
        serve(folder.path())
            .env("FASTCORE_LISTN", "127.0.0.1:1")
            .env("FASTCORE_SITE_INGEST_TOKN", "hunter2")
            .env("FASTCORE", "x")
            .env("SOMETHING_ELSE", "x"),
    );
    server.terminate();
    let log = server.log.join("\n");
    for (wrong, right) in [
        ("FASTCORE_LISTN", "FASTCORE_LISTEN"),
        ("FASTCORE_SITE_INGEST_TOKN", "FASTCORE_SITE_INGEST_TOKEN"),
        ("FASTCORE_LOG_FORMATS", "FASTCORE_LOG_FORMAT"),
    ] {
        let warning = |l: &&String| {
            l.contains("\"WARN\"")
                && l.contains(&format!("{wrong} "))
                && l.contains(&format!("{right}?"))
        };
        assert_eq!(server.log.iter().filter(warning).count(), 1, "{wrong}: {log}");
    }
    assert!(!log.contains("hunter2"), "its value may be a secret: {log}");
    assert!(!log.contains("SOMETHING_ELSE"), "{log}");
}

#[test]
fn a_postgresql_url_is_refused_with_a_pointer_to_the_export_and_no_password() {
    let folder = folder();
    for url in [
        "postgresql://user:hunter2@localhost/fastcore",
        "postgres://user:hunter2@localhost/fastcore",
        "POSTGRESQL://user:hunter2@localhost/fastcore",
        "postgresql+asyncpg://user:hunter2@localhost/fastcore",
    ] {
        let (mut by_variable, mut by_flag) = (serve(folder.path()), serve(folder.path()));
        by_variable.env("DATABASE_URL", url);
        by_flag.args(["--database-url", url]);
        for mut command in [by_variable, by_flag] {
            let line = refusal(&mut command);
            assert!(line.contains("DATABASE_URL"), "{line}");
            assert!(line.contains("export --format postgres"), "{line}");
            assert!(!line.contains("hunter2"), "{line}");
        }
    }
    for (name, url) in [
        ("DATABASE_URL", "mysql://user:hunter2@db/x"),
        ("FASTCORE_PUBLIC_URL", "https://user:hunter2@leads.example.com"),
        ("FASTCORE_CORS_ORIGINS", "https://user:hunter2@example.com"),
        ("FASTCORE_LISTEN", "http://user:hunter2@127.0.0.1:8000"),
    ] {
        let line = refusal(serve(folder.path()).env(name, url));
        assert!(line.contains(name) && line.contains("://***@"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
}

/// Every file of a folder but the server's lock: name, mode, content.
fn files(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, mode(&path), fs::read(&path).expect("its content"))
        })
        // SQLite's own files next to an open database have no data.
        .filter(|(name, ..)| !name.ends_with(".lock") && !name.ends_with("-shm"))
        .collect();
    files.sort();
    files
}

/// What is said of a database that cannot be ours; every file must stay as it is.
fn left_alone(folder: &Path) -> String {
    let before = files(folder);
    let line = refusal(&mut serve(folder));
    assert!(line.contains("fastcore.db"), "{line}");
    let changed = files(folder) != before;
    let short = |files: &[(String, u32, Vec<u8>)]| -> Vec<String> {
        files.iter().map(|(n, m, c)| format!("{n} {m:o} {} bytes", c.len())).collect()
    };
    assert!(!changed, "{line}{:?} became {:?}", short(&before), short(&files(folder)));
    line
}

#[test]
fn serve_leaves_a_non_sqlite_file_unchanged() {
    let folder = folder();
    let path = folder.path().join("fastcore.db");
    // SQLite takes what is shorter than a page for an empty database.
    let short = ["x".to_owned(), "SQLite format 3\0".to_owned(), "hello\n".repeat(85)];
    for content in [&short[..], &["hello\n".repeat(86), "hello\n".repeat(1000)]].concat() {
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        let line = left_alone(folder.path());
        assert!(line.contains("is not a SQLite database"), "{line}");
    }
}

#[test]
fn serve_leaves_another_program_s_database_unchanged() {
    for journal in ["delete", "wal"] {
        let folder = folder();
        let other = folder.path().join("other");
        let conn = Connection::open(&other).expect("a database");
        conn.execute_batch(&format!(
            "PRAGMA journal_mode = {journal}; PRAGMA application_id = 7;
             CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine');"
        ))
        .expect("a table");
        // As a program that is killed leaves it: with a write-ahead log that contains the table.
        for suffix in ["", "-wal"] {
            let from = folder.path().join(format!("other{suffix}"));
            if from.exists() {
                let to = folder.path().join(format!("fastcore.db{suffix}"));
                fs::copy(from, to).expect("a copy");
            }
        }
        drop(conn);
        fs::remove_file(other).expect("removed");
        let path = folder.path().join("fastcore.db");
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("a mode");
        let line = left_alone(folder.path());
        assert!(line.contains("another program"), "{journal}: {line}");
    }
}

#[test]
fn serve_leaves_a_newer_schema_unchanged() {
    let folder = folder();
    succeed(folder.path(), &["migrate"]);
    let conn = Connection::open(folder.path().join("fastcore.db")).expect("the database");
    conn.execute_batch(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
         VALUES (999, 'of_the_future', '2030-01-01T00:00:00Z', '1')",
    )
    .expect("a row");
    drop(conn);
    let line = left_alone(folder.path());
    assert!(line.contains("999") && line.contains("newer"), "{line}");
}

#[test]
fn an_impossible_database_path_is_a_one_line_error() {
    let folder = folder();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).expect("a folder");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).expect("a mode");
    // Modes do not hold root back; nobody can make a file in /proc.
    let root = rustix::process::geteuid().is_root();
    let locked = if root { Path::new("/proc") } else { &locked };
    for place in [folder.path().join("nowhere"), locked.to_owned(), PathBuf::from("/dev/null")] {
        let database = place.join("fastcore.db");
        let line = refusal(serve(folder.path()).env("DATABASE_URL", &database));
        assert!(line.contains(text(&database)), "{line}");
        assert!(line.contains("cannot be opened"), "{line}");
    }
    fs::create_dir(folder.path().join("fastcore.db")).expect("a folder");
    let line = refusal(&mut serve(folder.path()));
    assert!(line.contains("fastcore.db"), "{line}");
}

#[test]
fn a_second_server_on_the_same_database_exits_5() {
    let folder = folder();
    let mut server = ServeProcess::start(folder.path());
    let (status, said) = run_to_exit(&mut serve(folder.path()));
    assert_eq!((status, said.lines().count()), (5, 1), "{said}");
    assert!(said.contains("fastcore.db"), "{said}");
    assert_eq!(post_with(server.address, TOKEN), 201, "the first one goes on");
    server.terminate();
    // The lock ends with its process.
    ServeProcess::start(folder.path()).terminate();
}

#[test]
fn a_port_in_use_is_a_one_line_error_before_anything_is_created() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let line = refusal(serve(folder.path()).env("FASTCORE_LISTEN", &address));
    assert!(line.contains("FASTCORE_LISTEN") && line.contains(&address), "{line}");
    assert!(!folder.path().join("fastcore.db").exists());
}

#[test]
fn wrong_usage_exits_2() {
    let folder = folder();
    for arguments in [
        &[][..],
        &["fly"],
        &["serve", "--fly"],
        &["serve", "now"],
        &["serve", "--listen"],
        &["serve", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"],
        &["serve", "--allow-plaintext", "true"],
        // Secrets are never flags: other users can read a process's arguments.
        &["serve", "--site-ingest-token", TOKEN],
        &["serve", "--token", TOKEN],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert_eq!(output.stdout, b"", "words go to standard error");
    }
}

/// The levels of the lines that a server logs while it takes a lead, what is not HTTP, and a request
/// that breaks off. The heads of the audit log are left out: they follow a rule of their own
/// (`logs::the_chain_head_is_logged_at_every_level_but_error`).
fn levels(variables: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let folder = folder();
    let mut command = serve(folder.path());
    command.envs(variables.iter().copied()).args(arguments);
    let mut server = ServeProcess::spawn_with_text_log(&mut command);
    assert_eq!(post_with(server.address, TOKEN), 201);
    let mut client = Client::connect(server.address);
    client.send("no HTTP\r\n\r\n");
    assert_eq!(client.receive().expect("an answer").status, 400);
    let mut client = Client::connect(server.address);
    client.send("GET /health HTTP/1.1\r\nHost: loc");
    client.shut_sending();
    assert!(client.is_closed());
    server.terminate();
    let level = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        event["level"].as_str().expect("a level").to_owned()
    };
    let lines = server.log.iter().filter(|line| !line.contains("\"message\":\"audit log head\""));
    let mut levels: Vec<String> = lines.map(level).collect();
    levels.sort();
    levels.dedup();
    levels
}

#[test]
fn the_log_level_follows_the_settings() {
    assert_eq!(levels(&[], &[]), ["INFO", "WARN"]);
    assert_eq!(levels(&[("LOG_LEVEL", "Info")], &[]), ["INFO", "WARN"]);
    assert_eq!(levels(&[("LOG_LEVEL", "debug")], &[]), ["DEBUG", "INFO", "WARN"]);
    assert_eq!(levels(&[("LOG_LEVEL", "WARNING")], &[]), ["WARN"]);
    assert_eq!(levels(&[("LOG_LEVEL", "error")], &[]), [""; 0]);
    assert_eq!(levels(&[("DEBUG", "true")], &[]), ["DEBUG", "INFO", "WARN"]);
    assert_eq!(levels(&[("DEBUG", "false")], &[]), ["INFO", "WARN"]);
    assert_eq!(levels(&[("DEBUG", "true"), ("LOG_LEVEL", "INFO")], &[]), ["INFO", "WARN"]);
    assert_eq!(levels(&[("DEBUG", "true"), ("LOG_LEVEL", "")], &[]), ["DEBUG", "INFO", "WARN"]);
    assert_eq!(levels(&[], &["--debug"]), ["DEBUG", "INFO", "WARN"]);
    assert_eq!(levels(&[("LOG_LEVEL", "DEBUG")], &["--log-level", "warning"]), ["WARN"]);
    assert_eq!(levels(&[("DEBUG", "true")], &["--log-level=ERROR"]), [""; 0]);
}

#[test]
fn the_log_is_json_lines_without_a_terminal_or_text_on_request() {
    for (format, is_json) in [("auto", true), ("json", true), ("JSON", true), ("text", false)] {
        let folder = folder();
        let mut server = ServeProcess::spawn_with_text_log(
            serve(folder.path()).env("FASTCORE_LOG_FORMAT", format),
        );
        assert_eq!(post_with(server.address, TOKEN), 201);
        server.terminate();
        assert!(server.log.len() >= 3, "{:?}", server.log);
        for line in &server.log {
            let json =
                serde_json::from_str::<Value>(line).is_ok_and(|v| v["timestamp"].is_string());
            assert_eq!(json, is_json, "{format}: {line}");
            assert!(!line.contains('\u{1b}'), "no colours off a terminal: {line}");
        }
    }
}

#[test]
fn a_request_logs_one_line_with_method_path_status_duration_and_id() {
    let folder = folder();
    let mut server = ServeProcess::start(folder.path());
    let answer = post_lead(server.address, &lead());
    server.terminate();
    let events = server.log.iter().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let requests: Vec<Value> = events.filter(|e| e["message"] == "request").collect();
    let [line] = requests.as_slice() else { panic!("one line a request: {requests:?}") };
    let shown = json!([line["method"], line["path"], line["status"], line["lead_id"]]);
    assert_eq!(shown, json!(["POST", "/inbound/leads", 201, answer.json()["leadId"]]));
    assert!(line["duration_ms"].is_number(), "{line}");
    assert_eq!(line["request_id"].as_str(), answer.header("x-request-id"));
}

#[test]
fn the_debug_log_contains_no_secret_or_personal_data() {
    let folder = folder();
    let previous = "0fedcba987654321".repeat(4);
    let mut server =
        ServeProcess::spawn(serve(folder.path()).env(PREVIOUS, &previous).env("DEBUG", "true"));
    let address = server.address;
    let mut person = lead();
    person["name"] = json!("Ginevra Quillfeather");
    person["email"] = json!("ginevra.quillfeather@wobblecorp.example");
    person["phone"] = json!("+33777123987");
    person["company"] = json!("Wobblecorp Industries");
    person["message"] = json!("Le zébulon du compresseur ronfle depuis mardi.");
    assert_eq!(post_lead(address, &person).status, 201);
    assert_eq!(post_lead(address, &person).status, 200);
    let mut other = person.clone();
    other["message"] = json!("Un autre zébulon du compresseur ronfle.");
    assert_eq!(post_lead(address, &other).status, 409);
    let mut bad = person.clone();
    bad["phone"] = json!("+33777123987 ".repeat(9));
    bad["email"] = json!("ginevra.quillfeather@@wobblecorp.example");
    bad["Ginevra Quillfeather"] = json!("zébulon\0");
    bad["meta"]["request_id"] = json!("Ginevra Quillfeather");
    assert_eq!(post_lead(address, &bad).status, 422);
    assert_eq!(post_with(address, &previous), 201);
    assert_eq!(post_with(address, "hunter2hunter2hunter2hunter2hunter2"), 401);
    let token = format!("Bearer {TOKEN}");
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let broken = br#"{"name": "Ginevra Quillfeather" "#;
    assert_eq!(once(address, "POST", "/inbound/leads", &headers, broken).status, 400);
    for path in [
        "/leads/ginevra.quillfeather@wobblecorp.example",
        "/leads/ginevra%2Equillfeather",
        "/health?name=Ginevra&token=hunter2",
        "/inbound/leads?email=ginevra.quillfeather@wobblecorp.example",
    ] {
        let headers = [("X-Request-Id", "Ginevra Quillfeather"), ("Referer", "http://x/Ginevra")];
        once(address, "GET", path, &headers, b"");
    }
    let mut client = Client::connect(address);
    client.send("Ginevra Quillfeather: hunter2\r\n\r\n");
    let _ = client.receive();
    drop(client);
    server.terminate();

    let log = server.log.join("\n").to_lowercase();
    assert!(server.log.len() > 12, "there is a log: {log}");
    for private in [
        TOKEN,
        &previous,
        "hunter2",
        "ginevra",
        "quillfeather",
        "wobblecorp",
        "777123987",
        "zébulon",
    ] {
        assert!(!log.contains(private), "{private} is in {log}");
    }
}

#[test]
fn the_printed_commands_use_the_public_url() {
    let folder = folder();
    let mut server = ServeProcess::spawn(
        command(folder.path(), &["serve"]).env("FASTCORE_PUBLIC_URL", "http://leads.localhost:81/"),
    );
    server.read_until("Then look at it");
    server.terminate();
    let log = server.log.join("\n");
    assert!(log.contains("curl -sS http://leads.localhost:81/inbound/leads"), "{log}");
}

#[test]
fn cors_origins_may_have_any_case_ports_and_ip_addresses() {
    let folder = folder();
    let origins =
        "https://Example.COM, http://localhost:3000 ,http://127.0.0.1:8080,http://[::1]:80,";
    let mut server =
        ServeProcess::spawn(serve(folder.path()).env("FASTCORE_CORS_ORIGINS", origins));
    let allowed = |origin: &str| {
        let answer = once(server.address, "GET", "/health", &[("Origin", origin)], b"");
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    for origin in
        ["https://example.com", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:80"]
    {
        assert_eq!(allowed(origin).as_deref(), Some(origin));
    }
    assert_eq!(allowed("https://fast-techservices.com"), None, "they stand for the default");
    server.terminate();
}

#[test]
fn the_listen_address_may_be_a_flag_and_ipv6() {
    let folder = folder();
    let address = free_address().to_string();
    let mut command_line = serve(folder.path());
    command_line.args(["--listen", &address]);
    let mut server = ServeProcess::spawn(&mut command_line);
    assert_eq!(server.address.to_string(), address, "a flag goes before the environment");
    server.terminate();
    if TcpListener::bind("[::1]:0").is_ok() {
        let mut command_line = serve(folder.path());
        command_line.args(["--listen", "[::1]:0"]);
        let mut server = ServeProcess::spawn(&mut command_line);
        assert!(server.address.is_ipv6());
        assert_eq!(once(server.address, "GET", "/health", &[], b"").status, 200);
        server.terminate();
    }
}

#[test]
fn a_value_of_the_env_file_lost_what_came_after_a_dollar() {
    let folder = folder();
    let token = r"Zx9$Ab1\n${HOME}0123456789abcdef0123456789";
    for (value, mark) in [(token.to_owned(), "\u{feff}"), (format!("\"{token}\""), "")] {
        let text = format!("{mark}# a comment\nexport {INGEST}={value}  # a comment\r\n");
        fs::write(folder.path().join(".env"), text).expect("a file");
        let mut server = ServeProcess::spawn(&mut command(folder.path(), &["serve"]));
        assert_eq!(post_with(server.address, token), 201, "{value}");
        server.terminate();
        assert!(!server.log.join("\n").contains("Ab1"), "{:?}", server.log);
    }
}

#[test]
fn a_credential_was_shadowed_by_a_variable_without_a_word() {
    let folder = folder();
    let credentials = folder.path().join("credentials");
    fs::create_dir(&credentials).expect("a folder");
    fs::write(credentials.join("fastcore_site_ingest_token"), "c".repeat(40)).expect("a file");
    let warnings = |variables: &[(&str, &str)]| -> Vec<String> {
        let mut command = command(folder.path(), &["serve"]);
        let mut server = ServeProcess::spawn(command.envs(variables.iter().copied()));
        server.terminate();
        let shadowed = server.log.iter().filter(|line| line.contains("is ignored"));
        let line = |line: &String| serde_json::from_str::<Value>(line).expect("JSON");
        let message = |line: Value| format!("{} {}", line["level"], line["message"]);
        shadowed.map(|text| message(line(text))).collect()
    };
    let systemd = ("CREDENTIALS_DIRECTORY", text(&credentials));
    assert_eq!(warnings(&[systemd]), [""; 0]);
    assert_eq!(
        warnings(&[systemd, (INGEST, TOKEN)]),
        [
            "\"WARN\" \"the environment variable FASTCORE_SITE_INGEST_TOKEN is used, and the systemd credential \
          fastcore_site_ingest_token is ignored; remove what is not meant\""
        ]
    );
    fs::write(folder.path().join(".env"), format!("{INGEST}={TOKEN}\n")).expect("a file");
    assert_eq!(
        warnings(&[systemd]),
        ["\"WARN\" \"the systemd credential fastcore_site_ingest_token is used, and \
          FASTCORE_SITE_INGEST_TOKEN in .env is ignored; remove what is not meant\""]
    );
}

#[test]
fn config_show_lists_every_setting_with_its_source_and_masks_secrets() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "FASTCORE_BACKUP_KEEP=3\nLOG_LEVEL=WARNING\n")
        .expect("written");
    let token = "0123456789abcdef0123456789abcdef";
    let show = |more: &[&str], url: &str| {
        let mut command = command(folder.path(), &[&["config", "show"], more].concat());
        command.env("FASTCORE_SITE_INGEST_TOKEN", token).env("LOG_LEVEL", "ERROR");
        command.env("FASTCORE_PUBLIC_URL", url).output().expect("it runs")
    };
    let output = show(&["--json"], "http://localhost:8000");
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains(token));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of = |name: &str| {
        let shown = shown.as_array().expect("a list").iter().find(|of| of["name"] == name);
        let shown = shown.unwrap_or_else(|| panic!("no {name}"));
        (shown["value"].as_str().map(str::to_owned), shown["source"].as_str().expect("text"))
    };
    assert_eq!(of("LOG_LEVEL"), (Some("ERROR".into()), "environment"));
    assert_eq!(of("FASTCORE_BACKUP_KEEP"), (Some("3".into()), ".env"));
    assert_eq!(of("FASTCORE_BACKUP_EVERY"), (Some("24h".into()), "default"));
    assert_eq!(of("FASTCORE_BACKUP_DIR"), (None, "default"));
    let source = "the environment variable FASTCORE_SITE_INGEST_TOKEN";
    assert_eq!(of("FASTCORE_SITE_INGEST_TOKEN"), (Some("***".into()), source));
    assert_eq!(of("FASTCORE_SITE_INGEST_TOKEN_PREVIOUS"), (None, "default"));
    // A value that `serve` refuses is shown as well, without the password in it.
    let output = show(&[], "https://jean:hunter2@leads.example.com");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (text, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("https://***@leads.example.com"), "{text}");
    assert!(error.contains("FASTCORE_PUBLIC_URL") && !error.contains("hunter2"), "{error}");
}
