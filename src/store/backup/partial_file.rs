//! A backup that is not finished: written under another name, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::store::backup::checksum_trailer;
use crate::store::backup::checksum_trailer::ChecksumTrailer;
use crate::store::backup::create::ProgressFn;
use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;

/// A file that is not finished, beside its place; its name tells so. What a process that was
/// killed has left there is taken over.
pub(crate) struct PartialBackup {
    pub(crate) path: PathBuf,
    /// Locked for as long as it is written.
    pub(crate) file: File,
    done: bool,
}

impl PartialBackup {
    pub(crate) fn of(target: &Path) -> Result<Self, StoreError> {
        let path = sidecar_path(target, ".partial");
        let fail = StoreError::at(&path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
            .open(&path)
            .map_err(fail)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| fail(io::Error::other("another process is writing it")))?;
        file.set_len(0).map_err(fail)?;
        for suffix in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(sidecar_path(&path, suffix));
        }
        Ok(Self { path, file, done: false })
    }

    pub(crate) fn append_trailer(
        &mut self,
        tell: &mut ProgressFn<'_>,
    ) -> Result<ChecksumTrailer, StoreError> {
        let tell = &mut |bytes| tell("MB sealed", bytes / 1_000_000);
        checksum_trailer::append(&self.path, &mut self.file, tell)
    }

    /// Puts the finished file, flushed before, in its place.
    pub(crate) fn put_in_place(mut self, target: &Path) -> Result<(), StoreError> {
        let fail = StoreError::at(target);
        fs::rename(&self.path, target).map_err(fail)?;
        self.done = true;
        sync_folder(target).map_err(fail)
    }
}

impl Drop for PartialBackup {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Flushes the names in the folder of a file.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
