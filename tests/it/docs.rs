//! The documents: every command in them is executed, every link has a target, and their tables
//! agree with the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::support::postgres::Postgres;
use super::support::tools;

const BINARY: &str = env!("CARGO_BIN_EXE_fastcore");

/// Tags of blocks that show something and are not run.
const SHOWN: [&str; 6] = ["text", "json", "ini", "nginx", "ts", "yaml"];

/// Programs that not every machine has; where one is missing, the blocks that name it are skipped.
const PROGRAMS: [&str; 5] = ["curl", "psql", "python3", "script", "sqlite3"];

/// Commands that the tests do not run again: the file that runs each in CI, and a part of its text.
const RUN_ELSEWHERE: [(&str, &str, &str); 12] = [
    ("cargo run --release -- serve", ".ci/smoke", "\"$binary\" serve"),
    ("cargo run --release -- demo", ".ci/smoke", "\"$binary\" demo"),
    ("cargo test --lib", ".ci/run", "cargo test --locked"),
    ("cargo test --test it", ".ci/run", "cargo test --locked"),
    ("cargo test --test it docs", ".ci/run", "cargo test --locked"),
    ("cargo test --test browser", ".ci/run", "cargo test --locked"),
    ("cargo bench --bench ingest", ".ci/run", "--bench ingest"),
    ("cargo bench --bench inbox", ".ci/run", "--bench inbox"),
    ("cargo bench --bench scale", ".ci/run", "--bench scale"),
    ("cargo install --locked cargo-deb", ".ci/package", "cargo install --locked cargo-deb"),
    ("bash packaging/build-deb", ".ci/package", "bash packaging/build-deb"),
    ("npx openapi-typescript openapi.json -o openapi.d.ts", ".ci/site", "npx openapi-typescript"),
];

/// Comments before blocks that a script of CI runs.
const RUN_BY: [(&str, &str); 4] = [
    ("systemd", ".ci/unit"),
    ("socket", ".ci/unit"),
    ("package", ".ci/package"),
    ("litestream", ".ci/litestream"),
];

macro_rules! pages {
    ($($test:ident: $page:literal,)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(#[test]
        fn $test() {
            run_page($page);
        })*
    };
}

pages! {
    the_commands_of_the_readme_run: "README.md",
    the_commands_of_contributing_run: "CONTRIBUTING.md",
    the_commands_of_alerts_run: "docs/alerts.md",
    the_commands_of_api_run: "docs/api.md",
    the_commands_of_architecture_run: "docs/architecture.md",
    the_commands_of_benchmarks_run: "docs/benchmarks.md",
    the_commands_of_canary_run: "docs/canary.md",
    the_commands_of_cli_run: "docs/cli.md",
    the_commands_of_configuration_run: "docs/configuration.md",
    the_commands_of_guarantees_run: "docs/guarantees.md",
    the_commands_of_install_run: "docs/install.md",
    the_commands_of_migration_run: "docs/migration-from-fastapi.md",
    the_commands_of_notices_run: "docs/notices.md",
    the_commands_of_operations_run: "docs/operations.md",
    the_commands_of_security_run: "docs/security.md",
    the_commands_of_site_integration_run: "docs/site-integration.md",
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A fenced block with the comments (`<!-- name: value -->`) right before it.
#[derive(Debug)]
struct Block {
    line: usize,
    tag: String,
    text: String,
    comments: BTreeMap<String, String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut comments, mut open) =
        (Vec::new(), BTreeMap::new(), None::<(Block, usize)>);
    for (index, line) in read(page).lines().enumerate() {
        let text = line.trim_start();
        if let Some((mut block, indent)) = open.take() {
            if text.trim_end() == "```" {
                blocks.push(block);
                continue;
            }
            let inside = line.get(indent..).unwrap_or(text);
            block.text.push_str(&format!("{inside}\n"));
            open = Some((block, indent));
        } else if let Some(tag) = text.strip_prefix("```") {
            let comments = std::mem::take(&mut comments);
            let (tag, text) = (tag.to_owned(), String::new());
            let block = Block { line: index + 1, tag, text, comments };
            open = Some((block, line.len() - line.trim_start().len()));
        } else if let Some(comment) = text.strip_prefix("<!-- ") {
            let comment = comment.strip_suffix(" -->").expect("a comment on one line");
            let (name, value) = comment.split_once(": ").unwrap_or((comment, ""));
            comments.insert(name.to_owned(), value.to_owned());
        } else {
            assert!(comments.is_empty(), "{page}:{}: a comment without a block", index + 1);
        }
    }
    assert!(open.is_none(), "{page}: a block has no end");
    blocks
}

