//! The path of the database, and what is kept free on its disk.

use std::path::PathBuf;

use bytesize::ByteSize;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::setting::{DATABASE_URL, Setting};

pub(crate) const DISK_RESERVE: Setting = Setting {
    variable: "FASTCORE_DISK_RESERVE",
    flag: "--disk-reserve",
    default: "64MiB",
    accepts: "a size such as 64MiB, 1GiB or 500MB, or 0 for none",
};

/// The path of the database file.
///
/// # Errors
/// The URL is not a SQLite URL. For a PostgreSQL URL, the error names `export --format postgres`.
pub fn database_path(
    environment: &Environment,
    flag: Option<&str>,
) -> Result<PathBuf, ConfigError> {
    DATABASE_URL.resolve(environment, flag, parse_path)?.ok_or_else(|| {
        // The URL may contain a password: it is not repeated.
        ConfigError::new(
            "DATABASE_URL: FASTCore stores its data in a SQLite file, such as sqlite://fastcore.db; \
             to copy its rows to PostgreSQL, use `fastcore export --format postgres`",
        )
    })
}

/// How much is kept free on the database's disk, in bytes.
///
/// # Errors
/// The value is not accepted.
pub fn disk_reserve(environment: &Environment, flag: Option<&str>) -> Result<u64, ConfigError> {
    DISK_RESERVE
        .resolve(environment, flag, |text| text.parse::<ByteSize>().ok().map(|size| size.as_u64()))
}

/// A size as the setting takes it, in whole units where that is exact.
pub(crate) fn size_text(bytes: u64) -> String {
    let rounded = format!("{:.0}", ByteSize(bytes)).replace(' ', "");
    match rounded.parse::<ByteSize>() {
        Ok(size) if size.as_u64() == bytes => rounded,
        _ => bytes.to_string(),
    }
}

/// The path of a SQLite URL or a plain path; `Some(None)` for a PostgreSQL URL.
fn parse_path(url: &str) -> Option<Option<PathBuf>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_shown_exactly() {
        for (bytes, shown) in
            [(64 << 20, "64MiB"), (0, "0B"), (1_500_000, "1500000"), (3 << 30, "3GiB")]
        {
            assert_eq!(size_text(bytes), shown);
            assert_eq!(shown.parse::<ByteSize>().map(|size| size.as_u64()), Ok(bytes));
        }
    }
}
