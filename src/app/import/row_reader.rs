//! Reads the rows of an import one by one from CSV or JSON lines, in constant memory whatever the file
//! contains: a row that is too long, or not UTF-8, is refused.

use std::io::{self, BufRead};

use csv::ByteRecord;
use csv_core::ReadRecordResult;

use crate::app::import::error::ImportError;
use crate::app::import::refused_rows::{self, ImportFormat, without_refusal};
use crate::domain::lead::Lead;
use crate::domain::lead::postgres_row::{ImportedLead, RowError};

/// Bytes of a row, at most; a lead with every character escaped has 60,000.
const MAX_ROW_BYTES: usize = 1 << 17;
/// Columns of a row, at most.
const MAX_COLUMNS: usize = 256;

/// A row and the number of its first line.
pub(crate) struct NumberedRow {
    pub(crate) line: u64,
    /// The values of a CSV row, or a JSON row as one; nothing of one that is too long.
    pub(crate) row: ByteRecord,
    pub(crate) lead: Result<ImportedLead, RowError>,
}

/// The rows of a file, in the format that its first character shows.
pub(crate) enum ImportRows<R> {
    Csv(Box<CsvRows<R>>),
    Jsonl(JsonlRows<R>),
}

impl<R: BufRead> ImportRows<R> {
    pub(crate) fn open(mut input: R) -> Result<Self, ImportError> {
        Ok(match format(&mut input)? {
            ImportFormat::Jsonl => Self::Jsonl(JsonlRows { input, line: 0, text: Vec::new() }),
            ImportFormat::Csv => Self::Csv(Box::new(CsvRows::open(input)?)),
        })
    }

