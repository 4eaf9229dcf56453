//! The erasure ledger: a file with the ids of erased leads and refused submissions, one per line, so that an
//! older backup cannot bring them back. One is next to the database; another, of the same name, is in each folder of backups.
//!
//! A line `audit_log HASH` names an audit log, by the hash of its first row, whose erasures the ledger
//! contains. It tells a database of which nothing was erased from one of which nothing is known.
//!
//! Ledgers are appended to under a lock, never replaced: whatever fails, and whoever else writes to one,
//! nothing in it is lost.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rustix::fs::{FlockOperation, OFlags, flock};

use crate::domain::hash_chain::Sha256Hash;
use crate::domain::id::LeadId;
use crate::store::audit::query;
use crate::store::db::open;
use crate::store::error::StoreError;
use crate::store::file_owner::FileOwner;
use crate::store::paths::{sidecar_path, sync_folder_of};

/// What the name of a ledger ends with.
pub const SUFFIX: &str = ".erased";
const LOG_PREFIX: &str = "audit_log ";

/// The content of a ledger.
#[derive(Debug, Clone, Default)]
pub(crate) struct Erasures {
    /// Their ids; those of refused submissions are of the same kind.
    pub(crate) leads: BTreeSet<LeadId>,
    /// The audit logs whose erasures are among these, by the hash of the first row.
    pub(crate) logs: BTreeSet<Sha256Hash>,
}

impl Erasures {
    /// The erasures that an audit log records, with the refused submissions that an erased lead was made of.
    pub(crate) fn in_log(conn: &Connection) -> Result<Self, StoreError> {
        // The second condition is that of the index of events.
        let sql = "WITH erased (lead_id, id) AS (
                       SELECT lead_id, coalesce(lead_id, details_json ->> 'refused_id') FROM audit_log
                       WHERE event IN ('LEAD_ERASED', 'REFUSED_ERASED') AND event <> 'LEAD_RECEIVED')
                   SELECT id FROM erased WHERE id IS NOT NULL
                   UNION ALL
                   SELECT details_json ->> 'refused_id' FROM erased JOIN audit_log USING (lead_id)
                   WHERE event IN ('LEAD_RECEIVED', 'REFUSED_RETRIED')
                     AND details_json ->> 'refused_id' IS NOT NULL";
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut leads = BTreeSet::new();
        while let Some(row) = rows.next()? {
            leads.extend(LeadId::parse(&row.get::<_, String>(0)?));
        }
        Ok(Self { leads, logs: query::hash_at(conn, 1)?.into_iter().collect() })
    }

    /// Erasures of leads or refused submissions with these ids.
    pub(crate) fn of_ids<'i>(ids: impl IntoIterator<Item = &'i str>) -> Self {
        Self { leads: ids.into_iter().filter_map(LeadId::parse).collect(), ..Self::default() }
    }

    /// The last line may lack its line break.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, StoreError> {
        let mut erasures = Self::default();
        for (index, line) in text.lines().enumerate() {
            if !erasures.take_line(line) {
                return Err(StoreError::Ledger { path: path.into(), line: index + 1 });
            }
        }
        Ok(erasures)
    }

    /// Returns whether it is a line of a ledger.
    fn take_line(&mut self, line: &str) -> bool {
        let line = line.trim();
        match line.strip_prefix(LOG_PREFIX) {
            Some(hash) => Sha256Hash::parse(hash).map(|hash| self.logs.insert(hash)).is_some(),
            None if line.is_empty() => true,
            None => LeadId::parse(line).map(|id| self.leads.insert(id)).is_some(),
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.leads.extend(other.leads);
        self.logs.extend(other.logs);
    }
}

/// A ledger, open for appending by one process at a time.
#[derive(Debug)]
pub struct ErasureLedger {
    path: PathBuf,
    file: File,
    content: Erasures,
}