/// The lines of a block that are commands, without comments.
fn commands(block: &Block) -> Vec<&str> {
    let lines = block.text.lines().map(|l| l.split(" #").next().unwrap_or(l).trim_end());
    lines.filter(|l| !l.is_empty() && !l.starts_with('#')).collect()
}

/// Whether CI runs this command in another place, as it must if this is one of cargo's or npm's, or builds the
/// package.
fn runs_elsewhere(page: &str, command: &str) -> bool {
    let run = command.strip_prefix("cargo run --release -- ");
    if !["cargo ", "npx ", "bash packaging/"].iter().any(|start| command.starts_with(start))
        || run.is_some_and(|fastcore| !["serve", "demo"].contains(&fastcore))
    {
        return false;
    }
    let listed = RUN_ELSEWHERE.iter().find(|(known, ..)| *known == command);
    let (file, part) = listed.map_or((".ci/run", command), |(_, file, part)| (*file, *part));
    let runs = read(file).lines().any(|l| !l.trim_start().starts_with('#') && l.contains(part));
    assert!(runs, "{page}: {file} does not run `{command}`");
    true
}

/// Runs the blocks of a page in order, in one folder, next to a server.
fn run_page(page: &str) {
    let mut bench = None;
    for block in blocks(page) {
        let at = format!("{page}:{}", block.line);
        if block.tag != "sh" {
            assert!(SHOWN.contains(&block.tag.as_str()), "{at}: the tag {:?}", block.tag);
            assert!(block.comments.is_empty(), "{at}: a comment before what is not run");
            continue;
        }
        if let Some((_, script)) = RUN_BY.iter().find(|(tag, _)| block.comments.contains_key(*tag))
        {
            assert!(
                read(script).contains(page),
                "{at}: {script} does not take the blocks of {page}"
            );
            continue;
        }
        // Without the comment, such a block would change the machine that runs the tests.
        for path in ["/etc/", "/usr/", "/var/", "systemctl"] {
            assert!(!block.text.contains(path), "{at}: {path} in a block that is run here");
        }
        let commands = commands(&block);
        let elsewhere = commands.iter().filter(|command| runs_elsewhere(page, command)).count();
        if elsewhere > 0 {
            assert_eq!(elsewhere, commands.len(), "{at}: some of these would not be run");
            continue;
        }
        let words = |c: char| !c.is_alphanumeric();
        let named = |program: &&str| block.text.split(words).any(|word| word == *program);
        let input = block.comments.get("input").map(|_| "script");
        let needed = PROGRAMS.into_iter().filter(named).chain(input);
        if needed.map(tools::find).any(|found| found.is_none()) {
            continue;
        }
        bench.get_or_insert_with(|| Bench::start(page)).run(&at, &block);
    }
}

/// A folder with a running server, a first lead, and what the documents take for granted.
struct Bench {
    folder: TempDir,
    server: Child,
    address: String,
    token: String,
    postgres: Option<Postgres>,
}

