//! A script for `psql`: the tables of the PostgreSQL service that FASTCore replaces, and the rows
//! in the text form of COPY (PostgreSQL's documentation, "COPY", "Text Format").

use std::io::{self, BufWriter, Write};

use sha2::Sha256;

use crate::app::export::row::{Cell, Row, Table};
use crate::app::export::{Encoder, Hashed};

/// Where the rows go in a script: before the line that ends them.
const END_OF_ROWS: &str = "\\.\n";

pub(crate) struct Postgres<W: Write> {
    out: BufWriter<Hashed<W>>,
    script: &'static str,
}

impl<W: Write> Postgres<W> {
    pub(crate) fn new(out: Hashed<W>) -> Self {
        Self { out: BufWriter::new(out), script: "" }
    }
}

impl<W: Write> Encoder for Postgres<W> {
    fn header(&mut self, table: &'static Table) -> io::Result<()> {
        let script = match table.name {
            "leads" => include_str!("postgres_leads.sql"),
            _ => include_str!("postgres_audit.sql"),
        };
        let (before, _) = script.split_once(END_OF_ROWS).ok_or(io::ErrorKind::InvalidData)?;
        self.script = &script[before.len()..];
        self.out.write_all(before.as_bytes())
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        for (i, cell) in row.iter().enumerate() {
            if i > 0 {
                self.out.write_all(b"\t")?;
            }
            match cell {
                Cell::Null => self.out.write_all(b"\\N")?,
                Cell::Text(text) => write_text(&mut self.out, text)?,
                Cell::Number(number) => write!(self.out, "{number}")?,
                Cell::Bool(value) => self.out.write_all(if *value { b"t" } else { b"f" })?,
            }
        }
        self.out.write_all(b"\n")
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.write_all(self.script.as_bytes())?;
        self.out.flush()
    }

    fn hashed(&self) -> Sha256 {
        self.out.get_ref().hasher.clone()
    }
}

/// The text with what ends a column or a row, and the backslash, behind a backslash.
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
