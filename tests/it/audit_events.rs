//! The names of audit events: known wherever SQL compares with them, and spelled out in Rust code
//! only where they are defined.

use std::fs;
use std::path::{Path, PathBuf};

use fastcore::domain::audit::AuditEvent;

/// The source file that defines the names.
const DEFINITION: &str = "src/domain/audit.rs";

#[test]
fn event_names_in_sql_are_known_and_rust_code_uses_the_type() {
    let names: Vec<&str> = AuditEvent::ALL.iter().map(|event| event.as_str()).collect();
    let prefixes: Vec<String> =
        names.iter().filter_map(|name| Some(format!("{}_", name.split_once('_')?.0))).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    collect(&root.join("migrations"), &mut files);
    let (mut in_sql, mut faults) = (0, Vec::new());
    for path in files {
        let name = path.strip_prefix(root).expect("inside").display().to_string();
        let text = fs::read_to_string(&path).expect("a source");
        for literal in quoted(&text, '\'') {
            if prefixes.iter().any(|prefix| literal.starts_with(prefix.as_str())) {
                in_sql += 1;
                if !names.contains(&literal) {
                    faults.push(format!("{name}: '{literal}' is not an event"));
                }
            }
        }
        for literal in quoted(&text, '"') {
            if name != DEFINITION && names.contains(&literal) {
                faults.push(format!("{name}: \"{literal}\" instead of AuditEvent"));
            }
        }
    }
    assert!(in_sql > 10, "only {in_sql} event names were found in SQL");
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The constants between quotes of this kind.
fn quoted(text: &str, quote: char) -> impl Iterator<Item = &str> {
    let is_name =
        |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    text.split(quote).filter(is_name)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "sql") {
            files.push(path);
        }
    }
}
