//! A workbook whose cells are all text, so that accents, `+33` and leading zeros survive and
//! nothing is run. Its rows lie in a nameless file (mode 0600) until they are put together.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rust_xlsxwriter::{Format, IgnoreError, Workbook, Worksheet, XlsxError};
use sha2::Sha256;

use crate::app::export::row::{Cell, Row, Table};
use crate::app::export::{Encoder, Hashed};

/// The most rows of a sheet, the header's with them.
const SHEET: u32 = 1_048_576;
/// The most bytes of a file in a ZIP archive that old readers understand.
const SMALL_FILE: u64 = u32::MAX as u64;

/// The bytes around a cell's or a row's content.
const CELL: usize = 100;

pub(crate) struct Xlsx<W: Write> {
    out: Hashed<W>,
    book: Workbook,
    /// Of a cell that stays text when something is typed into it.
    text: Format,
    table: Option<&'static Table>,
    /// Rows of a sheet: fewer only in tests.
    sheet_rows: u32,
    sheets: usize,
    /// The next row of the last sheet.
    next: u32,
    /// The most bytes that the sheet can take.
    bytes: u64,
    large: bool,
    /// Why the scratch file cannot be used; told with the first row.
    refused: Option<io::Error>,
}

impl<W: Write> Xlsx<W> {
    pub(crate) fn new(out: Hashed<W>, scratch: Option<&Path>) -> Self {
        let mut book = Workbook::new();
        let refused = scratch.and_then(|folder| book.set_tempdir(folder).err()).map(cause);
        Self {
            out,
            book,
            text: Format::new().set_num_format("@"),
            table: None,
            sheet_rows: SHEET,
            sheets: 0,
            next: 0,
            bytes: 0,
            large: false,
            refused,
        }
    }

    /// Begins a sheet with the names of the columns, which stay in sight.
    fn begin_sheet(&mut self) -> io::Result<()> {
        let Some(table) = self.table else { return Ok(()) };
        let (name, last) = (table.name, column(table.columns.len() - 1)?);
        self.sheets += 1;
        self.next = 1;
        self.bytes = 0;
        let (number, rows) = (self.sheets, self.sheet_rows);
        catch_panic(|| {
            let sheet = self.book.add_worksheet_with_constant_memory()?;
            let name = if number == 1 { name.to_owned() } else { format!("{name} {number}") };
            sheet.set_name(name)?.set_freeze_panes(1, 0)?;
            // Nobody is asked to turn telephone numbers into numbers.
            sheet.set_column_range_format(0, last, &self.text)?;
            sheet.set_column_range_width(0, last, 20)?;
            sheet.ignore_error_range(0, 0, rows - 1, last, IgnoreError::NumberStoredAsText)?;
            let bold = self.text.clone().set_bold();
            for (i, name) in (0..).zip(table.columns) {
                sheet.write_string_with_format(0, i, *name, &bold)?;
            }
            Ok(())
        })
    }
}

impl<W: Write + Send> Encoder for Xlsx<W> {
    fn header(&mut self, table: &'static Table) -> io::Result<()> {
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        self.table = Some(table);
        self.begin_sheet()
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        if self.next == self.sheet_rows {
            self.begin_sheet()?;
        }
        let (at, last) = (self.next, self.sheets - 1);
        let mut bytes = CELL as u64;
        catch_panic(|| {
            let sheet = self.book.worksheet_from_index(last)?;
            for (i, cell) in (0..).zip(row) {
                bytes += put(sheet, at, i, *cell, &self.text)?;
            }
            Ok(())
        })?;
        self.next += 1;
        self.bytes += bytes;
        self.large |= self.bytes > SMALL_FILE;
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.book.use_zip_large_file(self.large);
        let mut out = ErrorTrap { out: &mut self.out, failure: None };
        let saved = catch_panic(|| self.book.save_to_writer(&mut out));
        match out.failure {
            Some(failure) => Err(failure),
            None => saved.and_then(|()| self.out.flush()),
        }
    }

    fn hashed(&self) -> Sha256 {
        self.out.hasher.clone()
    }
}

/// Writes a cell; returns the most bytes that it can take.
fn put(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: Cell<'_>,
    format: &Format,
) -> Result<u64, XlsxError> {
    let number;
    let text = match cell {
        Cell::Null => return Ok(0),
        Cell::Text(text) => text,
        Cell::Bool(true) => "true",
        Cell::Bool(false) => "false",
        Cell::Number(n) => {
            number = n.to_string();
            &number
        }
    };
    sheet.write_string_with_format(row, column, text, format)?;
    // The longest escape, `_x005F_`, has six characters more than what it stands for.
    let escaped =
        |c: &char| *c < ' ' || matches!(c, '&' | '<' | '>' | '_' | '\u{fffe}'..='\u{ffff}');
    Ok((CELL + text.len() + 6 * text.chars().filter(escaped).count()) as u64)
}

fn column(index: usize) -> io::Result<u16> {
    u16::try_from(index).map_err(io::Error::other)
}

/// Runs a piece of the library, which panics where its scratch file cannot be written.
fn catch_panic<T>(work: impl FnOnce() -> Result<T, XlsxError>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| {
            io::Error::other(
                "the temporary file of a workbook cannot be written; its disk may be full",
            )
        })?
        .map_err(cause)
}

fn cause(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        XlsxError::TempFileError(folder, error) => {
            let kind = error.kind();
            let place = folder.display();
            io::Error::new(kind, format!("no temporary file can be made in {place}: {error}"))
        }
        other => io::Error::other(other),
    }
}

/// Keeps the first failure and takes the rest: the library panics at some of its writes.
struct ErrorTrap<'a, W> {
    out: &'a mut Hashed<W>,
    failure: Option<io::Error>,
}

impl<W: Write> Write for ErrorTrap<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failure.is_none() {
            self.failure = self.out.write_all(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx as Workbook};
    use sha2::Digest;

    use super::super::row;
    use super::*;

    /// The limit of a sheet is a million rows; here it is three.
    #[test]
    fn rows_beyond_a_sheet_are_on_further_sheets() {
        for large in [false, true] {
            check_sheets(large);
        }
    }

    fn check_sheets(large: bool) {
        let mut bytes = Vec::new();
        let out = Hashed { out: &mut bytes, hasher: Sha256::new() };
        let mut xlsx = Xlsx::new(out, None);
        xlsx.sheet_rows = 3;
        xlsx.large = large;
        xlsx.header(&row::LEADS).expect("a header");
        for i in 0..5 {
            xlsx.row(&[Cell::Number(i), Cell::Null, Cell::Bool(true)]).expect("a row");
        }
        xlsx.end().expect("a workbook");
        drop(xlsx);
        let mut book: Workbook<_> = Workbook::new(Cursor::new(bytes)).expect("a workbook");
        let names = book.sheet_names();
        assert_eq!(names, ["leads", "leads 2", "leads 3"]);
        let mut numbers = Vec::new();
        for name in names {
            let sheet = book.worksheet_range(&name).expect("a sheet");
            assert_eq!(sheet.get((0, 0)), Some(&Data::String("id".into())));
            numbers.extend(sheet.rows().skip(1).map(|row| row[0].to_string()));
        }
        assert_eq!(numbers, ["0", "1", "2", "3", "4"]);
    }
}
