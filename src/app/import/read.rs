//! Rows read one after the other from CSV or JSONL, in constant memory whatever the file holds: a
//! row that is too long, or not text, is one that is refused.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

use crate::app::import::ImportError;
use crate::domain::lead::Lead;
use crate::domain::lead::legacy::{ImportedLead, RowError};

/// The most bytes of a row; a lead with every character escaped has 60,000.
const LONGEST: usize = 1 << 17;
/// The most columns of a row.
const WIDEST: usize = 256;

/// A row and the line on which it begins.
pub(crate) struct NumberedRow {
    pub(crate) line: u64,
    pub(crate) lead: Result<ImportedLead, RowError>,
}

/// The rows of a file, whose form is told by its first character.
pub(crate) enum Rows<R> {
    Csv(Box<Csv<R>>),
    Jsonl(Jsonl<R>),
}

impl<R: BufRead> Rows<R> {
    pub(crate) fn open(mut input: R) -> Result<Self, ImportError> {
        let start = input.fill_buf()?;
        let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start);
        if start.trim_ascii_start().starts_with(b"{") {
            return Ok(Self::Jsonl(Jsonl { input, line: 0, text: Vec::new() }));
        }
        Ok(Self::Csv(Box::new(Csv::open(input)?)))
    }

    /// How many columns are not a lead's, and left out.
    pub(crate) fn unknown_columns(&self) -> usize {
        match self {
            Self::Csv(csv) => csv.width - Lead::COLUMNS.len(),
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

pub(crate) struct Csv<R> {
    input: R,
    reader: csv_core::Reader,
    /// Where the columns of a lead stand.
    column_index: [usize; Lead::COLUMNS.len()],
    width: usize,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// A row's values are in the buffers, so many of them; or why there are none.
type RecordResult = Result<usize, RowError>;

impl<R: BufRead> Csv<R> {
    fn open(input: R) -> Result<Self, ImportError> {
        let mut csv = Self {
            input,
            reader: csv_core::Reader::new(),
            column_index: Default::default(),
            width: 0,
            text: vec![0; LONGEST],
            ends: vec![0; WIDEST],
        };
        let Some((_, header)) = csv.frame()? else { return Err(ImportError::Empty) };
        csv.width = header.map_err(|_| ImportError::Missing(Lead::COLUMNS.join(", ")))?;
        let names: Vec<&[u8]> = (0..csv.width).map(|i| csv.value(i).trim_ascii()).collect();
        let mut missing = Vec::new();
        let mut column_index = [0; Lead::COLUMNS.len()];
        for (place, column) in column_index.iter_mut().zip(Lead::COLUMNS) {
            let mut found = (0..names.len()).filter(|i| names[*i] == column.as_bytes());
            match (found.next(), found.next()) {
                (Some(at), None) => *place = at,
                (Some(_), Some(_)) => return Err(ImportError::Repeated(column)),
                (None, _) => missing.push(column),
            }
        }
        if !missing.is_empty() {
            return Err(ImportError::Missing(missing.join(", ")));
        }
        csv.column_index = column_index;
        Ok(csv)
    }

    fn next(&mut self) -> io::Result<Option<NumberedRow>> {
        let Some((line, framed)) = self.frame()? else { return Ok(None) };
        Ok(Some(NumberedRow { line, lead: framed.and_then(|width| self.lead(width)) }))
    }

    fn lead(&self, width: usize) -> Result<ImportedLead, RowError> {
        if width != self.width {
            let names = self.width;
            return Err(RowError(format!("{width} values under {names} columns").into()));
        }
        let mut values = [""; Lead::COLUMNS.len()];
        for (value, place) in values.iter_mut().zip(self.column_index) {
            *value = std::str::from_utf8(self.value(place)).map_err(|_| not_text())?;
        }
        ImportedLead::from_columns(|i| values[i])
    }

    /// Reads one row into the buffers; its first line.
    fn frame(&mut self) -> io::Result<Option<(u64, RecordResult)>> {
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
                // What is read over goes where it is not looked at.
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (used, count, fits) = (0, 0, false);
                }
                ReadRecordResult::Record if fits => return Ok(Some((line, Ok(count)))),
                ReadRecordResult::Record => return Ok(Some((line, Err(too_long())))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn value(&self, place: usize) -> &[u8] {
        let from = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.text[from..self.ends[place]]
    }
}

pub(crate) struct Jsonl<R> {
    input: R,
    line: u64,
    text: Vec<u8>,
}

impl<R: BufRead> Jsonl<R> {
    fn next(&mut self) -> io::Result<Option<NumberedRow>> {
        loop {
            self.text.clear();
            let Some(fits) = next_line(&mut self.input, &mut self.text, LONGEST)? else {
                return Ok(None);
            };
            self.line += 1;
            if fits && self.text.trim_ascii().is_empty() {
                continue;
            }
            let lead = if fits { self.lead() } else { Err(too_long()) };
            return Ok(Some(NumberedRow { line: self.line, lead }));
        }
    }

    fn lead(&self) -> Result<ImportedLead, RowError> {
        let text = std::str::from_utf8(&self.text).map_err(|_| not_text())?;
        ImportedLead::from_json(text.trim_start_matches('\u{feff}').trim())
    }
}

fn too_long() -> RowError {
    RowError("too long for a row; a quotation mark may be missing".into())
}

fn not_text() -> RowError {
    RowError("not text in UTF-8".into())
}

/// Reads a line, without its end, as far as `most` bytes of it; says whether that was all of it.
/// `None` at the end of the input.
pub(crate) fn next_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
    most: usize,
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
        if line.len() + part.len() <= most {
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
