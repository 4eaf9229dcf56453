//! Exports leads, the audit log or refused submissions: all rows that match, of one read transaction, in constant memory,
//! recorded in the audit log.

pub mod csv;
pub(crate) mod encoder;
pub mod error;
pub mod exports;
pub mod format;
pub mod jsonl;
pub(crate) mod limits;
pub mod postgres;
pub mod row;
pub mod sheet;
pub(crate) mod sheet_format;
pub mod xlsx;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::app::atomic_file::AtomicFile;
use crate::app::audit::append_audit;
use crate::app::db::record_read;
use crate::app::export::encoder::HashingWriter;
use crate::app::export::error::ExportError;
use crate::app::export::format::ExportFormat;
use crate::app::export::limits::{ExportLimits, LimitedWriter};
use crate::app::export::row::{ExportColumns, ExportRow};
use crate::clock::Clock;
use crate::domain::audit::AuditEvent;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::hash_chain::Sha256Hash;
use crate::domain::refused::decode;
use crate::store::error::StoreError;
use crate::store::read::{ReadPool, ReadTx};
use crate::store::tx::WriteTx;

/// Progress is reported every so many rows.
const PROGRESS_ROWS: u64 = 10_000;

/// The limits are checked every so many rows: a workbook's temporary file is written by the library.
const CHECK_ROWS: u64 = 64;

/// Which rows are exported.
#[derive(Debug, Clone)]
pub enum ExportSource {
    Leads(LeadFilter),
    Audit(Period),
    /// All refused submissions that are kept.
    Refused,
}

/// A request for an export.
#[derive(Debug, Clone)]
pub struct Export {
    pub source: ExportSource,
    pub format: ExportFormat,
    /// The actor for the audit log.
    pub actor: String,
}

/// A finished export.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    pub rows: u64,
    /// SHA-256 of the file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Whether the reader closed its end before the last row.
    pub cut_short: bool,
}

impl Export {
    /// Writes the rows to `out`, then records the export in the audit log. A reader that closes
    /// `out` early has what it wanted; the audit row has the number of rows written. `place` is the
    /// file behind `out`, if there is one.
    ///
    /// # Errors
    /// The database cannot be read or written, or `out` cannot be written.
    pub fn to_writer(
        &self,
        database: &Path,
        disk_reserve: u64,
        clock: &Clock,
        out: impl Write + Send,
        place: Option<&Path>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let scratch = std::env::temp_dir();
        let scratch = self.format.is_binary().then_some(scratch.as_path());
        let places: Vec<&Path> = place.into_iter().chain(scratch).collect();
        let limits = ExportLimits::writing_to(database, disk_reserve, &places);
        let exported = self.write_rows(&ReadPool::open(database)?, out, None, &limits, progress)?;
        record_read(database, clock, self.audit_job(&exported))?;
        Ok(exported)
    }

    /// Writes the rows to a file, whole or not at all, that only its owner can read.
    ///
    /// # Errors
    /// As [`Self::to_writer`]; an older file of that name is left as it was.
    pub fn to_file(
        &self,
        database: &Path,
        disk_reserve: u64,
        clock: &Clock,
        path: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        let mut draft = AtomicFile::create(path, database)?;
        let folder = draft.folder().to_owned();
        let readers = ReadPool::open(database)?;
        let limits = ExportLimits::writing_to(database, disk_reserve, &[&folder]);
        let exported = self.write_rows(&readers, draft.file(), Some(&folder), &limits, progress)?;
        draft.file().sync_all()?;
        record_read(database, clock, self.audit_job(&exported))?;
        draft.commit()?;
        Ok(exported)
    }

    pub(crate) fn write_rows(
        &self,
        readers: &ReadPool,
        out: impl Write + Send,
        scratch: Option<&Path>,
        limits: &ExportLimits,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Exported, ExportError> {
        limits.check()?;
        let out = HashingWriter::new(LimitedWriter::new(out, limits));
        let mut encoder = self.format.encoder(out, scratch);
        let mut rows = 0;
        let mut written = encoder.header(self.source.columns());
        if written.is_ok() {
            readers.read(|tx| {
                self.source.for_each(tx, &mut |row| {
                    written = encoder.row(row);
                    if written.is_ok() && rows % CHECK_ROWS == 0 {
                        written = limits.check().map_err(io::Error::other);
                    }
                    if written.is_err() {
                        return ControlFlow::Break(());
                    }
                    rows += 1;
                    if rows % PROGRESS_ROWS == 0 {
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
        Ok(Exported { rows, sha256: Sha256Hash::finish(encoder.hasher()).to_string(), cut_short })
    }

    /// A job that records the export in the audit log.
    pub(crate) fn audit_job(
        &self,
        exported: &Exported,
    ) -> impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + use<> {
        let mut details = json!({
            "what": self.source.columns().table,
            "format": self.format.as_str(),
            "filter": self.source.filter(),
            "rows": exported.rows,
            "sha256": exported.sha256,
        });
        if exported.cut_short {
            details["cut_short"] = Value::Bool(true);
        }
        append_audit(AuditEvent::LeadsExported, &self.actor, &details)
    }
}

impl ExportSource {
    fn columns(&self) -> &'static ExportColumns {
        match self {
            Self::Leads(_) => &row::LEADS,
            Self::Audit(_) => &row::AUDIT_LOG,
            Self::Refused => &row::REFUSED,
        }
    }

    /// The filter for the audit log. Search words, which may be a name, are masked.
    fn filter(&self) -> Value {
        let (period, leads) = match self {
            Self::Leads(filter) => (&filter.period, Some(filter)),
            Self::Audit(period) => (period, None),
            Self::Refused => (&Period::default(), None),
        };
        let mut filter = serde_json::Map::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                filter.insert(name.to_owned(), Value::String(value));
            }
        };
        put("since", period.since.map(|t| t.to_string()));
        put("until", period.until.map(|t| t.to_string()));
        if let Some(leads) = leads {
            put("service", leads.service.map(|s| s.to_string()));
            put("status", leads.status.map(|s| s.to_string()));
            put("opened", leads.opened.map(|opened| opened.to_string()));
            put("canary", leads.canary.then(|| "true".to_owned()));
            put("query", leads.terms.as_ref().map(|_| "***".to_owned()));
        }
        Value::Object(filter)
    }

    fn for_each(
        &self,
        tx: &ReadTx<'_>,
        take: &mut dyn FnMut(&ExportRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Leads(filter) => tx.leads(filter, &mut |lead| take(&row::lead(&lead))),
            Self::Audit(period) => tx.audit_rows(period, &mut |audit| {
                take(&row::audit(&audit, &audit.created_at_utc.to_string()))
            }),
            Self::Refused => tx.each_refused(0, &mut |refused, body| {
                let text = decode::text(body);
                let is_exact = text.as_bytes() == body;
                let hex = (!is_exact).then(|| hex::encode(body));
                take(&row::refused(refused, &text, hex.as_deref()))
            }),
        }
    }
}
