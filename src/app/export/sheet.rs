//! What the sheets of a workbook show: the columns that people read, with titles and labels in their
//! language, or those of the table.

use chrono::{NaiveDate, NaiveDateTime, Timelike as _};
use chrono_tz::Europe::Paris;

use crate::app::export::row::{Cell, ExportColumns, LEADS};
use crate::domain::language::Language;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::timestamp::Timestamp;

/// Which columns a workbook of leads has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetColumns {
    /// Those that people read. Times are Excel's, in the company's time zone.
    Readable(Language),
    /// Those of the table, each cell as its stored text.
    Full,
}

/// A sheet before its rows.
pub(crate) struct SheetLayout {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<SheetColumn>,
    /// The language of a sheet for people.
    pub(crate) language: Option<Language>,
}

pub(crate) struct SheetColumn {
    pub(crate) title: &'static str,
    /// The place of its cell in an exported row.
    pub(crate) source: usize,
    /// In characters.
    pub(crate) width: f64,
    pub(crate) content: ColumnContent,
}

/// What the cells of a column show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnContent {
    Text,
    /// Text of several lines.
    LongText,
    Moment,
    Service,
    Status,
    YesNo,
}

/// A cell of a sheet.
#[derive(Debug, PartialEq)]
pub(crate) enum SheetCell<'a> {
    Empty,
    Text(&'a str),
    Owned(String),
    /// Days since 1899-12-30, without a time zone, which is how Excel stores a date and time.
    Moment(f64),
}

/// Column of the table, title in French and in English, width, content.
type ReadableColumn = (&'static str, [&'static str; 2], f64, ColumnContent);

const READABLE: [ReadableColumn; 11] = [
    ("created_at_utc", ["Reçue le", "Received"], 17.0, ColumnContent::Moment),
    ("name", ["Nom", "Name"], 24.0, ColumnContent::Text),
    ("email", ["E-mail", "E-mail"], 34.0, ColumnContent::Text),
    ("phone", ["Téléphone", "Telephone"], 18.0, ColumnContent::Text),
    ("company", ["Société", "Company"], 24.0, ColumnContent::Text),
    ("service", ["Service", "Service"], 15.0, ColumnContent::Service),
    ("status", ["Statut", "Status"], 12.0, ColumnContent::Status),
    ("message", ["Message", "Message"], 70.0, ColumnContent::LongText),
    ("consent", ["Consentement", "Consent"], 15.0, ColumnContent::YesNo),
    ("source", ["Envoyée depuis", "Sent from"], 24.0, ColumnContent::Text),
    ("id", ["Identifiant", "Id"], 38.0, ColumnContent::Text),
];

impl SheetLayout {
    /// The audit log has no columns for people: each of its rows is evidence.
    pub(crate) fn new(table: &'static ExportColumns, columns: SheetColumns) -> Self {
        match columns {
            SheetColumns::Readable(language) if table.table == LEADS.table => {
                Self::readable(table, language)
            }
            _ => Self::full(table),
        }
    }

    fn readable(table: &ExportColumns, language: Language) -> Self {
        let columns = READABLE.into_iter().filter_map(|(name, titles, width, content)| {
            let source = table.names.iter().position(|of_table| *of_table == name)?;
            Some(SheetColumn { title: language.pick(titles), source, width, content })
        });
        Self {
            name: language.pick(["Demandes", "Leads"]),
            columns: columns.collect(),
            language: Some(language),
        }
    }

    fn full(table: &'static ExportColumns) -> Self {
        let column = |(source, title): (usize, &&'static str)| SheetColumn {
            title,
            source,
            width: 20.0,
            content: ColumnContent::Text,
        };
        let columns = table.names.iter().enumerate().map(column).collect();
        Self { name: table.table, columns, language: None }
    }
}

impl SheetColumn {
    /// What the column shows for a cell of an exported row.
    pub(crate) fn cell<'a>(&self, cell: Cell<'a>, language: Option<Language>) -> SheetCell<'a> {
        match (cell, language) {
            (Cell::Null, _) => SheetCell::Empty,
            (Cell::Time(time), Some(_)) => moment(time),
            (Cell::Bool(value), Some(language)) => {
                let answer = if value { ["oui", "yes"] } else { ["non", "no"] };
                SheetCell::Text(language.pick(answer))
            }
            (Cell::Text(code), Some(language)) => {
                SheetCell::Text(self.label(code, language).unwrap_or(code))
            }
            (Cell::Text(text), None) => SheetCell::Text(text),
            (Cell::Bool(value), None) => SheetCell::Text(if value { "true" } else { "false" }),
            (Cell::Time(time), None) => SheetCell::Owned(time.to_string()),
            (Cell::Number(number), _) => SheetCell::Owned(number.to_string()),
        }
    }

    /// The label that the admin page has for a code.
    fn label(&self, code: &str, language: Language) -> Option<&'static str> {
        match self.content {
            ColumnContent::Service => Some(LeadService::parse(code)?.label(language)),
            ColumnContent::Status => Some(language.pick(match LeadStatus::parse(code)? {
                LeadStatus::Received => ["Nouvelle", "New"],
                LeadStatus::Processing => ["En cours", "In progress"],
                LeadStatus::Resolved => ["Traitée", "Done"],
                LeadStatus::Archived => ["Archivée", "Archived"],
            })),
            _ => None,
        }
    }
}

/// The wall clock's time in Paris, to the second. Excel has no dates before 1900, and counts a
/// 29 February of that year: those are text.
fn moment(time: Timestamp) -> SheetCell<'static> {
    let local = time.to_datetime().with_timezone(&Paris).naive_local();
    serial_number(local).map_or_else(|| SheetCell::Owned(time.to_string()), SheetCell::Moment)
}

fn serial_number(local: NaiveDateTime) -> Option<f64> {
    let epoch = NaiveDate::from_ymd_opt(1899, 12, 30)?;
    let days = i32::try_from((local.date() - epoch).num_days()).ok().filter(|days| *days > 60)?;
    Some(f64::from(days) + f64::from(local.num_seconds_from_midnight()) / 86_400.0)
}
