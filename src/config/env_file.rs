//! The `.env` file: one `NAME=value` per line. Values are taken as written: nothing in them is substituted.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::config::error::ConfigError;

/// Reads a file; without one, there are no variables.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let fail = |cause: &str| ConfigError::new(format_args!("{}: {cause}", path.display()));
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| fail("its text is not UTF-8"))?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(fail(&e.to_string())),
    };
    let mut variables = BTreeMap::new();
    let entries = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let entries = entries.filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (number, entry) in (1..).zip(entries) {
        let Some((name, value)) = parse(entry) else {
            // Without the content of the file, which may be a secret.
            let form = "not of the form NAME=value; a value with spaces, quotes or # needs 'single quotes'";
            return Err(fail(&format!("entry {number}: {form}")));
        };
        variables.insert(name.to_owned(), value.to_owned());
    }
    Ok(variables)
}

fn parse(entry: &str) -> Option<(&str, &str)> {
    let entry = entry.strip_prefix("export ").unwrap_or(entry);
    let (name, after) = entry.split_once('=')?;
    let (name, value) = (name.trim(), after.trim());
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let is_name = name.chars().all(of_name) && !name.starts_with(|c: char| c.is_ascii_digit());
    (is_name && !name.is_empty()).then_some(())?;
    let quote = value.chars().next().filter(|c| ['\'', '"'].contains(c));
    let (value, rest) = match quote {
        Some(quote) => value[1..].split_once(quote)?,
        // A comment begins after a space.
        None if value.starts_with('#') && after != value => ("", value),
        None => {
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            value.split_at(end)
        }
    };
    let rest = rest.trim_start();
    let is_bare = quote.is_some() || !value.contains(['\'', '"']);
    (is_bare && (rest.is_empty() || rest.starts_with('#'))).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn values_are_taken_as_written() {
        for (entry, expected) in [
            ("A=Zx9$Ab1", Some(("A", "Zx9$Ab1"))),
            ("A=${B}\\n", Some(("A", "${B}\\n"))),
            ("A=\"$B \\t # '\"  # comment", Some(("A", "$B \\t # '"))),
            ("A='a \"b\" $c'", Some(("A", "a \"b\" $c"))),
            ("export A = b # comment", Some(("A", "b"))),
            ("A=b#c", Some(("A", "b#c"))),
            ("A=#b", Some(("A", "#b"))),
            ("A=", Some(("A", ""))),
            ("A= # comment", Some(("A", ""))),
            ("A=b c", None),
            ("A=b'c'", None),
            ("A='b", None),
            ("A='b' c", None),
            ("=b", None),
            ("A B=c", None),
            ("1A=b", None),
            ("A", None),
        ] {
            assert_eq!(parse(entry), expected, "{entry}");
        }
    }
}
