//! The house: a floor names only those below it, and each library has its one place.

use std::fs;
use std::path::{Path, PathBuf};

/// What each part of the crate may name of it.
const MAY: [(&str, &[&str]); 8] = [
    ("domain", &["domain"]),
    ("clock", &["clock"]),
    ("config", &["config", "domain"]),
    ("telemetry", &["telemetry", "config"]),
    ("store", &["store", "domain", "clock"]),
    ("app", &["app", "store", "domain", "clock"]),
    ("http", &["http", "app", "store", "domain", "config"]),
    ("cli", &["cli", "app", "domain", "config", "clock", "telemetry"]),
];

/// The files that may name the neighbour: where the command line starts the server, and where it
/// prints what the server says of itself.
const DOORS: [(&str, &str); 2] = [("cli/serve.rs", "http"), ("cli/openapi.rs", "http")];

/// Libraries and the one part that may name them.
const AT_HOME: [(&str, &str); 17] = [
    ("rusqlite", "store"),
    ("r2d2", "store"),
    ("refinery", "store"),
    ("thread_priority", "store"),
    ("warp", "http"),
    ("utoipa", "http"),
    ("hyper", "http"),
    ("clap", "cli"),
    ("csv", "app"),
    ("csv_core", "app"),
    ("rust_xlsxwriter", "app"),
    ("argon2", "app"),
    ("totp_rs", "app"),
    ("chrono_tz", "app"),
    ("rust_embed", "http"),
    ("qrcode", "cli"),
    ("rpassword", "cli"),
];

#[test]
fn no_floor_names_one_above_it_and_each_library_stays_at_home() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 40, "the sources are here");
    let mut faults = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).expect("inside").to_str().expect("UTF-8").to_owned();
        let floor = name.split(['/', '.']).next().expect("a name");
        let Some((_, may)) = MAY.iter().find(|(f, _)| *f == floor) else { continue };
        let text = fs::read_to_string(&file).expect("a source");
        let lines = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        for line in lines {
            for named in line.split("crate::").skip(1).map(word) {
                if !may.contains(&named) && !DOORS.contains(&(name.as_str(), named)) {
                    faults.push(format!("{name} names crate::{named}"));
                }
            }
            for (library, home) in AT_HOME {
                let used = line.split(&format!("{library}::")).next().filter(|b| *b != line);
                let whole =
                    used.is_some_and(|b| !b.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
                if whole && floor != home {
                    faults.push(format!("{name} names {library}, which belongs to {home}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}
