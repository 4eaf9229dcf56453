//! The page about security: what it names exists.

use std::fs;
use std::path::Path;

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The cells of the rows of the table after a heading.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    let table = rest.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|c| c.trim().to_owned()).collect())
        .collect()
}

/// Every text between backquotes.
fn codes(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut sources = String::new();
    for folder in ["it", "it/http_protocol", "it/tls", "browser"].map(|name| tests.join(name)) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&read(path));
            }
        }
    }
    let page = read("docs/security.md");
    let is_test = |code: &&str| {
        code.matches('_').count() > 2
            && code.bytes().all(|b| b.is_ascii_lowercase() || b"_0123456789".contains(&b))
    };
    let named: Vec<_> = codes(&page).into_iter().filter(is_test).collect();
    assert!(named.len() > 15, "{named:?}");
    for test in named {
        // The cases of the browser tests are named by a text: `view::case`.
        let is_there = [format!("fn {test}("), format!("::{test}\"")];
        assert!(is_there.iter().any(|text| sources.contains(text)), "{test}");
    }
}

#[test]
fn every_crate_of_the_cryptography_table_is_a_dependency() {
    let manifest = read("Cargo.toml");
    let page = read("docs/security.md");
    let rows = rows(&page, "## Cryptography");
    assert!(rows.len() >= 7, "{rows:?}");
    for row in rows {
        for name in codes(row.last().expect("a cell")) {
            assert!(manifest.contains(&format!("\n{name} = ")), "{name}");
        }
    }
}

#[test]
fn every_chapter_of_the_asvs_is_assessed() {
    let page = read("docs/security.md");
    let rows = rows(&page, "## OWASP ASVS 5.0");
    let chapters: Vec<u32> = rows
        .iter()
        .map(|row| {
            let digits = row[0].trim_start_matches('V').chars();
            digits.take_while(char::is_ascii_digit).collect::<String>().parse().expect("a chapter")
        })
        .collect();
    assert!(chapters.is_sorted(), "{chapters:?}");
    for chapter in 1..=17 {
        assert!(chapters.contains(&chapter), "V{chapter}");
    }
    for row in &rows {
        let [section, met, reason] = row.as_slice() else { panic!("three cells: {row:?}") };
        assert!(["yes", "**partly**", "**no**", "n/a"].contains(&met.as_str()), "{section}");
        let is_met = !met.starts_with("**");
        assert!(is_met || reason.contains("Missing: "), "{section} does not say what is missing");
    }
}
