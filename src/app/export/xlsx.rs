//! A workbook whose cells are text, so that accents, `+33` and leading zeros survive and no
//! formula runs, but for the times of a sheet for people. Its rows are kept in an unnamed file (mode 0600) until the workbook is written.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Format, IgnoreError, Workbook, Worksheet, XlsxError};
use rustix::fs::statvfs;
use sha2::Sha256;

use crate::app::export::encoder::{Encoder, HashingWriter};
use crate::app::export::row::{ExportColumns, ExportRow};
use crate::app::export::sheet::{ColumnContent, SheetCell, SheetColumns, SheetLayout};
use crate::app::export::sheet_format::{CellFormats, row_height, set_up_printing};

/// Rows of a sheet at most, with the header.
const MAX_SHEET_ROWS: u32 = 1_048_576;
/// Bytes of a file in a ZIP archive without the ZIP64 extension, at most.
const MAX_ZIP32_BYTES: u64 = u32::MAX as u64;

/// Characters of a cell, at most; half of Excel's limit, which counts UTF-16.
const MAX_CELL_CHARS: usize = 16_383;
/// Bytes of markup around the content of a cell or a row, at most.
const MARKUP_BYTES: usize = 100;

pub(crate) struct XlsxEncoder<W: Write> {
    out: HashingWriter<W>,
    book: Workbook,
    columns: SheetColumns,
    /// Known with the header.
    layout: Option<SheetLayout>,
    formats: CellFormats,
    /// Rows of a sheet: fewer only in tests.
    sheet_rows: u32,
    sheets: usize,
    /// The next row of the last sheet.
    next: u32,
    /// Bytes of the last sheet, at most.
    bytes: u64,
    large: bool,
    /// The folder of the temporary file.
    scratch: PathBuf,
    /// Why the scratch folder cannot be used; returned by `header`.
    scratch_error: Option<io::Error>,
}

impl<W: Write> XlsxEncoder<W> {
    pub(crate) fn new(
        out: HashingWriter<W>,
        columns: SheetColumns,
        scratch: Option<&Path>,
    ) -> Self {
        let mut book = Workbook::new();
        let scratch_error = scratch.and_then(|folder| book.set_tempdir(folder).err()).map(cause);
        Self {
            out,
            book,
            columns,
            layout: None,
            formats: CellFormats::new(None),
            sheet_rows: MAX_SHEET_ROWS,
            sheets: 0,
            next: 0,
            bytes: 0,
            large: false,
            scratch: scratch.map_or_else(std::env::temp_dir, Path::to_owned),
            scratch_error,
        }
    }

    /// Begins a sheet with the titles of the columns in a frozen row.
    fn begin_sheet(&mut self) -> io::Result<()> {
        let Some(layout) = &self.layout else { return Ok(()) };
        self.sheets += 1;
        self.next = 1;
        self.bytes = 0;
        let (number, rows, formats) = (self.sheets, self.sheet_rows, &self.formats);
        catch_panic(&self.scratch, || {
            let sheet = self.book.add_worksheet_with_constant_memory()?;
            let name = layout.name;
            let name = if number == 1 { name.to_owned() } else { format!("{name} {number}") };
            sheet.set_name(name)?.set_freeze_panes(1, 0)?;
            for (i, column) in (0..).zip(&layout.columns) {
                sheet.set_column_format(i, formats.of(column))?;
                sheet.set_column_width(i, column.width)?;
                // Excel must not offer to convert phone numbers to numbers.
                sheet.ignore_error_range(0, i, rows - 1, i, IgnoreError::NumberStoredAsText)?;
                sheet.write_string_with_format(0, i, column.title, &formats.title)?;
            }
            if layout.language.is_some() {
                set_up_printing(sheet)?;
            }
            Ok(())
        })
    }

    /// Ends the last sheet: only now is it known how many rows its filter has.
    fn end_sheet(&mut self) -> io::Result<()> {
        let Some(layout) = self.layout.as_ref().filter(|of| of.language.is_some()) else {
            return Ok(());
        };
        let last_column = (0..).zip(&layout.columns).map(|(i, _)| i).last().unwrap_or(0);
        let sheet = self.book.worksheet_from_index(self.sheets - 1).map_err(cause)?;
        sheet.autofilter(0, 0, self.next - 1, last_column).map_err(cause)?;
        Ok(())
    }
}

