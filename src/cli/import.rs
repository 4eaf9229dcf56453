//! `fastcore import leads`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::app::import::error::ImportError;
use crate::app::import::refused_rows::ImportFormat;
use crate::app::import::{Import, Imported, row_reader};
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};

/// How many lines of a kind are named.
const SHOWN_LINES: usize = 20;

/// Imports the rows of the PostgreSQL service that FASTCore replaces
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: ImportCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ImportCommand {
    /// Imports leads with their ids, times and statuses
    ///
    /// CSV as `\copy lead_inbox to 'leads.csv' csv header` writes it, or JSON lines, as `psql -Atc
    /// 'select row_to_json(l) from lead_inbox l'` or `fastcore export leads --format jsonl` write
    /// them. A lead that is stored already, by its request_id, is skipped; a lead that was erased
    /// here is not imported again; invalid rows are refused. Run it again after an interruption: it
    /// continues where it was. Exits with 1 when a row was refused.
    ///
    /// Example: fastcore import leads leads.csv
    Leads {
        #[command(flatten)]
        database: DatabaseArg,
        /// The rows; `-` for standard input
        file: PathBuf,
        /// The file for refused rows, each with its line and the reason; import it when it is corrected
        /// [default: FILE.refused.csv or FILE.refused.jsonl]
        #[arg(long, value_name = "FILE")]
        refused: Option<PathBuf>,
        /// Print the counts as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    let ImportCommand::Leads { database, file, refused, json } = args.command;
    let database = database.path(&context.environment)?;
    let from = (file != Path::new("-")).then_some(file);
    let mut input: Box<dyn BufRead> = match &from {
        Some(file) => Box::new(BufReader::new(open(file)?)),
        None => Box::new(io::stdin().lock()),
    };
    let format = row_reader::format(&mut input).map_err(ImportError::from)?;
    let refused = refused.unwrap_or_else(|| refused_path(from.as_deref(), format));
    let import = Import { actor: CommandContext::actor(), refused, from };
    let mut progress = output::Progress::new("rows");
    let done = import.run(&database, &context.clock, input, &mut |rows| progress.at(rows));
    drop(progress);
    let done = done.map_err(|e| with_file_name(e, import.from.as_deref()))?;
    if json {
        output::json(&done)?;
    } else {
        output::eprint_line(&summary(&done));
    }
    if done.refused > 0 {
        let (count, file) = (done.refused, import.refused.display());
        return Err(CliError::Failed(format!(
            "{count} rows were refused; all others are stored. {file} has the refused rows with the reasons: \
             correct them there and import that file"
        )));
    }
    Ok(())
}

fn open(file: &Path) -> Result<File, CliError> {
    File::open(file)
        .map_err(|e| CliError::Failed(format!("{} cannot be read: {e}", file.display())))
}

/// The default file for refused rows.
fn refused_path(from: Option<&Path>, format: ImportFormat) -> PathBuf {
    let mut name = from.unwrap_or(Path::new("fastcore-import")).as_os_str().to_owned();
    name.push(format!(".refused.{}", format.extension()));
    name.into()
}

/// Adds the name of the file to an error about its content.
fn with_file_name(error: ImportError, from: Option<&Path>) -> CliError {
    match error {
        ImportError::Empty | ImportError::Missing(_) | ImportError::Repeated(_) => {
            let name = from.map_or("standard input".into(), |from| from.to_string_lossy());
            CliError::Failed(format!("{name}: {error}"))
        }
        other => other.into(),
    }
}

fn summary(done: &Imported) -> String {
    let Imported { rows, imported, present, erased, erased_lines, refused, unknown_columns } = done;
    let mut text = format!("{rows} rows: {imported} imported, {present} already stored");
    if *erased > 0 {
        let shown: Vec<_> = erased_lines.iter().take(SHOWN_LINES).map(u64::to_string).collect();
        let more = if erased_lines.len() > SHOWN_LINES { ", …" } else { "" };
        text.push_str(&format!(", {erased} erased here (lines {}{more})", shown.join(", ")));
    }
    text.push_str(&format!(", {refused} refused"));
    if *unknown_columns > 0 {
        text.push_str(&format!("; {unknown_columns} unknown columns were ignored"));
    }
    text
}
