//! `fastcore reconcile`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::app::reconcile;
use crate::app::reconcile::{ReconcileError, Reconciled};
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};

/// Prints the request_ids of a list that are not stored
///
/// Finds leads that were lost on the way. The list has one request_id per line, for example from the
/// site's log. Erased leads are not missing. Exits with 0 when none is missing, and with 1 when
/// one is, or when a line is not a request_id.
///
/// Example: fastcore reconcile --ids sent.txt > lost.txt
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArg,
    /// The list; `-` for standard input
    #[arg(long, value_name = "FILE")]
    ids: PathBuf,
    /// Print the missing ones and the counts as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(context: &CommandContext, args: &Args) -> Result<(), CliError> {
    let database = args.database.path(&context.environment)?;
    let input: Box<dyn BufRead> = if args.ids == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.ids)
            .map_err(|e| CliError::Failed(format!("{} cannot be read: {e}", args.ids.display())))?;
        Box::new(BufReader::new(file))
    };
    let mut list = List::new(args.json);
    let mut progress = output::Progress::new("ids");
    let done =
        reconcile::run(&database, input, &mut |id| list.add(id), &mut |ids| progress.at(ids));
    drop(progress);
    let done = match done {
        // The reader has closed its end after a missing one.
        Err(ReconcileError::Io(e)) if e.kind() == ErrorKind::BrokenPipe => {
            return Err(CliError::Failed("at least one is missing".to_owned()));
        }
        done => done?,
    };
    list.end(&done)?;
    for line in &done.invalid_lines {
        output::eprint_line(&format!("line {line}: not a UUID with hyphens"));
    }
    let Reconciled { ids, stored, erased, missing, invalid, .. } = done;
    let counts = format!(
        "{ids} ids: {stored} stored, {erased} erased since, {missing} missing; \
         {invalid} lines are not ids"
    );
    if missing + invalid > 0 {
        return Err(CliError::Failed(counts));
    }
    output::eprint_line(&counts);
    Ok(())
}

/// Writes the missing ids to standard output as they are found.
struct List {
    out: BufWriter<io::Stdout>,
    json: bool,
    any: bool,
}

impl List {
    fn new(json: bool) -> Self {
        Self { out: BufWriter::new(io::stdout()), json, any: false }
    }

    fn add(&mut self, id: impl std::fmt::Display) -> io::Result<()> {
        let first = !std::mem::replace(&mut self.any, true);
        match (self.json, first) {
            (false, _) => writeln!(self.out, "{id}"),
            (true, true) => write!(self.out, "{{\"missing_ids\":[\"{id}\""),
            (true, false) => write!(self.out, ",\"{id}\""),
        }
    }

    /// In JSON, the counts follow the ids, which may be too many for the memory.
    fn end(&mut self, done: &Reconciled) -> Result<(), CliError> {
        if self.json {
            let counts = serde_json::to_string(done).map_err(io::Error::from)?;
            let begun = if self.any { "" } else { "{\"missing_ids\":[" };
            writeln!(self.out, "{begun}],{}", counts.trim_start_matches('{'))?;
        }
        match self.out.flush() {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
            done => Ok(done?),
        }
    }
}
