//! A backup that is not complete: written under another name, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::store::backup::checksum_trailer;
use crate::store::backup::checksum_trailer::ChecksumTrailer;
use crate::store::backup::progress::ProgressFn;
use crate::store::db::open;
use crate::store::error::StoreError;
use crate::store::file_owner::FileOwner;
use crate::store::paths::{folder_of, no_follow, sidecar_path, sync_folder_of};

const SUFFIX: &str = ".partial";

/// A file next to its target, named `….partial`. One that a killed process has left is reused.
pub(crate) struct PartialBackup {
    pub(crate) path: PathBuf,
    /// Locked for as long as it is written.
    pub(crate) file: File,
    is_finished: bool,
}

impl PartialBackup {
    /// Begins a file for `owner`, and removes what killed processes have left in its folder.
    pub(crate) fn create(target: &Path, owner: FileOwner) -> Result<Self, StoreError> {
        let path = sidecar_path(target, SUFFIX);
        remove_stale(folder_of(target), &path);
        let fail = StoreError::at(&path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(&path)
            .map_err(fail)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| fail(io::Error::other("another process is writing it")))?;
        // From here on, the file is removed whatever fails.
        let partial = Self { path, file, is_finished: false };
        let fail = StoreError::at(&partial.path);
        owner.give(&partial.file).map_err(fail)?;
        partial.file.set_len(0).map_err(fail)?;
        for suffix in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(sidecar_path(&partial.path, suffix));
        }
        Ok(partial)
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
        self.is_finished = true;
        sync_folder_of(target).map_err(fail)
    }

    /// The complete file at its beginning, without a name: nothing of it is left however the process
    /// ends.
    pub(crate) fn into_unnamed(mut self) -> Result<File, StoreError> {
        let fail = StoreError::at(&self.path);
        fs::remove_file(&self.path).map_err(fail)?;
        self.is_finished = true;
        let mut file = self.file.try_clone().map_err(fail)?;
        file.rewind().map_err(fail)?;
        Ok(file)
    }
}

impl Drop for PartialBackup {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the copies that killed processes have left unfinished in a folder, but for `own`, which is
/// reused. Whoever still writes one has it locked.
fn remove_stale(folder: &Path, own: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.file_name() == own.file_name()
            || !entry.file_name().as_encoded_bytes().ends_with(SUFFIX.as_bytes())
            || !entry.file_type().is_ok_and(|kind| kind.is_file())
        {
            continue;
        }
        let file = OpenOptions::new().read(true).custom_flags(no_follow()).open(&path);
        let Ok(mut file) = file else { continue };
        let mut header = [0; open::HEADER_SIZE];
        if file.read_exact(&mut header).is_ok()
            && open::is_own_header(&header)
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
            && fs::remove_file(&path).is_ok()
        {
            tracing::warn!(file = %path.display(), "removed the unfinished copy of a process that was killed");
        }
    }
}
