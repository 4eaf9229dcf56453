//! A backup that is not complete: written under another name, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::store::backup::checksum_trailer;
use crate::store::backup::checksum_trailer::ChecksumTrailer;
use crate::store::backup::progress::ProgressFn;
use crate::store::error::StoreError;
use crate::store::paths::{sidecar_path, sync_folder_of};

/// A file next to its target, named `….partial`. One that a killed process has left is reused.
pub(crate) struct PartialBackup {
    pub(crate) path: PathBuf,
    /// Locked for as long as it is written.
    pub(crate) file: File,
    is_renamed: bool,
}

impl PartialBackup {
    pub(crate) fn create(target: &Path) -> Result<Self, StoreError> {
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
        Ok(Self { path, file, is_renamed: false })
    }

    pub(crate) fn append_trailer(
        &mut self,
        progress: &mut ProgressFn<'_>,
    ) -> Result<ChecksumTrailer, StoreError> {
        let progress = &mut |bytes| progress("MB hashed", bytes / 1_000_000);
        checksum_trailer::append(&self.path, &mut self.file, progress)
    }

    /// Renames the complete file, which must have been flushed, to its target.
    pub(crate) fn rename_to(mut self, target: &Path) -> Result<(), StoreError> {
        let fail = StoreError::at(target);
        fs::rename(&self.path, target).map_err(fail)?;
        self.is_renamed = true;
        sync_folder_of(target).map_err(fail)
    }
}

impl Drop for PartialBackup {
    fn drop(&mut self) {
        if !self.is_renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}
