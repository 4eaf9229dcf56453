//! New files with a secret, next to the database.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::store::file_owner::FileOwner;
use crate::store::paths::{folder_of, sync_folder_of};

/// Writes a new file with one line, whole or not at all, readable by the owner of the database alone.
///
/// # Errors
/// The file exists ([`io::ErrorKind::AlreadyExists`]), or cannot be written.
pub fn create_new(database: &Path, path: &Path, line: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder_of(path))?;
    writeln!(file, "{line}")?;
    FileOwner::of_database(database)?.give(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    sync_folder_of(path)
}