impl Bench {
    fn start(page: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["bin", "work", "work/backup"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        symlink(BINARY, folder.path().join("bin/fastcore")).expect("a link");
        let settings = folder.path().join("work/.env.example");
        fs::copy(root().join(".env.example"), settings).expect("a copy");
        let mut command = Command::new(BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0"]).env_clear();
        command.current_dir(folder.path().join("work")).stdin(Stdio::null()).stdout(Stdio::null());
        let mut server = command.stderr(Stdio::piped()).spawn().expect("it runs");
        let mut log = BufReader::new(server.stderr.take().expect("a pipe")).lines();
        let address = log.by_ref().map_while(Result::ok).find_map(|line| {
            let event: Value = serde_json::from_str(&line).ok()?;
            event["address"].as_str().map(str::to_owned)
        });
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        let token = fs::read_to_string(folder.path().join("work/fastcore.db.ingest-token"));
        let token = token.expect("a token").trim().to_owned();
        let address = address.expect("an address");
        let mut bench = Self { folder, server, address, token, postgres: None };
        if page.contains("migration") || page.contains("operations") {
            bench.postgres = Postgres::start();
            for name in ["old", "new"] {
                bench.postgres.iter().for_each(|postgres| postgres.create(name));
            }
            let rows = root().join("tests/it/data/import/first_service.sql");
            bench.postgres.iter().for_each(|p| assert!(p.load("old", &rows).status.success()));
        }
        let lead = blocks("README.md").into_iter().find(|b| b.text.starts_with("curl "));
        if page != "README.md" && tools::find("curl").is_some() {
            bench.run("the lead of the README", &lead.expect("a lead"));
        }
        bench
    }

    /// The URL of a database of the PostgreSQL server.
    fn url(&self, database: &str) -> Option<String> {
        let postgres = self.postgres.as_ref()?;
        let folder = postgres.query("postgres", "SHOW unix_socket_directories");
        Some(format!("postgresql:///{database}?host={folder}&user=tester"))
    }

    fn run(&self, at: &str, block: &Block) {
        let text = block.text.replace("cargo run --release -- ", "fastcore ");
        let text = text.replace("127.0.0.1:8000", &self.address).replace("/backup/", "backup/");
        let work = self.folder.path().join("work");
        let script = self.folder.path().join("block.sh");
        fs::write(&script, &text).expect("a script");
        let said = self.folder.path().join("said");
        let out = File::create(&said).expect("a file");
        let comment = |name| block.comments.get(name).map(String::as_str);
        let shell = format!("exec bash -e -o pipefail {}", script.display());
        let mut command = match (comment("until"), comment("input")) {
            (Some(_), _) => bash(&format!("exec {}", text.trim())),
            (_, Some(_)) => {
                let mut command = Command::new("timeout");
                command.args(["120", "script", "-qec", &shell, "/dev/null"]);
                command
            }
            _ => bash(&format!("exec timeout 120 {}", &shell[5..])),
        };
        let bin = self.folder.path().join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        command.env_clear().env("PATH", format!("{}:{path}", bin.display()));
        command.env("HOME", &work).env("LANG", "C.UTF-8").env("TOKEN", &self.token);
        command.env("FASTCORE_LISTEN", "127.0.0.1:0");
        command.envs(self.url("old").map(|url| ("OLD", url)));
        command.envs(self.url("new").map(|url| ("DATABASE", url)));
        command.current_dir(&work).stdin(Stdio::piped());
        command.stdout(out.try_clone().expect("a file")).stderr(out);
        let mut child = command.spawn().expect("it runs");
        // Open until the end: a terminal whose input has ended hangs up.
        let mut input = child.stdin.take().expect("a pipe");
        for line in comment("input").iter().flat_map(|lines| lines.split(", ")) {
            writeln!(input, "{line}").expect("it reads");
        }
        if let Some(text) = comment("until") {
            let end = Instant::now() + Duration::from_secs(60);
            while !fs::read_to_string(&said).unwrap_or_default().contains(text) {
                let running = child.try_wait().expect("a status").is_none();
                assert!(running && Instant::now() < end, "{at}: {}", lossy(&said));
                std::thread::sleep(Duration::from_millis(20));
            }
            kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
        } else if comment("input").is_none() {
            drop(input);
        }
        let status = child.wait().expect("it ends").code();
        let expected = comment("exit").map_or(0, |exit| exit.parse().expect("an exit status"));
        assert_eq!(status, Some(expected), "{at}\n{text}\n{}", lossy(&said));
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn bash(script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", script]);
    command
}

fn lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// What the binary prints.
fn fastcore(arguments: &[&str]) -> String {
    let mut command = Command::new(BINARY);
    let output = command.args(arguments).env_clear().output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The cells of the rows of all tables of a page that come after a heading, up to the next table.
fn table(page: &str, after: &str) -> Vec<Vec<String>> {
    let text = read(page);
    let (_, rest) = text.split_once(after).unwrap_or_else(|| panic!("{page}: {after}"));
    let rows = rest.lines().skip_while(|l| !l.starts_with('|')).take_while(|l| l.starts_with('|'));
    let cells = |row: &str| {
        let row = row.trim().trim_matches('|').split('|').map(|c| c.trim().replace('`', ""));
        row.collect::<Vec<_>>()
    };
    rows.skip(2).map(cells).collect()
}

#[test]
fn every_document_is_executed_and_linked_from_a_short_readme() {
    let mut documents: BTreeSet<String> =
        ["README.md", "CONTRIBUTING.md"].map(str::to_owned).into();
    for entry in fs::read_dir(root().join("docs")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.ends_with(".md") {
            assert!(read("README.md").contains(&format!("(docs/{name})")), "{name}");
            documents.insert(format!("docs/{name}"));
        }
    }
    assert_eq!(documents, PAGES.iter().map(|page| (*page).to_owned()).collect());
    assert!(read("README.md").lines().count() <= 150);
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The lines of a document outside of its fenced blocks.
fn prose(page: &str) -> Vec<String> {
    let (mut inside, mut prose) = (false, Vec::new());
    for line in read(page).lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push(line.to_owned());
        }
    }
    prose
}

#[test]
fn every_link_has_a_target() {
    let further =
        ["CHANGELOG.md", "SECURITY.md", "migrations/README.md", "assets/vendor/README.md"];
    for page in PAGES.iter().copied().chain(further) {
        for line in prose(page) {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") {
                    continue;
                }
                let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
                let folder = Path::new(page).parent().expect("a folder");
                let file = if file.is_empty() { PathBuf::from(page) } else { folder.join(file) };
                assert!(root().join(&file).exists(), "{page}: {target}");
                if !fragment.is_empty() {
                    let lines = prose(file.to_str().expect("UTF-8"));
                    let headings = lines.iter().filter(|l| l.starts_with('#'));
                    let mut anchors = headings.map(|l| anchor(l.trim_start_matches('#')));
                    assert!(anchors.any(|anchor| anchor == fragment), "{page}: {target}");
                }
            }
        }
    }
}

#[test]
fn every_path_named_in_a_document_exists() {
    let folders =
        ["src/", "tests/", "assets/", "migrations/", "benches/", "docs/", "packaging/", ".ci/"];
    for page in PAGES {
        for line in prose(page) {
            // Odd parts are inline code; <name> is a placeholder.
            for code in line.split('`').skip(1).step_by(2) {
                let path = code.split(' ').next().unwrap_or_default();
                if folders.iter().any(|f| path.starts_with(f)) && !path.contains(['<', '*']) {
                    assert!(root().join(path).exists(), "{page}: {path}");
                }
            }
        }
    }
}

#[test]
fn every_document_named_in_a_file_exists() {
    let scripts =
        [".ci/unit", ".ci/package", ".ci/site", ".ci/next", ".ci/smoke", ".ci/litestream"];
    let units =
        ["fastcore.service", "packaging/fastcore.socket", "packaging/fastcore-litestream.service"];
    let shipped = [".env.example"].into_iter().chain(units);
    for file in shipped.chain(scripts) {
        let text = read(file);
        for rest in text.split("docs/").skip(1) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && !"-.".contains(c));
            let name = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
            if name.ends_with(".md") {
                assert!(root().join("docs").join(name).exists(), "{file}: docs/{name}");
            }
        }
    }
}

