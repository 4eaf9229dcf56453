//! Paths of the files next to the database.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The path of a file next to the database: `fastcore.db` and `.lock` give `fastcore.db.lock`.
#[must_use]
pub fn sidecar_path(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Symbolic links that are followed one after the other, at most.
const MAX_LINKS: usize = 40;

/// The path of the file that a path leads to: symbolic links in its place are resolved, whether the file
/// exists or not. What replaces a file would otherwise replace the link.
#[must_use]
pub fn resolve_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = folder_of(&path).join(target);
    }
    path
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

/// The flag with which opening a symbolic link fails.
pub(crate) fn no_follow() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0)
}
