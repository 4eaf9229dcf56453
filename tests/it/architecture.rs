//! The structure of the sources: layers, siblings, cycles, the home of each library, unique type names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each part of the crate may import of it: the layers below, and itself.
const LAYERS: [(&str, &[&str]); 10] = [
    ("domain", &["domain"]),
    ("clock", &["clock"]),
    ("metrics", &["metrics"]),
    ("http_client", &["http_client"]),
    ("config", &["config", "domain"]),
    ("telemetry", &["telemetry", "metrics", "config", "domain"]),
    ("store", &["store", "domain", "clock", "metrics"]),
    ("app", &["app", "store", "domain", "clock", "metrics", "http_client"]),
    ("http", &["http", "app", "store", "domain", "config", "metrics", "http_client"]),
    ("cli", &["cli", "app", "store", "domain", "config", "clock", "telemetry"]),
];

/// The files of `cli` that may import its sibling `http`: those that start the server, ask it, or
/// print its document.
const MEETING_POINTS: [&str; 6] = [
    "cli/serve.rs",
    "cli/listeners.rs",
    "cli/demo.rs",
    "cli/openapi.rs",
    "cli/health.rs",
    "cli/canary.rs",
];

/// Libraries and the layers that may import them.
const HOMES: [(&str, &[&str]); 32] = [
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("r2d2_sqlite", &["store"]),
    ("refinery", &["store"]),
    ("thread_priority", &["store"]),
    ("warp", &["http"]),
    ("hyper", &["http", "http_client"]),
    ("hyper_util", &["http", "http_client"]),
    ("utoipa", &["http"]),
    ("rust_embed", &["http"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("listenfd", &["config"]),
    ("qrcode", &["app"]),
    ("rpassword", &["cli"]),
    ("csv", &["app"]),
    ("csv_core", &["app"]),
    ("rust_xlsxwriter", &["app"]),
    ("argon2", &["app"]),
    ("x509_cert", &["app"]),
    ("tokio_rustls", &["http", "http_client"]),
    ("http_body_util", &["http", "http_client"]),
    ("instant_acme", &["http"]),
    ("rcgen", &["http"]),
    ("rustls_native_certs", &["http_client"]),
    ("chacha20poly1305", &["app"]),
    ("zxcvbn", &["domain"]),
    ("totp_rs", &["app"]),
    ("prometheus_client", &["metrics"]),
    ("lettre", &["app"]),
    ("standardwebhooks", &["app"]),
];

/// Type names that may be defined more than once: each command's arguments are its `Args`.
const SHARED_NAMES: [&str; 1] = ["Args"];

/// A source file without its comments and its test module.
struct Source {
    /// Relative to `src`, such as `store/db/open.rs`.
    file: String,
    code: String,
}

impl Source {
    fn layer(&self) -> &str {
        self.file.split(['/', '.']).next().unwrap_or_default()
    }

    /// The module path: `store::db::open`.
    fn module(&self) -> String {
        let path = self.file.trim_end_matches(".rs").trim_end_matches("/mod");
        path.replace('/', "::")
    }

    /// Every path after `crate::` in the file, with the items of a `{…}` group added one by one.
    fn crate_paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for (at, prefix) in self.code.match_indices("crate::") {
            let before = self.code[..at].chars().next_back();
            if before.is_some_and(is_word) {
                continue;
            }
            collect_paths(&self.code[at + prefix.len()..], "", &mut paths);
        }
        paths
    }
}

#[test]
fn no_layer_imports_a_higher_or_sibling_layer() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == source.layer()) else {
            continue;
        };
        for path in source.crate_paths() {
            let imported = path.split("::").next().unwrap_or_default();
            let meets = imported == "http" && MEETING_POINTS.contains(&source.file.as_str());
            if !allowed.contains(&imported) && !meets {
                faults.push(format!("{} imports crate::{path}", source.file));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn import_paths_are_absolute() {
    let relative =
        |source: &Source| source.code.contains("super::") || source.code.contains("self::");
    let files: Vec<String> = sources().into_iter().filter(relative).map(|s| s.file).collect();
    assert!(files.is_empty(), "these files use super:: or self::: {files:#?}");
}

#[test]
fn file_imports_form_no_cycle() {
    let sources = sources();
    let files: BTreeMap<String, String> =
        sources.iter().map(|source| (source.module(), source.file.clone())).collect();
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &sources {
        let imported = source.crate_paths().into_iter().filter_map(|path| file_of(&files, &path));
        let others = imported.filter(|file| *file != source.file).collect();
        imports.insert(source.file.clone(), others);
    }
    let circles: BTreeMap<&String, BTreeSet<&String>> = imports
        .keys()
        .map(|file| {
            let back = |other: &&String| reachable(&imports, other).contains(file);
            (file, imports[file].iter().filter(back).collect::<BTreeSet<_>>())
        })
        .filter(|(_, others)| !others.is_empty())
        .collect();
    assert!(circles.is_empty(), "files in circles, and what each imports there: {circles:#?}");
}

/// A file and all that it imports, directly or not.
fn reachable<'a>(
    imports: &'a BTreeMap<String, BTreeSet<String>>,
    file: &'a String,
) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(&imports[file]);
        }
    }
    reached
}