/// Every file below a folder.
fn files(folder: &str, all: &mut BTreeSet<String>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = format!("{folder}/{}", entry.file_name().to_str().expect("UTF-8"));
        if entry.file_type().expect("a type").is_dir() {
            files(&path, all);
        } else {
            all.insert(path);
        }
    }
}

#[test]
fn every_file_of_the_samples_is_linked_and_every_fault_has_words() {
    let page = read("docs/site-integration.md");
    let mut samples = ["php/fastcore.php", "python/fastcore.py"].map(String::from).into();
    files("tests/site/next", &mut samples);
    assert!(samples.len() > 10, "{samples:?}");
    for file in samples {
        let file = format!("tests/site/{}", file.trim_start_matches("tests/site/"));
        assert!(page.contains(&format!("](../{file})")), "{file}");
    }
    let words = read("tests/site/next/app/contact/messages.ts");
    let rows = table("docs/site-integration.md", "## Texts of faults").into_iter();
    let types: Vec<String> =
        rows.flat_map(|r| r[0].split(", ").map(str::to_owned).collect::<Vec<_>>()).collect();
    assert!(types.len() > 8, "{types:?}");
    for kind in types {
        assert_eq!(words.matches(&format!("    {kind}: ")).count(), 2, "{kind} in two languages");
    }
}

