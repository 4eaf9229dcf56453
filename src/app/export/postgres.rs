//! A script for `psql`: the tables of the PostgreSQL service that FASTCore replaces, and the rows
//! in the text form of COPY (PostgreSQL's documentation, "COPY", "Text Format").

use std::io::{self, BufWriter, Write};

use sha2::Sha256;

use crate::app::export::encoder::{Encoder, HashingWriter};
use crate::app::export::row::{Cell, ExportColumns, ExportRow};

/// The line that ends the rows in a script; they are inserted before it.
const END_OF_ROWS: &str = "\\.\n";

pub(crate) struct PostgresEncoder<W: Write> {
    out: BufWriter<HashingWriter<W>>,
    script: &'static str,
}

impl<W: Write> PostgresEncoder<W> {
    pub(crate) fn new(out: HashingWriter<W>) -> Self {
        Self { out: BufWriter::new(out), script: "" }
    }
}

impl<W: Write> Encoder for PostgresEncoder<W> {
    fn header(&mut self, columns: &'static ExportColumns) -> io::Result<()> {
        let script = match columns.table {
            "leads" => include_str!("postgres_leads.sql"),
            _ => include_str!("postgres_audit.sql"),
        };
        let (before, _) = script.split_once(END_OF_ROWS).ok_or(io::ErrorKind::InvalidData)?;
        self.script = &script[before.len()..];
        self.out.write_all(before.as_bytes())
    }

    fn row(&mut self, row: &ExportRow<'_>) -> io::Result<()> {
        for (i, cell) in row.iter().enumerate() {
            if i > 0 {
                self.out.write_all(b"\t")?;
            }
            match cell {
                Cell::Null => self.out.write_all(b"\\N")?,
                Cell::Text(text) => write_text(&mut self.out, text)?,
                Cell::Number(number) => write!(self.out, "{number}")?,
                Cell::Time(time) => write!(self.out, "{time}")?,
                Cell::Bool(value) => self.out.write_all(if *value { b"t" } else { b"f" })?,
            }
        }
        self.out.write_all(b"\n")
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.write_all(self.script.as_bytes())?;
        self.out.flush()
    }

    fn hasher(&self) -> Sha256 {
        self.out.get_ref().hasher()
    }
}

/// Writes text with a backslash before each backslash, tab and line break.
fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '\t', '\n', '\r']) {
        let escaped = match rest.as_bytes()[at] {
            b'\t' => b"\\t",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            _ => b"\\\\",
        };
        out.write_all(&rest.as_bytes()[..at])?;
        out.write_all(escaped)?;
        rest = &rest[at + 1..];
    }
    out.write_all(rest.as_bytes())
}
