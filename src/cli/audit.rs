//! `fastcore audit list`, `verify` and `head`.

use std::fmt::Write as _;

use crate::app::audit;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::domain::hash_chain::ChainPosition;
use crate::domain::recorded::Recorded;

/// Lists or verifies the audit log, or prints its head
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AuditCommand {
    /// Lists the newest rows, newest first
    ///
    /// Example: fastcore audit list --event LEAD_CONFLICT
    List {
        #[command(flatten)]
        database: DatabaseArg,
        /// Only this event, such as LEAD_RECEIVED
        #[arg(long)]
        event: Option<String>,
        /// Only this lead, by its id
        #[arg(long, value_name = "ID")]
        lead: Option<String>,
        /// Number of rows, at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Verifies the hash chain, the sequence, the schema, and every lead against its digest
    ///
    /// Only reads, while a server runs or on a copy. Exits with 4 and names the first invalid row
    /// when something is wrong. With receipts that were kept elsewhere (the site's log, the
    /// journal), it also verifies that nothing was rewritten or cut off since. `fastcore check`
    /// checks the rest of the file.
    ///
    /// Example: fastcore audit verify --receipt 1204:5be6…
    Verify {
        #[command(flatten)]
        database: DatabaseArg,
        /// A receipt from an answer or from `audit head`; may be given several times
        #[arg(long = "receipt", value_name = "SEQ:HASH", value_parser = receipt)]
        receipts: Vec<ChainPosition>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints the number and hash of the last row as SEQ:HASH
    ///
    /// Kept on another machine, it is a receipt for all rows up to it.
    Head {
        #[command(flatten)]
        database: DatabaseArg,
    },
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    match args.command {
        AuditCommand::List { database, event, lead, limit, json } => {
            let path = database.path(&context.environment)?;
            let event = event.as_deref().map(Recorded::parse);
            let rows = audit::list(&path, event, lead, limit)?;
            if json {
                return output::json(&rows);
            }
            let mut text = String::new();
            for row in rows {
                let lead = row.lead_id.as_deref().unwrap_or("-");
                let actor = row.actor.as_deref().unwrap_or("-");
                let details = row.details_json.as_deref().unwrap_or("");
                let line = format!(
                    "{:>8}  {}  {:<16} {actor:<12} {lead:<36}  {details}",
                    row.seq, row.created_at_utc, row.event
                );
                let _ = writeln!(text, "{}", output::one_line(line.trim_end()));
            }
            output::data(text.as_bytes())
        }
        AuditCommand::Verify { database, receipts, json } => {
            verify(context, &database, &receipts, json)
        }
        AuditCommand::Head { database } => {
            match audit::head(&database.path(&context.environment)?)? {
                Some(head) => output::data(format!("{head}\n").as_bytes()),
                None => Err(CliError::Failed("the audit log is empty and has no head".to_owned())),
            }
        }
    }
}

fn verify(
    context: &CommandContext,
    database: &DatabaseArg,
    receipts: &[ChainPosition],
    json: bool,
) -> Result<(), CliError> {
    let path = database.path(&context.environment)?;
    let mut progress = output::Progress::new("audit rows");
    let report = audit::verify(&path, receipts, &mut |rows| progress.at(rows))?;
    drop(progress);
    output::report(&report, json, |head| {
        let (rows, leads, receipts) = (report.audit_rows, report.leads, receipts.len());
        format!("audit rows: {rows}, leads: {leads}, receipts: {receipts}, head: {head}")
    })?;
    if report.valid {
        return Ok(());
    }
    let count = report.finding_count;
    Err(CliError::Broken(format!("the audit log is invalid: {count} findings")))
}

fn receipt(text: &str) -> Result<ChainPosition, String> {
    ChainPosition::parse(text)
        .ok_or_else(|| "a receipt is a number, a colon and 64 hexadecimal digits".to_owned())
}