/// The statuses and error codes of an operation's responses; no code where it is not an error.
fn responses(operation: &Value) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for (status, response) in operation["responses"].as_object().expect("responses") {
        let examples = response["content"]["application/json"]["examples"].as_object();
        let codes = examples.into_iter().flat_map(|examples| examples.values());
        let codes: Vec<_> = codes.filter_map(|e| e["value"]["error"].as_str()).collect();
        let none = (codes.is_empty() && status.starts_with('2')).then_some("");
        all.extend(codes.into_iter().chain(none).map(|code| (status.clone(), code.to_owned())));
    }
    all
}

#[test]
fn documented_statuses_match_openapi() {
    let document: Value = serde_json::from_str(&fastcore(&["openapi"])).expect("JSON");
    let pairs = |after| -> BTreeSet<(String, String)> {
        let rows = table("docs/api.md", after).into_iter();
        rows.map(|row| (row[0].clone(), row[1].clone())).collect()
    };
    let intake = pairs("### Responses");
    assert_eq!(intake, responses(&document["paths"]["/inbound/leads"]["post"]));
    let mut errors = BTreeSet::new();
    for operations in document["paths"].as_object().expect("paths").values() {
        for operation in operations.as_object().expect("operations").values() {
            errors.extend(responses(operation).into_iter().filter(|(_, code)| !code.is_empty()));
        }
    }
    let documented = intake.into_iter().filter(|(_, code)| !code.is_empty());
    let documented = documented.chain(pairs("Errors that only occur here"));
    assert_eq!(documented.collect::<BTreeSet<_>>(), errors);
}

#[test]
fn documented_fields_match_openapi() {
    let document: Value = serde_json::from_str(&fastcore(&["openapi"])).expect("JSON");
    let resolve = |schema: &Value| match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect("a schema").clone(),
        None => schema.clone(),
    };
    let body = &document["paths"]["/inbound/leads"]["post"]["requestBody"];
    let mut fields = BTreeSet::new();
    let mut add = |prefix: &str, schema: &Value| {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for name in schema["properties"].as_object().expect("properties").keys() {
            if name != "meta" {
                let is = required.contains(&Value::from(name.as_str()));
                fields.insert((format!("{prefix}{name}"), is));
            }
        }
    };
    let lead = resolve(&body["content"]["application/json"]["schema"]);
    add("", &lead);
    add("meta.", &resolve(&lead["properties"]["meta"]));
    let rows = table("docs/api.md", "### Fields").into_iter();
    let documented = rows.map(|row| (row[0].clone(), row[1].starts_with("required")));
    assert_eq!(documented.collect::<BTreeSet<_>>(), fields);
}

