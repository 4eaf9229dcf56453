//! Where the database is.

use std::path::PathBuf;

use super::{ConfigError, DATABASE_URL, Environment};

/// The path of the database file.
///
/// # Errors
/// The URL is not one of SQLite's; a PostgreSQL URL is told where to go.
pub fn path(environment: &Environment, flag: Option<&str>) -> Result<PathBuf, ConfigError> {
    let url = DATABASE_URL.resolve(environment, flag, |text| Some(text.to_owned()))?;
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    if scheme.starts_with("postgres") {
        // The URL holds a password: it is not repeated.
        return Err(ConfigError::new(
            "DATABASE_URL: FASTCore keeps its data in a SQLite file, such as sqlite://fastcore.db; \
             to bring its rows to PostgreSQL, use `fastcore export --format postgres`",
        ));
    }
    let refuse = || DATABASE_URL.refuse(DATABASE_URL.variable, &url);
    let path = match url.strip_prefix("sqlite://") {
        Some(path) if path.contains(['?', '#']) => return Err(refuse()),
        Some(path) => path,
        None if url.contains("://") || scheme == "sqlite" || scheme == "file" => {
            return Err(refuse());
        }
        None => url.as_str(),
    };
    if path.is_empty() || path.ends_with('/') || path == ":memory:" {
        return Err(refuse());
    }
    Ok(PathBuf::from(path))
}
