//! The ledger of erasures beside the database: the ids of erased leads, one a line, so that an
//! older backup cannot bring them back.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::domain::id::LeadId;
use crate::store::error::StoreError;
use crate::store::paths::sidecar_path;

/// The ledger, open to be added to; one process at a time.
#[derive(Debug)]
pub struct ErasureLedger {
    path: PathBuf,
    file: File,
    known: HashSet<LeadId>,
}

impl ErasureLedger {
    /// Opens the ledger of a database, and makes it where there is none.
    ///
    /// # Errors
    /// It cannot be read or written, or holds what is no lead's id.
    pub fn open(database: &Path) -> Result<Self, StoreError> {
        let path = path(database);
        let fail = StoreError::at(&path);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| fail(e.into()))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(fail)?;
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let known = ids(&path, &text[..whole])?;
        // A line that a crash cut off is of an erasure that did not come about.
        file.set_len(whole as u64).map_err(fail)?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|f| f.sync_all()).map_err(fail)?;
        Ok(Self { path, file, known })
    }

    /// Notes leads; when it returns, they are on the disk. To be called before the erasure is
    /// committed, so that no crash leaves one out.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note<'i>(&mut self, ids: impl IntoIterator<Item = &'i str>) -> Result<(), StoreError> {
        let mut lines = String::new();
        let parsed = ids.into_iter().filter_map(LeadId::parse);
        let new: Vec<LeadId> = parsed.filter(|id| !self.known.contains(id)).collect();
        for id in &new {
            lines.push_str(&format!("{id}\n"));
        }
        if !lines.is_empty() {
            let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_all());
            written.map_err(StoreError::at(&self.path))?;
            self.known.extend(new);
        }
        Ok(())
    }

    /// Every lead that was ever erased.
    pub(crate) fn leads(&self) -> impl Iterator<Item = String> {
        self.known.iter().map(LeadId::to_string)
    }
}

/// Where the ledger of a database is.
fn path(database: &Path) -> PathBuf {
    sidecar_path(database, ".erased")
}

/// The leads in the ledger of a database; none where there is no ledger.
pub(crate) fn read(database: &Path) -> Result<HashSet<LeadId>, StoreError> {
    let path = path(database);
    match std::fs::read_to_string(&path) {
        Ok(text) => ids(&path, &text[..text.rfind('\n').map_or(0, |at| at + 1)]),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(e) => Err(StoreError::at(&path)(e)),
    }
}

fn ids(path: &Path, text: &str) -> Result<HashSet<LeadId>, StoreError> {
    let id = |(n, line): (usize, &str)| {
        let fault = || StoreError::Ledger { path: path.into(), line: n + 1 };
        LeadId::parse(line.trim()).ok_or_else(fault)
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(id).collect()
}
