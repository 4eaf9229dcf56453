//! Where the database is.

use std::path::PathBuf;

use crate::config::{ConfigError, DATABASE_URL, Environment};

/// The path of the database file.
///
/// # Errors
/// The URL is not one of SQLite's; a PostgreSQL URL is told where to go.
pub fn path(environment: &Environment, flag: Option<&str>) -> Result<PathBuf, ConfigError> {
    DATABASE_URL.resolve(environment, flag, place)?.ok_or_else(|| {
        // The URL holds a password: it is not repeated.
        ConfigError::new(
            "DATABASE_URL: FASTCore keeps its data in a SQLite file, such as sqlite://fastcore.db; \
             to bring its rows to PostgreSQL, use `fastcore export --format postgres`",
        )
    })
}

/// The path in a URL of SQLite's or as it is; `Some(None)` for a URL of PostgreSQL's.
fn place(url: &str) -> Option<Option<PathBuf>> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    if scheme.starts_with("postgres") {
        return Some(None);
    }
    let path = match url.strip_prefix("sqlite://") {
        Some(path) if path.contains(['?', '#']) => return None,
        Some(path) => path,
        None if url.contains("://") || scheme == "sqlite" || scheme == "file" => return None,
        None => url,
    };
    let usable = !path.is_empty() && !path.ends_with('/') && path != ":memory:";
    usable.then(|| Some(PathBuf::from(path)))
}
