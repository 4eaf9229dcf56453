//! Paths of the files next to the database.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The path of a file next to the database: `fastcore.db` and `.lock` give `fastcore.db.lock`.
#[must_use]
pub fn sidecar_path(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder of a file; `.` for a bare file name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Flushes the folder of a file, so that a new name in it survives a power cut.
///
/// # Errors
/// The folder cannot be opened or flushed.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}
