//! The settings that a server leaves next to its database for commands such as `check` and `health`, which may
//! run without its variables. None of them is a secret.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::app::atomic_file::AtomicFile;
use crate::store::file_owner::FileOwner;
use crate::store::paths::sidecar_path;

/// Values by the names of their variables.
pub type ServerSettings = BTreeMap<String, String>;

const SUFFIX: &str = ".settings";

/// Writes the settings of a server that starts, if they have changed.
///
/// # Errors
/// The file cannot be written.
pub fn write(database: &Path, settings: &ServerSettings) -> io::Result<()> {
    if read(database) == *settings {
        return Ok(());
    }
    let mut file = AtomicFile::create_sidecar(&sidecar_path(database, SUFFIX))?;
    FileOwner::of_database(database)?.give(file.file())?;
    let text = serde_json::to_string_pretty(settings)?;
    writeln!(file.file(), "{text}")?;
    file.commit()
}

/// The settings of the server's last start; none if it left none, or they cannot be read.
#[must_use]
pub fn read(database: &Path) -> ServerSettings {
    let text = fs::read_to_string(sidecar_path(database, SUFFIX)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}