#[test]
fn documented_admin_paths_match_openapi() {
    let document: Value = serde_json::from_str(&fastcore(&["openapi"])).expect("JSON");
    let mut documented = BTreeMap::new();
    for row in table("docs/api.md", "## The admin page's API") {
        for path in row[0].split(", ") {
            documented.insert(path.to_owned(), row[1].split(", ").map(str::to_lowercase).collect());
        }
    }
    let mut paths = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        if path.starts_with("/admin/api/") {
            let methods = operations.as_object().expect("operations").keys().cloned();
            paths.insert(path.clone(), methods.collect::<BTreeSet<_>>());
        }
    }
    assert_eq!(documented, paths);
}

#[test]
fn documented_settings_match_the_help() {
    let help = fastcore(&["serve", "--help"]);
    let between = |text: &str, start: &str| {
        let (_, rest) = text.split_once(start)?;
        Some(rest.split_once(']')?.0.to_owned())
    };
    let mut settings = BTreeMap::new();
    for option in help.split("\n      --").skip(1) {
        let text = option.split_whitespace().collect::<Vec<_>>().join(" ");
        let flag = text.split(&[' ', '[', '='][..]).next().expect("a flag");
        if let Some(variable) = between(&text, "[env: ") {
            let default = between(&text, "[default: ").expect("a default");
            settings.insert(variable, (format!("--{flag}"), Some(default)));
        }
    }
    // Secrets have no flag; the help names them.
    let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    for name in help.split(word).filter(|word| word.starts_with("FASTCORE_")) {
        settings.entry(name.to_owned()).or_insert_with(|| (String::new(), None));
    }
    let mut documented = BTreeMap::new();
    for row in table("docs/configuration.md", "## Settings") {
        let default = Some(row[2].clone()).filter(|_| !row[1].is_empty());
        documented.insert(row[0].clone(), (row[1].clone(), default));
    }
    assert_eq!(documented, settings);
    // And all of them are in the file that an operator copies.
    for name in settings.keys() {
        assert!(read(".env.example").contains(&format!("{name}=")), "{name}");
    }
}

/// Every command that has no subcommands, as it is typed.
fn leaves(command: &[String], all: &mut Vec<String>) {
    let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = fastcore(&arguments);
    let (_, list) = help.split_once("\nCommands:\n").unwrap_or_default();
    let list = list.split("\n\n").next().unwrap_or_default();
    let named = list.lines().filter_map(|l| l.strip_prefix("  ")?.split(' ').next());
    let below: Vec<&str> = named.filter(|name| !["", "help"].contains(name)).collect();
    if below.is_empty() || command == ["migrate"] {
        all.push(command.join(" "));
    }
    for name in below {
        leaves(&[command, &[name.to_owned()]].concat(), all);
    }
}

#[test]
fn every_command_has_an_executed_example() {
    let mut commands = Vec::new();
    leaves(&[], &mut commands);
    assert!(commands.len() > 20, "{commands:?}");
    let blocks = blocks("docs/cli.md");
    let examples = blocks.iter().filter(|b| b.tag == "sh").map(|b| b.text.as_str());
    let examples = examples.collect::<String>() + " ";
    for command in commands {
        let typed = [" ", "\n"].map(|end| format!("fastcore {command}{end}"));
        assert!(typed.iter().any(|typed| examples.contains(typed)), "{command}");
    }
}
