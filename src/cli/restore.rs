//! `fastcore restore`.

use crate::store::backup::restore;
use std::path::PathBuf;

use crate::cli::error::CliError;
use crate::cli::{Context, DatabaseArg, output};
use crate::store::db::lock::ServerLock;

/// Puts a backup back
///
/// Stop the server first; while anything has the database open, nothing is done and the exit
/// status is 5. The backup is proved as `backup verify` does, brought to this binary's version,
/// and every lead in the ledger of erasures is erased from it again. Then it takes the database's
/// place in one step; the old files are kept beside it. Cut off at any moment, the old database
/// or the new one is there, whole.
///
/// Example: fastcore restore /backup/fastcore.db
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArg,
    /// The backup
    file: PathBuf,
    /// Take a copy that another tool made, which has no end mark
    #[arg(long)]
    no_checksum: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let path = args.database.path(&context.environment)?;
    let lock = ServerLock::take(&path)?;
    let (clock, actor) = (&context.clock, Context::actor());
    let mut progress = output::Progress::new("MB read");
    let tell = &mut |what, count| progress.of(what, count);
    let done = restore::restore(&args.file, &path, args.no_checksum, clock, &actor, &lock, tell)?;
    drop(progress);
    if args.json {
        return output::json(&done);
    }
    let head = done.head.as_deref().unwrap_or("empty");
    let (leads, rows) = (done.leads, done.audit_rows);
    output::eprint_line(&format!(
        "RestoreSummary {leads} leads and {rows} audit rows; the backup's head is {head}."
    ));
    if done.erased_again > 0 {
        output::eprint_line(&format!("Erased again, by the ledger: {} leads.", done.erased_again));
    }
    for file in &done.kept {
        output::eprint_line(&format!("The old file is kept in {}.", file.display()));
    }
    if let Some(replaced) = &done.replaced_head {
        output::eprint_line(&format!(
            "The log went on to {replaced} before. What came behind the backup is not in this \
             database: its leads are in the old file, its receipts and heads do not hold here."
        ));
    }
    Ok(())
}
