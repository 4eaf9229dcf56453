//! The way in from the PostgreSQL service that FASTCore replaces: its rows with their ids, times
//! and statuses, batch by batch, each batch one transaction.

pub mod read;

use std::borrow::Cow;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use thiserror::Error;

use crate::app::atomic_file;
use crate::app::atomic_file::AtomicFile;
use crate::app::import::read::{NumberedRow, Rows};
use crate::clock::Clock;
use crate::domain::lead::legacy::ImportedLead;
use crate::store;
use crate::store::error::StoreError;
use crate::store::leads::import::ImportOutcome;
use crate::store::writer::Writer;

/// The most rows of a transaction: short enough for a server's leads to wait for it.
const BATCH: usize = 500;
/// The longest pause between two.
const PAUSE: Duration = Duration::from_millis(100);

/// An import as it was asked for.
#[derive(Debug)]
pub struct Import {
    /// Who asks, as the audit log names them.
    pub actor: String,
    /// Where the refused rows are told, by line and reason.
    pub refused: PathBuf,
    /// The file that is read, which must not be written over; none for standard input.
    pub from: Option<PathBuf>,
}

/// What became of the rows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Imported {
    pub rows: u64,
    pub imported: u64,
    /// There already, by their `request_id`.
    pub present: u64,
    /// Of leads that were erased here: they do not come back.
    pub erased: u64,
    /// What the table cannot hold.
    pub refused: u64,
    /// Columns of the file that are not a lead's, and were left out.
    pub unknown_columns: usize,
}

/// Why an import ended before the last row. The batches before are kept; another run goes on
/// behind them.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the rows cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("{path} cannot be written: {cause}; say where with --refused")]
    RefusedRows { path: PathBuf, cause: io::Error },
    #[error("there is nothing in it, not even the names of the columns")]
    Empty,
    #[error("its first line does not name these columns: {0}")]
    Missing(String),
    #[error("its first line names the column {0} twice")]
    Repeated(&'static str),
}

impl Import {
    /// Stores the rows, and tells of those that are refused in a file that is there whole or not
    /// at all. Calls `progress` with the rows behind it.
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
        let mut report = self.report(database)?;
        let mut rows = Rows::open(input)?;
        let (writer, thread) = store::writer::open_cli_writer(database, clock)?;
        let mut done = Imported { unknown_columns: rows.unknown_columns(), ..Imported::default() };
        let ended = self.all(&writer, &mut rows, &mut done, &mut report, progress);
        drop(writer);
        thread.join();
        ended?;
        // A report of an earlier run must not pass for this one's.
        if report.lines > 0 || self.refused.exists() {
            report.finish().map_err(|e| self.unreported(e))?;
        }
        Ok(done)
    }

    fn report(&self, database: &Path) -> Result<RefusedRows, ImportError> {
        if self.from.as_deref().is_some_and(|from| atomic_file::is_same(from, &self.refused)) {
            let cause = io::Error::new(io::ErrorKind::InvalidInput, "it is the file with the rows");
            return Err(self.unreported(cause));
        }
        AtomicFile::create(&self.refused, database)
            .and_then(RefusedRows::new)
            .map_err(|e| self.unreported(e))
    }

    fn unreported(&self, cause: io::Error) -> ImportError {
        ImportError::RefusedRows { path: self.refused.clone(), cause }
    }

    fn all(
        &self,
        writer: &Writer,
        rows: &mut Rows<impl BufRead>,
        done: &mut Imported,
        report: &mut RefusedRows,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), ImportError> {
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            let mut unfit = Vec::new();
            while batch.len() + unfit.len() < BATCH {
                match rows.next()? {
                    Some(NumberedRow { line, lead: Ok(lead) }) => batch.push((line, lead)),
                    Some(NumberedRow { line, lead: Err(why) }) => unfit.push((line, why.0)),
                    None => break,
                }
            }
            if batch.is_empty() && unfit.is_empty() {
                return Ok(());
            }
            let began = Instant::now();
            done.rows += (batch.len() + unfit.len()) as u64;
            done.refused += unfit.len() as u64;
            self.store(writer, batch, done, &mut unfit)?;
            unfit.sort_unstable_by_key(|(line, _)| *line);
            for (line, why) in unfit {
                report.add(line, &why).map_err(|e| self.unreported(e))?;
            }
            progress(done.rows);
            // A server that waits for the lock looks for it now and then only: its leads come first.
            std::thread::sleep(began.elapsed().min(PAUSE));
        }
    }

    /// Stores a batch in one transaction. Were one row refused by the database itself, each would
    /// have one of its own, so that the others are stored.
    fn store(
        &self,
        writer: &Writer,
        batch: Vec<(u64, ImportedLead)>,
        done: &mut Imported,
        unfit: &mut Vec<(u64, Cow<'static, str>)>,
    ) -> Result<(), StoreError> {
        let (lines, leads): (Vec<u64>, Vec<ImportedLead>) = batch.into_iter().unzip();
        let leads = Arc::new(leads);
        let fates = match self.fates(writer, &leads, 0..leads.len()) {
            Err(StoreError::Refused(_)) => {
                let alone = |i: usize| match self.fates(writer, &leads, i..i + 1) {
                    Ok(fate) => Ok(fate.first().copied()),
                    Err(StoreError::Refused(_)) => Ok(None),
                    Err(other) => Err(other),
                };
                (0..leads.len()).map(alone).collect::<Result<Vec<_>, _>>()?
            }
            fates => fates?.into_iter().map(Some).collect(),
        };
        for (line, fate) in lines.into_iter().zip(fates) {
            let (count, reason) = match fate {
                Some(ImportOutcome::Imported) => (&mut done.imported, None),
                Some(ImportOutcome::Present) => (&mut done.present, None),
                Some(ImportOutcome::Erased) => {
                    (&mut done.erased, Some("erased here: it does not come back"))
                }
                Some(ImportOutcome::IdTaken) => {
                    (&mut done.refused, Some("id: another lead has it"))
                }
                None => (&mut done.refused, Some("the database refuses it")),
            };
            *count += 1;
            unfit.extend(reason.map(|reason| (line, reason.into())));
        }
        Ok(())
    }

    fn fates(
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

/// The refused rows by line and reason, as CSV; nothing of the rows themselves.
struct RefusedRows {
    draft: AtomicFile,
    text: Vec<u8>,
    lines: u64,
}

impl RefusedRows {
    fn new(draft: AtomicFile) -> io::Result<Self> {
        Ok(Self { draft, text: b"line,reason\r\n".to_vec(), lines: 0 })
    }

    fn add(&mut self, line: u64, reason: &str) -> io::Result<()> {
        self.lines += 1;
        write!(self.text, "{line},\"{reason}\"\r\n")?;
        if self.text.len() > 64 * 1024 {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.file().write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.draft.file().sync_all()?;
        self.draft.commit()
    }
}