    pub(crate) fn format(&self) -> ImportFormat {
        match self {
            Self::Csv(_) => ImportFormat::Csv,
            Self::Jsonl(_) => ImportFormat::Jsonl,
        }
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> ByteRecord {
        match self {
            Self::Csv(csv) => csv.header.clone(),
            Self::Jsonl(_) => ByteRecord::new(),
        }
    }

    /// The number of columns that a lead does not have; they are ignored.
    pub(crate) fn unknown_columns(&self) -> usize {
        match self {
            Self::Csv(csv) => csv.width - csv.refusal_columns - Lead::COLUMNS.len(),
            Self::Jsonl(_) => 0,
        }
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<NumberedRow>> {
        match self {
            Self::Csv(csv) => csv.next(),
            Self::Jsonl(jsonl) => jsonl.next(),
        }
    }
}

pub(crate) struct CsvRows<R> {
    input: R,
    reader: csv_core::Reader,
    /// The position of each column of a lead.
    column_index: [usize; Lead::COLUMNS.len()],
    width: usize,
    header: ByteRecord,
    /// How many of the first columns are those of a file of refused rows.
    refusal_columns: usize,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// The format that the first character of an input shows.
///
/// # Errors
/// The input cannot be read.
pub fn format(input: &mut impl BufRead) -> io::Result<ImportFormat> {
    let start = input.fill_buf()?;
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start);
    let is_json = start.trim_ascii_start().starts_with(b"{");
    Ok(if is_json { ImportFormat::Jsonl } else { ImportFormat::Csv })
}

/// How many values of a row are in the buffers, or why it is refused.
type RecordResult = Result<usize, RowError>;

impl<R: BufRead> CsvRows<R> {
    fn open(mut input: R) -> Result<Self, ImportError> {
        let delimiter = delimiter(input.fill_buf()?);
        let mut csv = Self {
            input,
            reader: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            column_index: Default::default(),
            width: 0,
            header: ByteRecord::new(),
            refusal_columns: 0,
            text: vec![0; MAX_ROW_BYTES],
            ends: vec![0; MAX_COLUMNS],
        };
        let Some((_, header)) = csv.read_record()? else { return Err(ImportError::Empty) };
        csv.width = header.map_err(|_| ImportError::Missing(Lead::COLUMNS.join(", ")))?;
        let names: Vec<&[u8]> = (0..csv.width).map(|i| csv.value(i).trim_ascii()).collect();
        let mut missing = Vec::new();
        let mut column_index = [0; Lead::COLUMNS.len()];
        for (index, column) in column_index.iter_mut().zip(Lead::COLUMNS) {
            let mut found = (0..names.len()).filter(|i| names[*i] == column.as_bytes());
            match (found.next(), found.next()) {
                (Some(at), None) => *index = at,
                (Some(_), Some(_)) => return Err(ImportError::Repeated(column)),
                (None, _) => missing.push(column),
            }
        }
        if !missing.is_empty() {
            return Err(ImportError::Missing(missing.join(", ")));
        }
        let refusal = refused_rows::COLUMNS.map(str::as_bytes);
        let refusal_columns = if names.starts_with(&refusal) { refusal.len() } else { 0 };
        csv.refusal_columns = refusal_columns;
        csv.column_index = column_index;
        csv.header = csv.values(csv.width);
        Ok(csv)
    }

    fn next(&mut self) -> io::Result<Option<NumberedRow>> {
        let Some((line, record)) = self.read_record()? else { return Ok(None) };
        let row = record.as_ref().map(|width| self.values(*width)).unwrap_or_default();
        Ok(Some(NumberedRow { line, row, lead: record.and_then(|width| self.lead(width)) }))
    }

    fn lead(&self, width: usize) -> Result<ImportedLead, RowError> {
        if width != self.width {
            let names = self.width;
            return Err(RowError(format!("{width} values for {names} columns").into()));
        }
        let mut values = [""; Lead::COLUMNS.len()];
        for (value, index) in values.iter_mut().zip(self.column_index) {
            *value = std::str::from_utf8(self.value(index)).map_err(|_| not_text())?;
        }
        ImportedLead::from_columns(|i| values[i])
    }

    /// Reads one row into the buffers; returns the number of its first line.
    fn read_record(&mut self) -> io::Result<Option<(u64, RecordResult)>> {
        let (mut used, mut count, mut fits) = (0, 0, true);
        let line = self.reader.line();
        loop {
            let input = self.input.fill_buf()?;
            let (text, ends) = (&mut self.text[used..], &mut self.ends[count..]);
            let (result, read, written, ended) = self.reader.read_record(input, text, ends);
            self.input.consume(read);
            used += written;
            count += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                // The rest of a row that is too long overwrites its beginning.
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (used, count, fits) = (0, 0, false);
                }
                ReadRecordResult::Record if fits => return Ok(Some((line, Ok(count)))),
                ReadRecordResult::Record => return Ok(Some((line, Err(too_long())))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// The first values in the buffers, but for the columns of a refusal.
    fn values(&self, width: usize) -> ByteRecord {
        (self.refusal_columns..width).map(|index| self.value(index)).collect()
    }

    fn value(&self, index: usize) -> &[u8] {
        let from = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[from..self.ends[index]]
    }
}

pub(crate) struct JsonlRows<R> {
    input: R,
    line: u64,
    text: Vec<u8>,
}

impl<R: BufRead> JsonlRows<R> {
    fn next(&mut self) -> io::Result<Option<NumberedRow>> {
        loop {
            self.text.clear();
            let Some(fits) = next_line(&mut self.input, &mut self.text, MAX_ROW_BYTES)? else {
                return Ok(None);
            };
            self.line += 1;
            if fits && self.text.trim_ascii().is_empty() {
                continue;
            }
            let line = self.line;
            if !fits {
                return Ok(Some(NumberedRow {
                    line,
                    row: ByteRecord::new(),
                    lead: Err(too_long()),
                }));
            }
            let text = self.text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.text);
            let row = text.trim_ascii();
            let row = without_refusal(row).unwrap_or_else(|| row.to_owned());
            let row = ByteRecord::from(vec![row]);
            return Ok(Some(NumberedRow { line, row, lead: self.lead() }));
        }
    }

    fn lead(&self) -> Result<ImportedLead, RowError> {
        let text = std::str::from_utf8(&self.text).map_err(|_| not_text())?;
        ImportedLead::from_json(text.trim_start_matches('\u{feff}').trim())
    }
}

/// The separator of the values: a comma or, where the names of the columns have no comma between them, the
/// semicolon of a French Excel or a tab.
fn delimiter(start: &[u8]) -> u8 {
    let header = start.split(|b| *b == b'\n').next().unwrap_or_default();
    [b',', b';', b'\t'].into_iter().find(|separator| header.contains(separator)).unwrap_or(b',')
}

fn too_long() -> RowError {
    RowError("the row is too long; a quotation mark may be missing".into())
}

fn not_text() -> RowError {
    RowError("it is not UTF-8".into())
}

/// Reads a line without its end, up to `max` bytes; returns whether that is the whole line, or
/// `None` at the end of the input.
pub(crate) fn next_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
    max: usize,
) -> io::Result<Option<bool>> {
    let (mut any, mut fits) = (false, true);
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(any.then_some(fits));
        }
        any = true;
        let end = bytes.iter().position(|b| *b == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        if line.len() + part.len() <= max {
            line.extend_from_slice(part);
        } else {
            fits = false;
        }
        let read = part.len() + usize::from(end.is_some());
        input.consume(read);
        if end.is_some() {
            return Ok(Some(fits));
        }
    }
}
