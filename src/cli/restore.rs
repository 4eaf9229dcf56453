//! `fastcore restore`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output, signals};
use crate::store::backup::restore::{self, AppliedLedger};
use crate::store::backup::restored_accounts::RestoredAccounts;
use crate::store::db::lock::ServerLock;
use crate::store::paths::{folder_of, resolve_links};
use crate::store::privacy::ledger;

/// Restores a backup
///
/// Stop the server first: while any process has the database open, nothing is done and the exit
/// status is 5. The backup is verified as by `backup verify` and migrated to this binary's version,
/// and every lead in an erasure ledger is erased from it again: that of the database, and every file
/// in the backup's folder whose name ends with .erased. Where none of them is of the backup's
/// database, a warning says so. Sessions end; the accounts of the admin page are those of the database
/// that is replaced, or else those of the backup, which are listed. Then it replaces the database in
/// one step; the old files are kept next to it. Interrupted at any moment, either the old database or the new one is there, complete.
///
/// Example: fastcore restore /backup/fastcore.db
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArg,
    /// The backup
    file: PathBuf,
    /// Accept a copy without a checksum trailer
    #[arg(long)]
    no_checksum: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(context: &CommandContext, args: &Args) -> Result<(), CliError> {
    let path = args.database.path(&context.environment)?;
    let lock = ServerLock::take(&path)?;
    let (clock, actor, stop) = (&context.clock, CommandContext::actor(), signals::cancel_flag()?);
    let mut progress = output::Progress::new("MB read");
    let tell = &mut |what, count| progress.of(what, count);
    let done =
        restore::restore(&args.file, &path, args.no_checksum, clock, &actor, &lock, &stop, tell)?;
    drop(progress);
    if done.is_ledger_missing {
        output::eprint_line(&missing_ledger(&args.file, &path));
    }
    if args.json {
        return output::json(&done);
    }
    let head = done.head.as_deref().unwrap_or("empty");
    let (leads, rows) = (done.leads, done.audit_rows);
    output::eprint_line(&format!(
        "Restored {leads} leads and {rows} audit rows; the backup's head is {head}."
    ));
    for AppliedLedger { file, ids } in &done.ledgers {
        let file = output::one_line(&file.display().to_string());
        output::eprint_line(&format!("Erasure ledger {file}: {ids} leads."));
    }
    if done.erased_again > 0 {
        output::eprint_line(&format!("Erased again: {} leads.", done.erased_again));
    }
    output::eprint_line(&accounts(&done.accounts));
    for file in &done.kept {
        output::eprint_line(&format!("The old file was kept as {}.", file.display()));
    }
    if let Some(replaced) = done.replaced_head.as_ref().filter(|_| done.replaced_head != done.head)
    {
        output::eprint_line(&format!(
            "The replaced audit log ended at {replaced}. Rows after the backup are not in this \
             database: their leads are in the old file, and their receipts are not valid here."
        ));
    }
    Ok(())
}

/// Whose accounts there are, and what to do about them.
fn accounts(accounts: &RestoredAccounts) -> String {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    match accounts {
        RestoredAccounts::ReplacedDatabase { added, removed } => {
            let mut text = "Accounts are those of the replaced database".to_owned();
            for (names, what) in
                [(added, "not in the backup"), (removed, "only in the backup, removed")]
            {
                if !names.is_empty() {
                    text.push_str(&format!("; {what}: {}", list(names)));
                }
            }
            text + ". Everyone has to sign in again."
        }
        RestoredAccounts::Backup { names } if names.is_empty() => {
            "There is no account for the admin page: `fastcore staff add NAME`.".to_owned()
        }
        RestoredAccounts::Backup { names } => format!(
            "Accounts are those of the backup: {}. Remove who has left since: `fastcore staff remove NAME`. \
             Everyone has to sign in again.",
            list(names)
        ),
    }
}

/// What it means that no ledger was found, and what to do.
fn missing_ledger(backup: &Path, database: &Path) -> String {
    let backup = resolve_links(backup);
    let folder = folder_of(&backup);
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let folder = folder.display();
    let name = ledger::path(database);
    let name = name.file_name().unwrap_or_default().display();
    format!(
        "WARNING: no erasure ledger of this backup's database was found, neither next to {} nor in {folder}. \
         Leads that were erased after the backup was taken are stored again. Copy the ledger ({name}) from \
         the folder of the newest backup, or from the old machine, into {folder} and restore again; or erase \
         them again with `fastcore gdpr erase`.",
        database.display()
    )
}
