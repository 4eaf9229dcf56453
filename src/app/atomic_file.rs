//! A file that is written whole or not at all.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use atomic_write_file::AtomicWriteFile;
use atomic_write_file::unix::OpenOptionsExt as _;

use crate::store::paths::{folder_of, resolve_links, sidecar_path};

/// What the names of a database and of the files that belong to it end with.
pub(crate) const DATABASE_FILES: [&str; 8] =
    ["", "-wal", "-shm", ".lock", ".ingest-token", ".erased", ".settings", ".staff-key"];
/// Extensions of the files that are written through [`AtomicFile`].
const EXTENSIONS: [&str; 6] = ["csv", "jsonl", "xlsx", "sql", "json", "txt"];
/// Random characters at the end of a temporary name of `atomic_write_file`.
const RANDOM_SUFFIX_LEN: usize = 6;

/// A file that is being written in the folder of its target. It has no name until it is complete,
/// where the file system allows that.
pub(crate) struct AtomicFile {
    folder: PathBuf,
    file: AtomicWriteFile,
}

impl AtomicFile {
    /// Begins a file that will replace `target`, readable by its owner alone: that of the file that
    /// is there, if there is one. A symbolic link stays, and the file that it leads to is replaced.
    pub(crate) fn create(target: &Path, database: &Path) -> io::Result<Self> {
        let target = &resolve_links(target);
        check_target(target, database)?;
        Self::open(target)
    }

    /// Begins a file next to the database, which belongs to it.
    pub(crate) fn create_sidecar(target: &Path) -> io::Result<Self> {
        Self::open(&resolve_links(target))
    }

    fn open(target: &Path) -> io::Result<Self> {
        let mut options = AtomicWriteFile::options();
        options.mode(0o600).preserve_mode(false).try_preserve_owner(true);
        Ok(Self { folder: folder_of(target).to_owned(), file: options.open(target)? })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Flushes the file and puts it in its place, replacing an older one; then flushes the folder.
    pub(crate) fn commit(self) -> io::Result<()> {
        self.file.commit()
    }
}

/// Refuses a target that must not be replaced: a folder, a device such as `/dev/stdout`, the
/// database and the files next to it.
pub(crate) fn check_target(target: &Path, database: &Path) -> io::Result<()> {
    if DATABASE_FILES.iter().any(|suffix| is_same(target, &sidecar_path(database, suffix))) {
        let error = format!("{} belongs to the database", target.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    let not_a_file = fs::metadata(target).is_ok_and(|meta| !meta.is_file());
    if not_a_file || target.as_os_str().as_encoded_bytes().ends_with(b"/") {
        let error = format!("{} is not a regular file", target.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    Ok(())
}

/// Whether two paths name the same file, or would once it exists.
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    let place =
        |path: &Path| Some((folder_of(path).canonicalize().ok()?, path.file_name()?.to_owned()));
    let file = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    (place(a).is_some() && place(a) == place(b)) || (file(a).is_some() && file(a) == file(b))
}

/// Whether this is the name of a temporary file, which a process that was killed can leave: for a
/// moment before the end, or where the file system has no unnamed files. Such a name is
/// `.NAME.RANDOM`.
pub(crate) fn is_temporary_name(name: &str) -> bool {
    let parts = name.strip_prefix('.').and_then(|name| name.rsplit_once('.'));
    parts.is_some_and(|(target, random)| {
        let extension = Path::new(target).extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
            && random.len() == RANDOM_SUFFIX_LEN
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
