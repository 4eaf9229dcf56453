//! The forms that an export can have, by the one name of each.

use std::io::Write;
use std::path::Path;

use crate::app::export::{Encoder, Hashed, csv, jsonl, postgres, xlsx};

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180.
    Csv,
    /// ExportSource Excel opens in French: BOM, semicolons.
    CsvExcelFr,
    /// One JSON object a line.
    Jsonl,
    /// A workbook whose cells are text.
    Xlsx,
    /// A script for `psql`: the schema of the PostgreSQL service, and the rows.
    Postgres,
}

impl Format {
    pub const ALL: [Self; 5] =
        [Self::Csv, Self::CsvExcelFr, Self::Jsonl, Self::Xlsx, Self::Postgres];

    /// The name by which it is asked for, and told in the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvExcelFr => "csv-excel-fr",
            Self::Jsonl => "jsonl",
            Self::Xlsx => "xlsx",
            Self::Postgres => "postgres",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// ExportSource a file of this form is called at its end, and its media type.
    #[must_use]
    pub fn of_file(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv | Self::CsvExcelFr => ("csv", "text/csv; charset=utf-8"),
            Self::Jsonl => ("jsonl", "application/jsonl"),
            Self::Xlsx => {
                ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
            }
            Self::Postgres => ("sql", "application/sql"),
        }
    }

    /// Whether it is for programs alone: a terminal would show nothing that a person can read.
    #[must_use]
    pub fn is_binary(self) -> bool {
        self == Self::Xlsx
    }

    /// `scratch` is the folder for what a workbook has before it can be put together.
    pub(crate) fn encoder<'w, W: Write + Send + 'w>(
        self,
        out: Hashed<W>,
        scratch: Option<&Path>,
    ) -> Box<dyn Encoder + 'w> {
        match self {
            Self::Csv => Box::new(csv::Csv::new(out, false)),
            Self::CsvExcelFr => Box::new(csv::Csv::new(out, true)),
            Self::Jsonl => Box::new(jsonl::Jsonl::new(out)),
            Self::Xlsx => Box::new(xlsx::Xlsx::new(out, scratch)),
            Self::Postgres => Box::new(postgres::Postgres::new(out)),
        }
    }
}
