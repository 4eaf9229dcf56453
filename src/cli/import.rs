//! `fastcore import leads`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::app::import::{Import, ImportError, Imported};
use crate::cli::error::CliError;
use crate::cli::{Context, DatabaseArg, output};

/// Takes in the rows of the PostgreSQL service that FASTCore replaces
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
    /// them. ImportCommand is stored already, by its request_id, is skipped; a lead that was erased here
    /// does not come back; what the table cannot hold is refused. Run again, or after an
    /// interruption, it goes on where it was. Exits with 1 when a row was refused.
    ///
    /// Example: fastcore import leads leads.csv
    Leads {
        #[command(flatten)]
        database: DatabaseArg,
        /// The rows; `-` for standard input
        file: PathBuf,
        /// Where refused rows are told by line and reason (CSV) [default: FILE.refused.csv]
        #[arg(long, value_name = "FILE")]
        refused: Option<PathBuf>,
        /// The counts as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(context: &Context, args: Args) -> Result<(), CliError> {
    let ImportCommand::Leads { database, file, refused, json } = args.command;
    let database = database.path(&context.environment)?;
    let from = (file != Path::new("-")).then_some(file);
    let input: Box<dyn BufRead> = match &from {
        Some(file) => Box::new(BufReader::new(open(file)?)),
        None => Box::new(io::stdin().lock()),
    };
    let refused = refused.unwrap_or_else(|| beside(from.as_deref()));
    let import = Import { actor: Context::actor(), refused, from };
    let mut progress = output::Progress::new("rows");
    let done = import.run(&database, &context.clock, input, &mut |rows| progress.at(rows));
    drop(progress);
    let done = done.map_err(|e| tell_file(e, import.from.as_deref()))?;
    if json {
        output::json(&done)?;
    } else {
        output::eprint_line(&summary(&done));
    }
    if done.refused + done.erased > 0 {
        output::eprint_line(&format!("{} says which rows, and why.", import.refused.display()));
    }
    if done.refused > 0 {
        let count = done.refused;
        return Err(CliError::Failed(format!("{count} rows were refused; all others are stored")));
    }
    Ok(())
}

fn open(file: &Path) -> Result<File, CliError> {
    File::open(file)
        .map_err(|e| CliError::Failed(format!("{} cannot be read: {e}", file.display())))
}

/// Where refused rows are told unless asked otherwise.
fn beside(from: Option<&Path>) -> PathBuf {
    let mut name = from.unwrap_or(Path::new("fastcore-import")).as_os_str().to_owned();
    name.push(".refused.csv");
    name.into()
}

/// ImportCommand is wrong with the file, said with its name.
fn tell_file(error: ImportError, from: Option<&Path>) -> CliError {
    match error {
        ImportError::Empty | ImportError::Missing(_) | ImportError::Repeated(_) => {
            let name = from.map_or("standard input".into(), |from| from.to_string_lossy());
            CliError::Failed(format!("{name}: {error}"))
        }
        other => other.into(),
    }
}

fn summary(done: &Imported) -> String {
    let Imported { rows, imported, present, erased, refused, unknown_columns } = done;
    let mut text = format!("{rows} rows: {imported} imported, {present} there already");
    if *erased > 0 {
        text.push_str(&format!(", {erased} erased here"));
    }
    text.push_str(&format!(", {refused} refused"));
    if *unknown_columns > 0 {
        text.push_str(&format!("; {unknown_columns} columns are not a lead's and were left out"));
    }
    text
}