impl ErasureLedger {
    /// Opens the ledger of a database, and creates it if it is missing.
    ///
    /// # Errors
    /// It cannot be read or written, or a line is not one of a ledger; it is not changed then.
    pub fn open(database: &Path) -> Result<Self, StoreError> {
        Self::open_at(&path(database), database, 0)
    }

    /// Opens the ledger of a database, and adds every erasure in the audit log.
    ///
    /// # Errors
    /// As [`Self::open`]; the database cannot be read.
    pub fn open_complete(database: &Path) -> Result<Self, StoreError> {
        let recorded = Erasures::in_log(&open::read_only(database)?)?;
        let mut ledger = Self::open(database)?;
        ledger.record(&recorded)?;
        Ok(ledger)
    }

    /// Opens a ledger for the owner of a database.
    pub(crate) fn open_at(path: &Path, database: &Path, flags: i32) -> Result<Self, StoreError> {
        let fail = StoreError::at(path);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        options.custom_flags(flags | non_blocking());
        let mut file = options.open(path).map_err(fail)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| fail(e.into()))?;
        let text = read_text(path, &mut file)?;
        let (complete, last) = split_last_line(&text);
        let mut content = Erasures::parse(path, complete)?;
        FileOwner::of_database(database).and_then(|owner| owner.give(&file)).map_err(fail)?;
        if content.take_line(last) {
            let line_break = if last.is_empty() { "" } else { "\n" };
            file.write_all(line_break.as_bytes()).map_err(fail)?;
        } else {
            // A write that failed or a crash cut it short; what it was for did not happen, or is repeated.
            tracing::warn!(file = %path.display(), "the erasure ledger ended in an incomplete line, which was removed");
            file.set_len(complete.len() as u64).map_err(fail)?;
        }
        sync_folder_of(path).map_err(fail)?;
        Ok(Self { path: path.into(), file, content })
    }

    /// Records erasures; when it returns, they are on the disk. To be called before an erasure is committed,
    /// so that no crash leaves one out.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn record(&mut self, erasures: &Erasures) -> Result<(), StoreError> {
        let mut lines = String::new();
        for hash in erasures.logs.difference(&self.content.logs) {
            lines.push_str(&format!("{LOG_PREFIX}{hash}\n"));
        }
        for id in erasures.leads.difference(&self.content.leads) {
            lines.push_str(&format!("{id}\n"));
        }
        if !lines.is_empty() {
            let fail = StoreError::at(&self.path);
            let length = self.file.metadata().map_err(fail)?.len();
            let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_all());
            if let Err(error) = written {
                // What is recorded next must not continue half a line.
                let _ = self.file.set_len(length);
                return Err(fail(error));
            }
            self.content.extend(erasures.clone());
        }
        Ok(())
    }

    /// The ids of all leads that were ever erased.
    pub(crate) fn leads(&self) -> impl Iterator<Item = String> {
        self.content.leads.iter().map(LeadId::to_string)
    }
}

/// The path of a database's own ledger.
pub(crate) fn path(database: &Path) -> PathBuf {
    sidecar_path(database, SUFFIX)
}

/// Reads a ledger that another process may be writing; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Erasures>, StoreError> {
    let fail = StoreError::at(path);
    let mut file = match File::options().read(true).custom_flags(non_blocking()).open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(fail)?,
    };
    let text = read_text(path, &mut file)?;
    Ok(Some(Erasures::parse(path, split_last_line(&text).0)?))
}

/// A byte that is not UTF-8 becomes a character that no line contains.
fn read_text(path: &Path, file: &mut File) -> Result<String, StoreError> {
    let fail = StoreError::at(path);
    // Reading a pipe would not end.
    if !file.metadata().map_err(fail)?.is_file() {
        return Err(fail(io::Error::other("it is not a regular file")));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(fail)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The flag with which opening a pipe does not wait.
fn non_blocking() -> i32 {
    i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0)
}

/// The lines that have their line breaks, and what follows.
fn split_last_line(text: &str) -> (&str, &str) {
    text.split_at(text.rfind('\n').map_or(0, |end| end + 1))
}
