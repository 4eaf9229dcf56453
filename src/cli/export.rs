//! `fastcore export leads` and `fastcore export audit`.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::app::export::format::ExportFormat;
use crate::app::export::sheet::SheetColumns;
use crate::app::export::{Export, ExportSource};
use crate::app::leads;
use crate::app::status::server_settings;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::domain::filter;
use crate::domain::filter::{LeadFilter, Period};
use crate::domain::language::Language;
use crate::domain::lead::LeadService;
use crate::domain::lead::status::LeadStatus;
use crate::domain::search::terms::SearchTerms;
use crate::domain::timestamp::Timestamp;

/// Exports leads or the audit log to a file or to standard output
///
/// Writes all rows of one moment in the order in which they were stored, and records
/// LEADS_EXPORTED in the audit log.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ExportCommand {
    /// Exports leads
    ///
    /// Example: fastcore export leads --format xlsx --since 2026-01-01 -o leads.xlsx
    Leads {
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        form: OutputArgs,
        #[command(flatten)]
        sheet: SheetArgs,
    },
    /// Exports the audit log
    ///
    /// Example: fastcore export audit --format postgres -o audit.sql
    Audit {
        #[command(flatten)]
        period: PeriodArgs,
        #[command(flatten)]
        form: OutputArgs,
    },
}

#[derive(Debug, clap::Args)]
struct OutputArgs {
    #[command(flatten)]
    database: DatabaseArg,
    #[arg(long, value_parser = formats(), default_value = "csv")]
    format: ExportFormat,
    /// For CSV: rfc4180, or excel-fr for Excel in French (BOM, semicolons)
    #[arg(long, value_enum, default_value_t = Dialect::Rfc4180)]
    dialect: Dialect,
    /// The file, written whole or not at all; standard output without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dialect {
    Rfc4180,
    ExcelFr,
}

/// What a workbook of leads shows.
#[derive(Debug, clap::Args)]
struct SheetArgs {
    /// For XLSX: the columns that people read, or those of the table, as stored
    #[arg(long, value_enum)]
    columns: Option<ColumnsArg>,
    /// For XLSX: the language of titles and labels, fr or en [default: fr]
    #[arg(long, value_name = "CODE", value_parser = language)]
    language: Option<Language>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColumnsArg {
    Readable,
    Full,
}

impl SheetArgs {
    fn given(&self) -> bool {
        self.columns.is_some() || self.language.is_some()
    }

