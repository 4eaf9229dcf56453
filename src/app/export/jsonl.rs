//! JSON lines: exact, nothing is escaped for spreadsheets. `meta_json` and `details_json` are strings
//! with the stored text, so that digests and hashes can be computed from an export.

use std::io::{self, BufWriter, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use sha2::Sha256;

use crate::app::export::encoder::{Encoder, HashingWriter};
use crate::app::export::row::{Cell, ExportColumns, Row};

pub(crate) struct Jsonl<W: Write> {
    out: BufWriter<HashingWriter<W>>,
    columns: &'static [&'static str],
}

impl<W: Write> Jsonl<W> {
    pub(crate) fn new(out: HashingWriter<W>) -> Self {
        Self { out: BufWriter::new(out), columns: &[] }
    }
}

impl<W: Write> Encoder for Jsonl<W> {
    fn header(&mut self, columns: &'static ExportColumns) -> io::Result<()> {
        self.columns = columns.names;
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, &Object { columns: self.columns, row })?;
        self.out.write_all(b"\n")
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn hasher(&self) -> Sha256 {
        self.out.get_ref().hasher()
    }
}

struct Object<'a> {
    columns: &'static [&'static str],
    row: &'a Row<'a>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, cell) in self.columns.iter().zip(self.row) {
            match cell {
                Cell::Null => map.serialize_entry(column, &())?,
                Cell::Text(text) => map.serialize_entry(column, text)?,
                Cell::Number(number) => map.serialize_entry(column, number)?,
                Cell::Bool(value) => map.serialize_entry(column, value)?,
            }
        }
        map.end()
    }
}