impl<W: Write + Send> Encoder for XlsxEncoder<W> {
    fn header(&mut self, columns: &'static ExportColumns) -> io::Result<()> {
        if let Some(error) = self.scratch_error.take() {
            return Err(error);
        }
        let layout = SheetLayout::new(columns, self.columns);
        self.formats = CellFormats::new(layout.language);
        self.layout = Some(layout);
        self.begin_sheet()
    }

    fn row(&mut self, row: &ExportRow<'_>) -> io::Result<()> {
        if self.next == self.sheet_rows {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        let Some(layout) = &self.layout else { return Ok(()) };
        let (at, last, formats) = (self.next, self.sheets - 1, &self.formats);
        let mut bytes = MARKUP_BYTES as u64;
        catch_panic(&self.scratch, || {
            let sheet = self.book.worksheet_from_index(last)?;
            for (i, column) in (0..).zip(&layout.columns) {
                let cell = row.get(column.source).copied();
                let Some(cell) = cell.map(|cell| column.cell(cell, layout.language)) else {
                    continue;
                };
                bytes += put(sheet, at, i, &cell, formats.of(column))?;
                if let (ColumnContent::LongText, SheetCell::Text(text)) = (column.content, &cell) {
                    sheet.set_row_height(at, row_height(text, column.width))?;
                }
            }
            Ok(())
        })?;
        self.next += 1;
        self.bytes += bytes;
        self.large |= self.bytes > MAX_ZIP32_BYTES;
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.end_sheet()?;
        self.book.use_zip_large_file(self.large);
        let mut out = ErrorTrap { out: &mut self.out, failure: None };
        let saved = catch_panic(&self.scratch, || self.book.save_to_writer(&mut out));
        match out.failure {
            Some(failure) => Err(failure),
            None => saved.and_then(|()| self.out.flush()),
        }
    }

    fn hasher(&self) -> Sha256 {
        self.out.hasher()
    }
}

/// As much of a text as a cell has room for: only a refused body can be longer.
fn fitting(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_CELL_CHARS).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// Writes a cell; returns how many bytes it takes at most.
fn put(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &SheetCell<'_>,
    format: &Format,
) -> Result<u64, XlsxError> {
    let text = match cell {
        SheetCell::Empty => return Ok(0),
        SheetCell::Moment(days) => {
            sheet.write_number_with_format(row, column, *days, format)?;
            return Ok(MARKUP_BYTES as u64);
        }
        SheetCell::Text(text) => text,
        SheetCell::Owned(text) => text.as_str(),
    };
    let text = fitting(text);
    sheet.write_string_with_format(row, column, text, format)?;
    // The longest escape, `_x005F_`, has six characters more than the one that it replaces.
    let escaped =
        |c: &char| *c < ' ' || matches!(c, '&' | '<' | '>' | '_' | '\u{fffe}'..='\u{ffff}');
    Ok((MARKUP_BYTES + text.len() + 6 * text.chars().filter(escaped).count()) as u64)
}

/// Runs a function of the library, which panics where its scratch file cannot be written.
fn catch_panic<T>(scratch: &Path, work: impl FnOnce() -> Result<T, XlsxError>) -> io::Result<T> {
    let failed = || {
        let (shown, full) =
            (scratch.display(), statvfs(scratch).is_ok_and(|disk| disk.f_bavail == 0));
        let cause = if full { "the disk is full" } else { "the disk may be full" };
        format!("the temporary file of the workbook, in {shown}, cannot be written: {cause}")
    };
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| io::Error::other(failed()))?.map_err(cause)
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

/// Keeps the first error and accepts all further writes: the library panics where some of them fail.
struct ErrorTrap<'a, W> {
    out: &'a mut HashingWriter<W>,
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

    use super::*;
    use crate::app::export::row::{self, Cell};

    /// The limit of a sheet is a million rows; here it is three.
    #[test]
    fn rows_beyond_a_sheet_are_on_further_sheets() {
        for large in [false, true] {
            check_sheets(large);
        }
    }

    fn check_sheets(large: bool) {
        let mut bytes = Vec::new();
        let out = HashingWriter::new(&mut bytes);
        let mut xlsx = XlsxEncoder::new(out, SheetColumns::Full, None);
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
