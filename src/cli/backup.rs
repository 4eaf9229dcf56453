//! `fastcore backup create` and `backup verify`.

use std::io;
use std::path::{Path, PathBuf};

use crate::app::backup;
use crate::cli::error::CliError;
use crate::cli::{Context, DatabaseArg, output};
use crate::store::backup::progress::CancelFlag;
use crate::store::backup::verify::verify_backup;

/// Makes backups and proves them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: BackupCommand,
}

#[derive(Debug, clap::Subcommand)]
enum BackupCommand {
    /// Makes a backup, beside a running server or without one
    ///
    /// One moment's state in one SQLite file (mode 0600) with an end mark. It is written beside its
    /// place, checked as `audit verify` checks, flushed, and only then put there; an older backup
    /// of that name is replaced, any other file is refused.
    ///
    /// Example: fastcore backup create /backup/fastcore.db
    Create {
        #[command(flatten)]
        database: DatabaseArg,
        /// The file, or - for standard output
        #[arg(value_name = "DEST")]
        target: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Proves a backup: whole to the last bit, valid, and of a version that this binary knows
    ///
    /// Exits with 4 and the reason when it is cut short, altered or broken.
    Verify {
        /// The backup
        file: PathBuf,
        /// Take a copy that another tool made: rows, chain and structure are proved, but not what
        /// no row uses
        #[arg(long)]
        no_checksum: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(context: &Context, args: Args) -> Result<(), CliError> {
    match args.command {
        BackupCommand::Create { database, target, json } => {
            let path = database.path(&context.environment)?;
            create(context, &path, &target, json)
        }
        BackupCommand::Verify { file, no_checksum, json } => verify(&file, no_checksum, json),
    }
}

fn create(context: &Context, path: &Path, target: &Path, json: bool) -> Result<(), CliError> {
    let (clock, actor) = (&context.clock, Context::actor());
    let stop = CancelFlag::default();
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
        return output::json(&taken);
    }
    let (rows, leads, sha256) = (taken.audit_rows, taken.leads, &taken.sha256);
    let head = taken.head.as_deref().unwrap_or("empty");
    output::eprint_line(&format!(
        "Backup of {leads} leads and {rows} audit rows, checked; head {head}; SHA-256 {sha256}"
    ));
    Ok(())
}

fn verify(file: &Path, no_checksum: bool, json: bool) -> Result<(), CliError> {
    let mut progress = output::Progress::new("MB read");
    let report = verify_backup(file, no_checksum, &mut |what, count| progress.of(what, count))?;
    drop(progress);
    let proved = if no_checksum { "; what no row uses is not proved" } else { "" };
    output::report(&report, json, |head| {
        let (rows, leads) = (report.audit_rows, report.leads);
        format!("audit rows: {rows}, leads: {leads}, head: {head}{proved}")
    })?;
    if report.valid {
        return Ok(());
    }
    Err(CliError::Broken(format!("the backup is broken: {} findings", report.finding_count)))
}
