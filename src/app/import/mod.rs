//! Imports the leads of the PostgreSQL service that FASTCore replaces, with their ids, times and
//! statuses; each batch is one transaction.

pub mod error;
pub mod refused_rows;
pub mod row_reader;

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use csv::ByteRecord;
use serde::Serialize;

use crate::app::atomic_file;
use crate::app::atomic_file::AtomicFile;
use crate::app::import::error::ImportError;
use crate::app::import::refused_rows::RefusedRows;
use crate::app::import::row_reader::{ImportRows, NumberedRow};
use crate::clock::Clock;
use crate::domain::lead::postgres_row::ImportedLead;
use crate::store;
use crate::store::error::StoreError;
use crate::store::leads::import::ImportOutcome;
use crate::store::writer::Writer;

/// Rows of a transaction at most: a server's leads wait for it.
const BATCH_ROWS: usize = 500;
/// Bytes of the rows of a transaction, some more at most.
const BATCH_BYTES: usize = 8 << 20;
/// The pause between two transactions, at most.
const MAX_PAUSE: Duration = Duration::from_millis(100);

/// A request for an import.
#[derive(Debug)]
pub struct Import {
    /// The actor for the audit log.
    pub actor: String,
    /// The file for the refused rows, each with its line and the reason.
    pub refused: PathBuf,
    /// The file that is read, which must not be overwritten; `None` for standard input.
    pub from: Option<PathBuf>,
}

/// The outcome of an import, in rows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Imported {
    pub rows: u64,
    pub imported: u64,
    /// Stored already, by their `request_id`.
    pub present: u64,
    /// Leads that were erased here: they are not imported again.
    pub erased: u64,
    /// The lines of these.
    #[serde(skip)]
    pub erased_lines: Vec<u64>,
    /// Invalid rows.
    pub refused: u64,
    /// Columns of the file that a lead does not have; they are ignored.
    pub unknown_columns: usize,
}

struct RefusedRow {
    line: u64,
    row: ByteRecord,
    reason: Cow<'static, str>,
}

impl Import {
    /// Stores the rows and writes the refused ones to a file, whole or not at all. Calls `progress`
    /// with the number of rows that were handled.
    ///
    /// # Errors
    /// [`ImportError`]; whole batches are stored, never a part of one.
    pub fn run(
        &self,
        database: &Path,
        clock: &Clock,
        input: impl BufRead,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Imported, ImportError> {
        let out = self.refused_file(database)?;
        let mut rows = ImportRows::open(input)?;
        let mut report = RefusedRows::new(out, rows.format(), &rows.header())
            .map_err(|e| self.report_error(e))?;
        let (writer, thread) = store::writer::open_cli_writer(database, clock)?;
        let mut done = Imported { unknown_columns: rows.unknown_columns(), ..Imported::default() };
        let ended = self.store_all(&writer, &mut rows, &mut done, &mut report, progress);
        writer.close();
        thread.join();
        ended?;
        // The file of an earlier run must not be taken for this one's.
        if report.count > 0 || self.refused.exists() {
            report.finish().map_err(|e| self.report_error(e))?;
        }
        Ok(done)
    }

    fn refused_file(&self, database: &Path) -> Result<AtomicFile, ImportError> {
        if self.from.as_deref().is_some_and(|from| atomic_file::is_same(from, &self.refused)) {
            let cause = io::Error::new(io::ErrorKind::InvalidInput, "it is the file with the rows");
            return Err(self.report_error(cause));
        }
        AtomicFile::create(&self.refused, database).map_err(|e| self.report_error(e))
    }

    fn report_error(&self, cause: io::Error) -> ImportError {
        ImportError::RefusedRows { path: self.refused.clone(), cause }
    }

    fn store_all(
        &self,
        writer: &Writer,
        rows: &mut ImportRows<impl BufRead>,
        done: &mut Imported,
        report: &mut RefusedRows,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), ImportError> {
        loop {
            let mut batch = Vec::with_capacity(BATCH_ROWS);
            let (mut refused, mut bytes) = (Vec::new(), 0);
            while batch.len() + refused.len() < BATCH_ROWS && bytes < BATCH_BYTES {
                let Some(NumberedRow { line, row, lead }) = rows.next()? else { break };
                bytes += row.as_slice().len();
                match lead {
                    Ok(lead) => batch.push(((line, row), lead)),
                    Err(why) => refused.push(RefusedRow { line, row, reason: why.0 }),
                }
            }
            if batch.is_empty() && refused.is_empty() {
                return Ok(());
            }
            let began = Instant::now();
            done.rows += (batch.len() + refused.len()) as u64;
            done.refused += refused.len() as u64;
            self.store(writer, batch, done, &mut refused)?;
            refused.sort_unstable_by_key(|refused| refused.line);
            for RefusedRow { line, row, reason } in refused {
                report.add(line, &reason, &row).map_err(|e| self.report_error(e))?;
            }
            progress(done.rows);
            // A server that waits for the lock polls for it: the pause lets its leads in first.
            std::thread::sleep(began.elapsed().min(MAX_PAUSE));
        }
    }

    /// Stores a batch in one transaction. If the database refuses a row, each row gets a transaction of its
    /// own, so that the others are stored.
    fn store(
        &self,
        writer: &Writer,
        batch: Vec<((u64, ByteRecord), ImportedLead)>,
        done: &mut Imported,
        refused: &mut Vec<RefusedRow>,
    ) -> Result<(), StoreError> {
        let (rows, leads): (Vec<_>, Vec<ImportedLead>) = batch.into_iter().unzip();
        let leads = Arc::new(leads);
        let outcomes = match self.outcomes(writer, &leads, 0..leads.len()) {
            Err(StoreError::Refused(_)) => {
                let alone = |i: usize| match self.outcomes(writer, &leads, i..i + 1) {
                    Ok(outcome) => Ok(outcome.first().copied()),
                    Err(StoreError::Refused(_)) => Ok(None),
                    Err(other) => Err(other),
                };
                (0..leads.len()).map(alone).collect::<Result<Vec<_>, _>>()?
            }
            outcomes => outcomes?.into_iter().map(Some).collect(),
        };
        for ((line, row), outcome) in rows.into_iter().zip(outcomes) {
            let reason = match outcome {
                Some(ImportOutcome::Imported) => {
                    done.imported += 1;
                    continue;
                }
                Some(ImportOutcome::Present) => {
                    done.present += 1;
                    continue;
                }
                // Nothing of it is written anywhere.
                Some(ImportOutcome::Erased) => {
                    done.erased += 1;
                    done.erased_lines.push(line);
                    continue;
                }
                Some(ImportOutcome::IdTaken) => "id: another lead has it",
                None => "the database refuses it",
            };
            done.refused += 1;
            refused.push(RefusedRow { line, row, reason: reason.into() });
        }
        Ok(())
    }

    fn outcomes(
        &self,
        writer: &Writer,
        leads: &Arc<Vec<ImportedLead>>,
        which: std::ops::Range<usize>,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        let (leads, actor) = (Arc::clone(leads), self.actor.clone());
        writer.run(move |tx| {
            leads[which.clone()]
                .iter()
                .map(|lead| store::leads::import::import(tx, lead, &actor))
                .collect()
        })
    }
}
