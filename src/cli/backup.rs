//! `fastcore backup create` and `backup verify`.

use std::io;
use std::path::{Path, PathBuf};

use crate::app::backup;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output, signals};
use crate::store::backup::verify::verify_backup;
use crate::store::privacy::ledger;

/// Creates and verifies backups
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: BackupCommand,
}

#[derive(Debug, clap::Subcommand)]
enum BackupCommand {
    /// Creates a backup, while a server runs or without one
    ///
    /// The state of one moment in one SQLite file (mode 0600) with a checksum trailer. It is written
    /// to a temporary file, verified as by `audit verify`, flushed and then renamed. An older
    /// backup of that name is replaced, any other file is refused.
    ///
    /// The erasure ledger in its folder, named like fastcore.db.erased, is completed: `restore` erases
    /// from an older backup what was erased since. Copy it wherever you copy the backups, and also where
    /// a backup to standard output goes.
    ///
    /// Example: fastcore backup create /backup/fastcore.db
    Create {
        #[command(flatten)]
        database: DatabaseArg,
        /// The file, or - for standard output
        #[arg(value_name = "DEST")]
        target: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Verifies a backup: complete, unchanged, valid, and of a version that this binary supports
    ///
    /// Exits with 4 and the reason when it is incomplete, changed or invalid.
    Verify {
        /// The backup
        file: PathBuf,
        /// Accept a copy without a checksum trailer: its rows, chain and structure are verified, but
        /// not the parts that no row uses
        #[arg(long)]
        no_checksum: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    match args.command {
        BackupCommand::Create { database, target, json } => {
            let path = database.path(&context.environment)?;
            create(context, &path, &target, json)
        }
        BackupCommand::Verify { file, no_checksum, json } => verify(&file, no_checksum, json),
    }
}

fn create(
    context: &CommandContext,
    path: &Path,
    target: &Path,
    json: bool,
) -> Result<(), CliError> {
    let (clock, actor) = (&context.clock, CommandContext::actor());
    let stop = signals::cancel_flag()?;
    let mut progress = output::Progress::new("pages copied");
    let tell = &mut |what, count| progress.of(what, count);
    let streamed = target == Path::new("-");
    let taken = if streamed {
        backup::stream(path, clock, &mut io::stdout().lock(), &stop, &actor, tell)?
    } else {
        backup::create(path, clock, target, &stop, &actor, tell)?
    };
    drop(progress);
    if json && !streamed {
        output::json(&taken)?;
        return ledger_result(taken.ledger_error);
    }
    let (rows, leads, sha256) = (taken.audit_rows, taken.leads, &taken.sha256);
    let head = taken.head.as_deref().unwrap_or("empty");
    output::eprint_line(&format!(
        "Backup of {leads} leads and {rows} audit rows, verified; head {head}; SHA-256 {sha256}"
    ));
    let ledger = ledger::path(path);
    if streamed && ledger.exists() {
        output::eprint_line(&format!("Copy the erasure ledger as well: {}", ledger.display()));
    }
    ledger_result(taken.ledger_error)
}

/// Fails if the ledger in the folder of a backup could not be completed.
fn ledger_result(error: Option<String>) -> Result<(), CliError> {
    let failed = |error| {
        format!(
            "the backup was taken, but the erasure ledger next to it could not be completed, so that older \
             backups restored on another machine could contain erased leads: {error}"
        )
    };
    error.map_or(Ok(()), |error| Err(CliError::Failed(failed(error))))
}

fn verify(file: &Path, no_checksum: bool, json: bool) -> Result<(), CliError> {
    let mut progress = output::Progress::new("MB read");
    let report = verify_backup(file, no_checksum, &mut |what, count| progress.of(what, count))?;
    drop(progress);
    let limits = if no_checksum { "; parts that no row uses are not verified" } else { "" };
    output::report(&report, json, |head| {
        let (rows, leads) = (report.audit_rows, report.leads);
        format!("audit rows: {rows}, leads: {leads}, head: {head}{limits}")
    })?;
    if report.valid {
        return Ok(());
    }
    Err(CliError::Broken(format!("the backup is invalid: {} findings", report.finding_count)))
}
