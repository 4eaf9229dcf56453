//! JSON lines: exact, nothing is escaped for spreadsheets. `meta_json` and `details_json` are strings
//! with the stored text, so that digests and hashes can be computed from an export.

use std::io::{self, BufWriter, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use sha2::Sha256;

use crate::app::export::encoder::{Encoder, HashingWriter};
use crate::app::export::row::{Cell, ExportColumns, ExportRow};

pub(crate) struct JsonlEncoder<W: Write> {
    out: BufWriter<HashingWriter<W>>,
    columns: &'static [&'static str],
}

impl<W: Write> JsonlEncoder<W> {
    pub(crate) fn new(out: HashingWriter<W>) -> Self {
        Self { out: BufWriter::new(out), columns: &[] }
    }
}

impl<W: Write> Encoder for JsonlEncoder<W> {
    fn header(&mut self, columns: &'static ExportColumns) -> io::Result<()> {
        self.columns = columns.names;
        Ok(())
    }

    fn row(&mut self, row: &ExportRow<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, &JsonlObject { columns: self.columns, row })?;
        self.out.write_all(b"\n")
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn hasher(&self) -> Sha256 {
        self.out.get_ref().hasher()
    }
}

struct JsonlObject<'a> {
    columns: &'static [&'static str],
    row: &'a ExportRow<'a>,
}

impl Serialize for JsonlObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, cell) in self.columns.iter().zip(self.row) {
            match cell {
                Cell::Null => map.serialize_entry(column, &())?,
                Cell::Text(text) => map.serialize_entry(column, text)?,
                Cell::Number(number) => map.serialize_entry(column, number)?,
                Cell::Time(time) => map.serialize_entry(column, time)?,
                Cell::Bool(value) => map.serialize_entry(column, value)?,
            }
        }
        map.end()
    }
}
