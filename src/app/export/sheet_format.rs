//! How a sheet looks, on the screen and printed.

use rust_xlsxwriter::{Format, FormatAlign, Worksheet, XlsxError};

use crate::app::export::sheet::{ColumnContent, SheetColumn};
use crate::domain::language::Language;

/// How the cells of a sheet look.
pub(crate) struct CellFormats {
    pub(crate) title: Format,
    /// A cell that stays text when it is edited.
    text: Format,
    long_text: Format,
    moment: Format,
}

impl CellFormats {
    /// For a sheet for people, in their language, or for one of the table's columns.
    pub(crate) fn new(language: Option<Language>) -> Self {
        let text = Format::new().set_num_format("@");
        let Some(language) = language else {
            let title = text.clone().set_bold();
            return Self { title, long_text: text.clone(), moment: text.clone(), text };
        };
        let text = text.set_align(FormatAlign::Top);
        let moment = match language {
            Language::French => "dd/mm/yyyy hh:mm",
            Language::English => "yyyy-mm-dd hh:mm",
        };
        Self {
            title: text.clone().set_bold(),
            long_text: text.clone().set_text_wrap(),
            moment: text.clone().set_num_format(moment).set_align(FormatAlign::Left),
            text,
        }
    }

    pub(crate) fn of(&self, column: &SheetColumn) -> &Format {
        match column.content {
            ColumnContent::LongText => &self.long_text,
            ColumnContent::Moment => &self.moment,
            _ => &self.text,
        }
    }
}

/// The height of a row with a text of several lines, in points. Excel would find it by itself, LibreOffice does not.
pub(crate) fn row_height(text: &str, width: f64) -> f64 {
    const LINE: f64 = 15.0;
    const EXCEL_MAX: f64 = 409.0;
    // Lines break between words, so that they are not filled.
    let lines =
        |paragraph: &str| (paragraph.chars().count() as f64 / (0.9 * width)).ceil().max(1.0);
    (LINE * text.lines().map(lines).sum::<f64>()).clamp(LINE, EXCEL_MAX)
}

/// A4 across, all columns on the width of a page, the titles and the page's number on each.
pub(crate) fn set_up_printing(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    const A4: u8 = 9;
    sheet.set_paper_size(A4).set_landscape().set_print_fit_to_pages(1, 0);
    sheet.set_footer("&C&P / &N").set_repeat_rows(0, 0)?;
    Ok(())
}