    fn columns(self) -> Result<SheetColumns, CliError> {
        match (self.columns, self.language) {
            (Some(ColumnsArg::Full), None) => Ok(SheetColumns::Full),
            (Some(ColumnsArg::Full), Some(_)) => {
                Err(CliError::Usage("--columns full has no --language".to_owned()))
            }
            (_, language) => Ok(SheetColumns::Readable(language.unwrap_or_default())),
        }
    }
}

/// The period of an export.
#[derive(Debug, clap::Args)]
pub(crate) struct PeriodArgs {
    /// From this day (UTC) or time (RFC 3339) on
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
    /// Up to and including this day (UTC), or before this time (RFC 3339)
    #[arg(long, value_name = "WHEN", value_parser = until)]
    until: Option<Timestamp>,
}

/// The filter for leads.
#[derive(Debug, clap::Args)]
pub(crate) struct FilterArgs {
    #[command(flatten)]
    period: PeriodArgs,
    /// Only this service: ponts, cabines, compresseurs, diagnostic or autre
    #[arg(long, value_parser = service)]
    service: Option<LeadService>,
    /// Only this current status: received, processing, resolved or archived
    #[arg(long, value_parser = status)]
    status: Option<LeadStatus>,
    /// Only leads that nobody has opened on the admin page
    #[arg(long)]
    unopened: bool,
    /// The submissions of `fastcore canary`, which are kept out of every list, instead of the leads
    #[arg(long)]
    canary: bool,
    /// Only leads with words that begin with these, in name, e-mail, phone, company, service or message, without
    /// regard to accents and case; a telephone number in any spelling, or some of its digits; a lead's id or
    /// request_id, or eight characters of its beginning
    #[arg(long, value_name = "WORDS", value_parser = query)]
    query: Option<SearchTerms>,
}

impl PeriodArgs {
    fn period(self) -> Period {
        Period { since: self.since, until: self.until }
    }
}

impl FilterArgs {
    pub(crate) fn filter(self) -> LeadFilter {
        LeadFilter {
            period: self.period.period(),
            service: self.service,
            status: self.status,
            opened: self.unopened.then_some(false),
            terms: self.query,
            person: None,
            canary: self.canary,
        }
    }
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    let (source, form, sheet) = match args.command {
        ExportCommand::Leads { filter, form, sheet } => {
            (ExportSource::Leads(filter.filter()), form, Some(sheet))
        }
        ExportCommand::Audit { period, form } => (ExportSource::Audit(period.period()), form, None),
    };
    let format = format_of(&form, sheet)?;
    if format.is_binary() && form.output.is_none() && io::stdout().is_terminal() {
        let name = format.as_str();
        return Err(CliError::Usage(format!(
            "{name} cannot be shown on a terminal; name a file with -o"
        )));
    }
    let database = form.database.path(&context.environment)?;
    let disk_reserve = context.disk_reserve(server_settings::read(&database))?;
    let export = Export { source, format, actor: CommandContext::actor() };
    let mut progress = output::Progress::new("rows");
    let mut report = |rows| progress.at(rows);
    let done = match &form.output {
        Some(path) => export.to_file(&database, disk_reserve, &context.clock, path, &mut report),
        None => {
            let place = Some(Path::new("/dev/stdout"));
            export.to_writer(
                &database,
                disk_reserve,
                &context.clock,
                io::stdout(),
                place,
                &mut report,
            )
        }
    };
    drop(progress);
    let done = done?;
    if !done.cut_short {
        output::eprint_line(&format!("{} rows, SHA-256 {}", done.rows, done.sha256));
    }
    if let (0, ExportSource::Leads(filter)) = (done.rows, &export.source) {
        output::suggestion(leads::suggestion(&database, filter)?);
    }
    Ok(())
}

/// The format that the arguments ask for together.
fn format_of(form: &OutputArgs, sheet: Option<SheetArgs>) -> Result<ExportFormat, CliError> {
    let usage = |text: &str| Err(CliError::Usage(text.to_owned()));
    match (form.format, form.dialect, sheet) {
        (ExportFormat::Xlsx(_), Dialect::Rfc4180, Some(sheet)) => {
            Ok(ExportFormat::Xlsx(sheet.columns()?))
        }
        (_, _, Some(sheet)) if sheet.given() => {
            usage("--columns and --language are for --format xlsx")
        }
        (format, Dialect::Rfc4180, _) => Ok(format),
        (ExportFormat::Csv | ExportFormat::CsvExcelFr, Dialect::ExcelFr, _) => {
            Ok(ExportFormat::CsvExcelFr)
        }
        (_, Dialect::ExcelFr, _) => usage("--dialect is for --format csv"),
    }
}

/// All formats by name, with their help texts.
fn formats() -> impl TypedValueParser<Value = ExportFormat> {
    let value = |format: ExportFormat| {
        PossibleValue::new(format.as_str()).help(match format {
            ExportFormat::Csv => "Comma-separated values (RFC 4180); formulas are escaped",
            ExportFormat::CsvExcelFr => "CSV for Excel in French; as --dialect excel-fr",
            ExportFormat::Jsonl => "One JSON object per line; exact",
            ExportFormat::Xlsx(_) => {
                "An Excel workbook for people; further sheets beyond a million rows"
            }
            ExportFormat::Postgres => {
                "A script for psql: the original PostgreSQL schema and the rows"
            }
        })
    };
    PossibleValuesParser::new(ExportFormat::ALL.map(value))
        .try_map(|name| ExportFormat::parse(&name).ok_or("unknown format"))
}

fn language(code: &str) -> Result<Language, String> {
    Language::parse(code).ok_or_else(|| "fr or en".to_owned())
}

fn since(text: &str) -> Result<Timestamp, String> {
    filter::parse_since(text).ok_or_else(when)
}

fn until(text: &str) -> Result<Timestamp, String> {
    filter::parse_until(text).ok_or_else(when)
}

fn when() -> String {
    "a day such as 2026-01-31 or a time such as 2026-01-31T08:00:00Z".to_owned()
}

fn query(text: &str) -> Result<SearchTerms, String> {
    let terms = SearchTerms::parse(text);
    if terms.is_empty() {
        Err("no letter and no digit to search for".to_owned())
    } else {
        Ok(terms)
    }
}

fn service(text: &str) -> Result<LeadService, String> {
    LeadService::parse(text)
        .ok_or_else(|| "one of ponts, cabines, compresseurs, diagnostic, autre".to_owned())
}

pub(crate) fn status(text: &str) -> Result<LeadStatus, String> {
    LeadStatus::parse(text)
        .ok_or_else(|| "one of received, processing, resolved, archived".to_owned())
}
