//! Rows taken out: all that the filter finds, of one snapshot, in constant memory, told in the
//! audit log.

mod csv;
mod jsonl;
mod row;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use self::row::Row;
use super::draft::Draft;
use crate::clock::Clock;
use crate::domain::audit::{Event, NewEvent};
use crate::domain::chain::Hash;
use crate::domain::filter::{LeadFilter, Period};
use crate::store::{self, Order, Readers, Snapshot, StoreError};

/// How often progress is told, in rows.
const STEP: u64 = 10_000;

/// Which rows.
#[derive(Debug, Clone)]
pub enum What {
    Leads(LeadFilter),
    Audit(Period),
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180.
    Csv,
    /// What Excel opens in French: BOM, semicolons.
    CsvExcelFr,
    Jsonl,
}

/// An export as it was asked for.
#[derive(Debug, Clone)]
pub struct Export {
    pub what: What,
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
        out: impl Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let exported = self.write_rows(database, out, progress)?;
        self.note(database, clock, &exported)?;
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
        let mut draft = Draft::of(path, database)?;
        let exported = self.write_rows(database, draft.file(), progress)?;
        draft.file().sync_all()?;
        self.note(database, clock, &exported)?;
        draft.put_in_place()?;
        Ok(exported)
    }

    fn write_rows(
        &self,
        database: &Path,
        out: impl Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let readers = Readers::open(database)?;
        let mut encoder = self.format.encoder(Hashed { out, hasher: Sha256::new() });
        let mut rows = 0;
        let mut written = encoder.header(self.what.columns());
        if written.is_ok() {
            readers.snapshot(|snapshot| {
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
        let (hashed, flushed) = encoder.finish();
        let cut_short = match written.and(flushed) {
            Ok(()) => false,
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => true,
            Err(e) => return Err(e.into()),
        };
        Ok(Exported { rows, sha256: Hash::finish(hashed).to_string(), cut_short })
    }

    /// Tells the audit log.
    fn note(&self, database: &Path, clock: &Clock, exported: &Exported) -> Result<(), StoreError> {
        let mut details = json!({
            "what": self.what.name(),
            "format": self.format.name(),
            "filter": self.what.filter(),
            "rows": exported.rows,
            "sha256": exported.sha256,
        });
        if exported.cut_short {
            details["cut_short"] = Value::Bool(true);
        }
        let (details, actor) = (details.to_string(), self.actor.clone());
        super::write(database, clock, move |tx| {
            let event = NewEvent {
                event: Event::LeadsExported,
                actor: &actor,
                lead_id: None,
                request_id: None,
                status_code: None,
                details_json: Some(&details),
            };
            store::append(tx, &event).map(|_| ())
        })
    }
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::Leads(_) => "leads",
            Self::Audit(_) => "audit",
        }
    }

    fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::Leads(_) => &row::LEAD,
            Self::Audit(_) => &row::AUDIT,
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
        snapshot: &Snapshot<'_>,
        take: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Leads(filter) => {
                snapshot.leads(filter, Order::Arrival, &mut |lead| take(&row::lead(&lead)))
            }
            Self::Audit(period) => snapshot.audit(period, &mut |audit| take(&row::audit(&audit))),
        }
    }
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvExcelFr => "csv (excel-fr)",
            Self::Jsonl => "jsonl",
        }
    }

    fn encoder<'w, W: Write + 'w>(self, out: Hashed<W>) -> Box<dyn Encoder + 'w> {
        match self {
            Self::Csv => Box::new(csv::Csv::new(out, false)),
            Self::CsvExcelFr => Box::new(csv::Csv::new(out, true)),
            Self::Jsonl => Box::new(jsonl::Jsonl::new(out)),
        }
    }
}

/// Rows turned into bytes.
trait Encoder {
    fn header(&mut self, columns: &'static [&'static str]) -> io::Result<()>;
    fn row(&mut self, row: &Row<'_>) -> io::Result<()>;
    /// What was written, hashed, and whether the last of it was.
    fn finish(self: Box<Self>) -> (Sha256, io::Result<()>);
}

/// Hashes what passes through it.
struct Hashed<W> {
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
