//! `fastcore migrate` and `fastcore migrate status`.

use std::fmt::Write as _;

use crate::app::migrate;
use crate::cli::error::CliError;
use crate::cli::{Context, DatabaseArg, output};
use crate::store::db::lock::ServerLock;

/// Applies pending migrations, or lists them
///
/// Makes the database where there is none. One that has rows is first copied beside itself, and
/// the copy checked. `serve` does the same when it starts.
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
    /// Lists every migration that this binary knows and when the database got it
    Status {
        #[command(flatten)]
        database: DatabaseArg,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    match &args.command {
        Some(MigrateCommand::Status { database, json }) => status(context, database, *json),
        None => apply(context, &args.database),
    }
}

fn apply(context: &Context, database: &DatabaseArg) -> Result<(), CliError> {
    let path = database.path(&context.environment)?;
    let lock = ServerLock::take(&path)?;
    let prepared = migrate::prepare(&path, &context.clock, &Context::actor(), &lock)?;
    let (done, shown) = (prepared.migrated, path.display());
    if let Some(copy) = &done.copy {
        output::eprint_line(&format!("The database as it was is kept in {}.", copy.display()));
    }
    output::eprint_line(&if prepared.created {
        format!("Made {shown} at version {}.", done.to)
    } else if done.from == done.to {
        format!("{shown} is at version {}; nothing is pending.", done.to)
    } else {
        format!("MigrationSummary {shown} from version {} to {}.", done.from, done.to)
    });
    Ok(())
}

fn status(context: &Context, database: &DatabaseArg, json: bool) -> Result<(), CliError> {
    let steps = migrate::status(&database.path(&context.environment)?)?;
    if json {
        return output::json(&steps);
    }
    let mut text = String::new();
    for step in &steps {
        let when = step.applied_on.as_deref().unwrap_or("pending");
        let _ = writeln!(text, "V{:<3} {:<24} {when}", step.version, step.name);
    }
    output::data(text.as_bytes())
}
