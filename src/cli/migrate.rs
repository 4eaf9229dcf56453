//! `fastcore migrate` and `fastcore migrate status`.

use std::fmt::Write as _;

use crate::app::migrate;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::store::db::lock::ServerLock;
use crate::store::db::schema::check_file;

/// Applies pending migrations, or lists them
///
/// Creates the database where there is none. A database with rows is copied first, next to itself,
/// and the copy is verified. `serve` does the same at its start.
///
/// Example: fastcore migrate status
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArg,
    #[command(subcommand)]
    command: Option<MigrateCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum MigrateCommand {
    /// Lists all migrations, and when each was applied
    ///
    /// Exits with 1 if the database has one that this binary does not know.
    Status {
        #[command(flatten)]
        database: DatabaseArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(context: &CommandContext, args: &Args) -> Result<(), CliError> {
    match &args.command {
        Some(MigrateCommand::Status { database, json }) => status(context, database, *json),
        None => apply(context, &args.database),
    }
}

fn apply(context: &CommandContext, database: &DatabaseArg) -> Result<(), CliError> {
    let path = database.path(&context.environment)?;
    let lock = ServerLock::take(&path)?;
    let prepared = migrate::prepare(&path, &context.clock, &CommandContext::actor(), &lock)?;
    let (done, shown) = (prepared.migrated, path.display());
    if let Some(copy) = &done.copy {
        output::eprint_line(&format!(
            "A copy of the database before the migration is in {}.",
            copy.display()
        ));
    }
    output::eprint_line(&if prepared.created {
        format!("Created {shown} at version {}.", done.to)
    } else if done.from == done.to {
        format!("{shown} is at version {}; nothing is pending.", done.to)
    } else {
        format!("Migrated {shown} from version {} to {}.", done.from, done.to)
    });
    Ok(())
}

fn status(context: &CommandContext, database: &DatabaseArg, json: bool) -> Result<(), CliError> {
    let path = database.path(&context.environment)?;
    let steps = migrate::status(&path)?;
    if json {
        output::json(&steps)?;
        return Ok(check_file(&path)?);
    }
    let mut text = String::new();
    for step in &steps {
        let when = step.applied_on.as_deref().unwrap_or("pending");
        let unknown = if step.known { "" } else { "  unknown to this binary" };
        let _ = writeln!(text, "V{:<3} {:<24} {when}{unknown}", step.version, step.name);
    }
    output::data(text.as_bytes())?;
    Ok(check_file(&path)?)
}