#[test]
fn each_crate_is_imported_only_by_its_home_layer() {
    let mut faults = Vec::new();
    for source in sources() {
        for (library, homes) in HOMES {
            let used = source.code.match_indices(&format!("{library}::")).any(|(at, _)| {
                !source.code[..at].chars().next_back().is_some_and(|c| is_word(c) || c == ':')
            });
            if used && !homes.contains(&source.layer()) {
                faults.push(format!("{} imports {library}, whose home is {homes:?}", source.file));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_two_modules_define_a_type_of_the_same_name() {
    let mut definitions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for line in source.code.lines() {
            // Types of a module, not those inside of a function.
            let line =
                line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
            let kinds = ["struct ", "enum ", "trait ", "type "];
            let Some(rest) = kinds.iter().find_map(|kind| line.strip_prefix(kind)) else {
                continue;
            };
            definitions.entry(word(rest).to_owned()).or_default().push(source.file.clone());
        }
    }
    definitions.retain(|name, files| files.len() > 1 && !SHARED_NAMES.contains(&name.as_str()));
    assert!(definitions.is_empty(), "defined more than once: {definitions:#?}");
}

/// The file of the module that a path leads into.
fn file_of(files: &BTreeMap<String, String>, path: &str) -> Option<String> {
    let mut module = path;
    loop {
        if let Some(file) = files.get(module) {
            return Some(file.clone());
        }
        module = module.rsplit_once("::")?.0;
    }
}

/// Adds the path at the beginning of a text, or each path of the group that it ends in.
fn collect_paths(text: &str, prefix: &str, paths: &mut Vec<String>) {
    let end = text.find(|c: char| !is_word(c) && c != ':').unwrap_or(text.len());
    let path = format!("{prefix}{}", &text[..end]);
    let Some(group) = text[end..].strip_prefix('{').filter(|_| path.ends_with("::")) else {
        paths.push(path.trim_end_matches(':').to_owned());
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                collect_paths(group[start..at].trim_start(), &path, paths);
                start = at + 1;
                if c == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

fn word(text: &str) -> &str {
    text.split(|c: char| !is_word(c)).next().unwrap_or_default()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect_files(&root, &mut files);
    assert!(files.len() > 80, "the sources are found");
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let file =
                path.strip_prefix(&root).expect("inside").to_str().expect("UTF-8").to_owned();
            let text = fs::read_to_string(&path).expect("a source file");
            // Test modules are at the end of their files.
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            Source { file, code: lines.collect::<Vec<_>>().join("\n") }
        })
        .collect()
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_files(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}
