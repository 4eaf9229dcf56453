//! Rows taken out: all that the filter finds, of one snapshot, in constant memory, told in the
//! audit log.

pub mod csv;
pub mod format;
pub mod jsonl;
pub mod postgres;
pub mod row;
pub mod xlsx;

use std::fs::File;
use std::io::{self, Seek, Write};
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::app::admin_state::AdminState;
use crate::app::atomic_file::AtomicFile;
use crate::app::export::format::Format;
use crate::app::export::row::{Row, Table};
use crate::clock::Clock;
use crate::domain::audit::AuditEvent;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::hash_chain::Sha256Hash;
use crate::store::error::StoreError;
use crate::store::read::{ReadPool, ReadTx};
use crate::store::tx::WriteTx;

/// How often progress is told, in rows.
const STEP: u64 = 10_000;

/// Which rows.
#[derive(Debug, Clone)]
pub enum ExportSource {
    Leads(LeadFilter),
    Audit(Period),
}

/// An export as it was asked for.
#[derive(Debug, Clone)]
pub struct Export {
    pub what: ExportSource,
    pub format: Format,
    /// Who asks, as the audit log names them.
    pub actor: String,
}

/// An export that was made.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    pub rows: u64,
    /// Of the file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Whether the reader had enough before the end.
    pub cut_short: bool,
}

/// Why there is no export, or not all of it.
#[derive(Debug, Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the export cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl Export {
    /// Writes the rows to `out`, then the audit row that tells of it. A reader that closes `out`
    /// before the end has what it wanted; the audit row says how much that was.
    ///
    /// # Errors
    /// The database cannot be read or written, or `out` not be written.
    pub fn to_writer(
        &self,
        database: &Path,
        clock: &Clock,
        out: impl Write + Send,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let exported = self.write_rows(&ReadPool::open(database)?, out, None, progress)?;
        self.note_beside(database, clock, &exported)?;
        Ok(exported)
    }

    /// Writes the rows to a file, which is there whole or not at all, readable by its owner alone.
    ///
    /// # Errors
    /// As [`Self::to_writer`]; a file of that name that was there before stays as it was.
    pub fn to_file(
        &self,
        database: &Path,
        clock: &Clock,
        path: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let mut draft = AtomicFile::of(path, database)?;
        let folder = draft.folder().to_owned();
        let readers = ReadPool::open(database)?;
        let exported = self.write_rows(&readers, draft.file(), Some(&folder), progress)?;
        draft.file().sync_all()?;
        self.note_beside(database, clock, &exported)?;
        draft.put_in_place()?;
        Ok(exported)
    }

    fn write_rows(
        &self,
        readers: &ReadPool,
        out: impl Write + Send,
        scratch: Option<&Path>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let out = Hashed { out, hasher: Sha256::new() };
        let mut encoder = self.format.encoder(out, scratch);
        let mut rows = 0;
        let mut written = encoder.header(self.what.table());
        if written.is_ok() {
            readers.read(|snapshot| {
                self.what.for_each(snapshot, &mut |row| {
                    written = encoder.row(row);
                    if written.is_err() {
                        return ControlFlow::Break(());
                    }
                    rows += 1;
                    if rows % STEP == 0 {
                        progress(rows);
                    }
                    ControlFlow::Continue(())
                })
            })?;
        }
        let cut_short = match written.and_then(|()| encoder.end()) {
            Ok(()) => false,
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => true,
            Err(e) => return Err(e.into()),
        };
        Ok(Exported { rows, sha256: Sha256Hash::finish(encoder.hashed()).to_string(), cut_short })
    }

    /// Tells the audit log, beside a server or without one.
    fn note_beside(
        &self,
        database: &Path,
        clock: &Clock,
        exported: &Exported,
    ) -> Result<(), StoreError> {
        crate::app::write(database, clock, self.note(exported))
    }

    /// Tells the audit log.
    fn note(
        &self,
        exported: &Exported,
    ) -> impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + use<> {
        let mut details = json!({
            "what": self.what.table().name,
            "format": self.format.as_str(),
            "filter": self.what.filter(),
            "rows": exported.rows,
            "sha256": exported.sha256,
        });
        if exported.cut_short {
            details["cut_short"] = Value::Bool(true);
        }
        crate::app::note(AuditEvent::LeadsExported, &self.actor, &details)
    }
}

impl AdminState {
    /// Writes the rows to a file without a name beside the database, then the audit row that
    /// tells of it; the file is given at its beginning. One export at a time: the rows of a large
    /// one keep a reader busy for a while.
    ///
    /// # Errors
    /// The database cannot be read or written, or there is no room for the file.
    pub async fn export(&self, export: Export) -> Result<File, ExportError> {
        let turn = self.turn_to_export().await?;
        let folder = self.database().parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let written = self.with_readers(move |readers| {
            let _turn = turn;
            let mut file = tempfile::tempfile_in(&folder)?;
            let exported = export.write_rows(readers, &mut file, Some(&folder), &mut |_| {})?;
            file.rewind()?;
            Ok::<_, ExportError>((file, export.note(&exported)))
        });
        let (file, note) = written.await??;
        self.write(note).await?;
        Ok(file)
    }
}

impl ExportSource {
    fn table(&self) -> &'static Table {
        match self {
            Self::Leads(_) => &row::LEADS,
            Self::Audit(_) => &row::AUDIT_LOG,
        }
    }

    /// The filter for the audit log: of the words searched for, which may be a name, only that
    /// there were some.
    fn filter(&self) -> Value {
        let (period, leads) = match self {
            Self::Leads(filter) => (&filter.period, Some(filter)),
            Self::Audit(period) => (period, None),
        };
        let mut filter = serde_json::Map::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                filter.insert(name.to_owned(), Value::String(value));
            }
        };
        put("since", period.since.clone());
        put("until", period.until.clone());
        if let Some(leads) = leads {
            put("service", leads.service.map(|s| s.to_string()));
            put("status", leads.status.map(|s| s.to_string()));
            put("query", leads.words.as_ref().map(|_| "***".to_owned()));
        }
        Value::Object(filter)
    }

    fn for_each(
        &self,
        snapshot: &ReadTx<'_>,
        take: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Leads(filter) => snapshot.leads(filter, &mut |lead| take(&row::lead(&lead))),
            Self::Audit(period) => snapshot.audit(period, &mut |audit| take(&row::audit(&audit))),
        }
    }
}

/// Rows turned into bytes.
pub(crate) trait Encoder {
    fn header(&mut self, table: &'static Table) -> io::Result<()>;
    fn row(&mut self, row: &Row<'_>) -> io::Result<()>;
    /// After the last row: without it, what was written is not a whole file.
    fn end(&mut self) -> io::Result<()>;
    /// ExportSource was written so far, hashed.
    fn hashed(&self) -> Sha256;
}

/// Hashes what passes through it.
pub(crate) struct Hashed<W> {
    out: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
