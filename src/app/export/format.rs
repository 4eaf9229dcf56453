//! The formats of an export, by name.

use std::io::Write;
use std::path::Path;

use crate::app::export::encoder::{Encoder, HashingWriter};
use crate::app::export::sheet::SheetColumns;
use crate::app::export::{csv, jsonl, postgres, xlsx};

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// RFC 4180.
    Csv,
    /// CSV for Excel in French: BOM, semicolons.
    CsvExcelFr,
    /// One JSON object per line.
    Jsonl,
    /// A workbook.
    Xlsx(SheetColumns),
    /// A script for `psql`: the schema of the PostgreSQL service, and the rows.
    Postgres,
}

impl ExportFormat {
    pub const ALL: [Self; 5] =
        [Self::Csv, Self::CsvExcelFr, Self::Jsonl, Self::Xlsx(SheetColumns::Full), Self::Postgres];

    /// Its name on the command line, in the API and in the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvExcelFr => "csv-excel-fr",
            Self::Jsonl => "jsonl",
            Self::Xlsx(_) => "xlsx",
            Self::Postgres => "postgres",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The file extension and the media type.
    #[must_use]
    pub fn extension_and_media_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv | Self::CsvExcelFr => ("csv", "text/csv; charset=utf-8"),
            Self::Jsonl => ("jsonl", "application/jsonl"),
            Self::Xlsx(_) => {
                ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
            }
            Self::Postgres => ("sql", "application/sql"),
        }
    }

    /// Whether a terminal cannot show it.
    #[must_use]
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Xlsx(_))
    }

    /// An encoder that writes to `out`. `scratch` is the folder for a workbook's temporary file.
    pub(crate) fn encoder<'w, W: Write + Send + 'w>(
        self,
        out: HashingWriter<W>,
        scratch: Option<&Path>,
    ) -> Box<dyn Encoder + 'w> {
        match self {
            Self::Csv => Box::new(csv::CsvEncoder::new(out, false)),
            Self::CsvExcelFr => Box::new(csv::CsvEncoder::new(out, true)),
            Self::Jsonl => Box::new(jsonl::JsonlEncoder::new(out)),
            Self::Xlsx(columns) => Box::new(xlsx::XlsxEncoder::new(out, columns, scratch)),
            Self::Postgres => Box::new(postgres::PostgresEncoder::new(out)),
        }
    }
}
