//! The file of the refused rows: each with its line and the reason, in the format of the import, so that it can be
//! imported once the rows are corrected.

use std::io::{self, Write};

use csv::{ByteRecord, Terminator, WriterBuilder};

use crate::app::atomic_file::AtomicFile;

/// The columns before those of the import.
pub(crate) const COLUMNS: [&str; 2] = ["line", "reason"];

/// The format of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    Csv,
    Jsonl,
}

impl ImportFormat {
    /// What the names of its files end with.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Writes the file, whole or not at all. It can be used by its owner alone.
pub(crate) struct RefusedRows {
    out: AtomicFile,
    format: ImportFormat,
    text: Vec<u8>,
    pub(crate) count: u64,
}

impl RefusedRows {
    /// `header` has the names of the import's columns.
    pub(crate) fn new(
        out: AtomicFile,
        format: ImportFormat,
        header: &ByteRecord,
    ) -> io::Result<Self> {
        let mut rows = Self { out, format, text: Vec::new(), count: 0 };
        if format == ImportFormat::Csv {
            rows.add_record(COLUMNS, header)?;
        }
        Ok(rows)
    }

    /// Adds a row: the values of a CSV row, or a JSON row as one. One that is too long has no content.
    pub(crate) fn add(&mut self, line: u64, reason: &str, row: &ByteRecord) -> io::Result<()> {
        self.count += 1;
        match self.format {
            ImportFormat::Csv => self.add_record([&line.to_string(), reason], row)?,
            ImportFormat::Jsonl => {
                self.add_object(line, reason, row.get(0).unwrap_or_default())?;
            }
        }
        if self.text.len() > 64 * 1024 {
            self.flush()?;
        }
        Ok(())
    }

    fn add_record(&mut self, refusal: [&str; 2], row: &ByteRecord) -> io::Result<()> {
        let mut writer =
            WriterBuilder::new().terminator(Terminator::CRLF).from_writer(&mut self.text);
        writer.write_record(refusal.map(str::as_bytes).into_iter().chain(row))?;
        writer.flush()
    }

    /// Adds the members to an object; what is none becomes the text of another one.
    fn add_object(&mut self, line: u64, reason: &str, row: &[u8]) -> io::Result<()> {
        let reason = serde_json::Value::from(reason);
        write!(self.text, "{{\"line\":{line},\"reason\":{reason}")?;
        match row.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) {
            Some(b"}") => self.text.push(b'}'),
            Some(members) => {
                self.text.push(b',');
                self.text.extend_from_slice(members);
            }
            None if row.is_empty() => self.text.push(b'}'),
            None => {
                let row = serde_json::Value::from(String::from_utf8_lossy(row));
                write!(self.text, ",\"row\":{row}}}")?;
            }
        }
        self.text.push(b'\n');
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.file().write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.out.file().sync_all()?;
        self.out.commit()
    }
}

/// A JSON row without the members that [`RefusedRows`] adds, so that they are not there twice.
pub(crate) fn without_refusal(row: &[u8]) -> Option<Vec<u8>> {
    let rest = row.strip_prefix(b"{\"line\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = rest[digits..].strip_prefix(b",\"reason\":\"")?;
    let mut is_escaped = false;
    let end = rest.iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    })?;
    let members = &rest[end + 1..];
    Some([b"{", members.strip_prefix(b",").unwrap_or(members)].concat())
}
