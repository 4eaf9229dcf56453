//! A file that is there whole or not at all: written without a name, named when it is done.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::store::paths::sidecar_path;

/// Of the name that a file has for a moment before it takes another one's place.
const PREFIX: &str = ".fastcore-draft";

/// A file that is being written, in the folder where it will stand.
pub(crate) struct AtomicFile {
    target: PathBuf,
    folder: PathBuf,
    file: TempFile,
}

enum TempFile {
    /// Has no name: whatever ends the process, nothing of it stays.
    Anonymous(File),
    /// Where the file system knows no files without a name.
    Named(NamedTempFile),
}

impl AtomicFile {
    /// Begins a file that will stand at `target`, readable by its owner alone.
    pub(crate) fn of(target: &Path, database: &Path) -> io::Result<Self> {
        check_target(target, database)?;
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let file = match nameless(&folder) {
            Some(file) => TempFile::Anonymous(file),
            None => TempFile::Named(Builder::new().prefix(PREFIX).tempfile_in(&folder)?),
        };
        Ok(Self { target: target.to_owned(), folder, file })
    }

    /// The folder where it will stand.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn file(&mut self) -> &mut File {
        match &mut self.file {
            TempFile::Anonymous(file) => file,
            TempFile::Named(named) => named.as_file_mut(),
        }
    }

    /// Puts the file in its place; one that is there already is replaced.
    pub(crate) fn put_in_place(self) -> io::Result<()> {
        match self.file {
            TempFile::Anonymous(file) => {
                let give_name = |path: &Path| name(&file, path);
                let named = Builder::new().prefix(PREFIX).make_in(&self.folder, give_name)?;
                named.persist(&self.target).map_err(|e| e.error)?;
            }
            TempFile::Named(named) => drop(named.persist(&self.target).map_err(|e| e.error)?),
        }
        File::open(self.folder)?.sync_all()
    }
}

/// Refuses what a file must not take the place of: a folder, a device such as `/dev/stdout`, or
/// the database and what lies beside it.
pub(crate) fn check_target(target: &Path, database: &Path) -> io::Result<()> {
    let ours = ["", "-wal", "-shm", ".lock", ".ingest-token", ".erased"];
    if ours.iter().any(|suffix| is_same(target, &sidecar_path(database, suffix))) {
        let fault = format!("{} belongs to the database", target.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, fault));
    }
    let other = fs::metadata(target).is_ok_and(|meta| !meta.is_file());
    if other || target.as_os_str().as_encoded_bytes().ends_with(b"/") {
        let fault = format!("{} is not a regular file", target.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, fault));
    }
    Ok(())
}

/// Whether two paths lead to one place, whether or not something is there yet.
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some((folder.canonicalize().ok()?, path.file_name()?.to_owned()))
    };
    let file = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    (place(a).is_some() && place(a) == place(b)) || (file(a).is_some() && file(a) == file(b))
}

#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = File::from(open(folder, flags, Mode::RUSR | Mode::WUSR).ok()?);
    descriptor(&file).try_exists().is_ok_and(|there| there).then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}

/// Where a file can be reached while it has no name.
fn descriptor(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Fails when something has the name already.
fn name(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(CWD, descriptor(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}
