//! The erasure ledger: a file next to the database with the ids of erased leads, one per line, so that an
//! older backup cannot bring them back.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::domain::id::LeadId;
use crate::store::error::StoreError;
use crate::store::file_owner::FileOwner;
use crate::store::paths::{sidecar_path, sync_folder_of};

/// The ledger, open for appending by one process at a time.
#[derive(Debug)]
pub struct ErasureLedger {
    path: PathBuf,
    file: File,
    known: HashSet<LeadId>,
}

impl ErasureLedger {
    /// Opens the ledger of a database, and creates it if it is missing.
    ///
    /// # Errors
    /// It cannot be read or written, or a line is not the id of a lead.
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
        FileOwner::of_database(database).and_then(|owner| owner.give(&file)).map_err(fail)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| fail(e.into()))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(fail)?;
        let complete = complete_lines(&text);
        let known = parse(&path, complete)?;
        // A line that a crash cut short is of an erasure that was not committed.
        file.set_len(complete.len() as u64).map_err(fail)?;
        sync_folder_of(&path).map_err(fail)?;
        Ok(Self { path, file, known })
    }

    /// Records leads; when it returns, they are on the disk. To be called before the erasure is committed,
    /// so that no crash leaves one out.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn record<'i>(&mut self, ids: impl IntoIterator<Item = &'i str>) -> Result<(), StoreError> {
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

    /// The ids of all leads that were ever erased.
    pub(crate) fn leads(&self) -> impl Iterator<Item = String> {
        self.known.iter().map(LeadId::to_string)
    }
}

/// The ledger's path.
fn path(database: &Path) -> PathBuf {
    sidecar_path(database, ".erased")
}

/// Reads the ledger of a database; empty if there is none.
pub(crate) fn read(database: &Path) -> Result<HashSet<LeadId>, StoreError> {
    let path = path(database);
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&path, complete_lines(&text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(e) => Err(StoreError::at(&path)(e)),
    }
}

fn complete_lines(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}

fn parse(path: &Path, text: &str) -> Result<HashSet<LeadId>, StoreError> {
    let id = |(index, line): (usize, &str)| {
        let invalid = || StoreError::Ledger { path: path.into(), line: index + 1 };
        LeadId::parse(line.trim()).ok_or_else(invalid)
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(id).collect()
}
