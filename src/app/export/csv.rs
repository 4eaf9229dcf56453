//! CSV (RFC 4180), and the dialect that Excel opens in French. A cell that a spreadsheet would run
//! as a formula is escaped with an apostrophe (OWASP, "CSV Injection").

use std::borrow::Cow;
use std::io::{self, Write};

use csv::{ByteRecord, Terminator, WriterBuilder};
use sha2::Sha256;

use crate::app::export::encoder::{Encoder, HashingWriter};
use crate::app::export::row::{Cell, ExportColumns, ExportRow};

/// How Excel recognises UTF-8.
const BOM: &str = "\u{feff}";

pub(crate) struct CsvEncoder<W: Write> {
    out: csv::Writer<HashingWriter<W>>,
    excel_fr: bool,
    record: ByteRecord,
}

impl<W: Write> CsvEncoder<W> {
    pub(crate) fn new(out: HashingWriter<W>, excel_fr: bool) -> Self {
        let out = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .delimiter(if excel_fr { b';' } else { b',' })
            .from_writer(out);
        Self { out, excel_fr, record: ByteRecord::new() }
    }
}

impl<W: Write> Encoder for CsvEncoder<W> {
    fn header(&mut self, columns: &'static ExportColumns) -> io::Result<()> {
        self.record.clear();
        for (i, column) in columns.names.iter().enumerate() {
            let bom = if self.excel_fr && i == 0 { BOM } else { "" };
            self.record.push_field(format!("{bom}{column}").as_bytes());
        }
        self.out.write_byte_record(&self.record).map_err(cause)
    }

    fn row(&mut self, row: &ExportRow<'_>) -> io::Result<()> {
        self.record.clear();
        for cell in row {
            self.record.push_field(text(*cell).as_bytes());
        }
        self.out.write_byte_record(&self.record).map_err(cause)
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn hasher(&self) -> Sha256 {
        self.out.get_ref().hasher()
    }
}

/// The error of the underlying writer: its kind shows whether the reader has closed its end.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Null => Cow::Borrowed(""),
        Cell::Text(text) => escape_formula(text),
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Time(time) => Cow::Owned(time.to_string()),
        Cell::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
    }
}

/// Prefixes text that a spreadsheet would run as a formula with an apostrophe. A plus sign with
/// digits and spaces alone is a phone number and is left unchanged.
fn escape_formula(text: &str) -> Cow<'_, str> {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if risky && !is_phone(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b == b' ')
    })
}
