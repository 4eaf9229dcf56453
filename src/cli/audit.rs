//! `fastcore audit list`, `verify` and `head`.

use std::fmt::Write as _;

use crate::app::audit;
use crate::cli::error::CliError;
use crate::cli::{Context, DatabaseArg, output};
use crate::domain::hash_chain::ChainPosition;
use crate::domain::recorded::Recorded;

/// Lists the audit log, proves it, or prints its head
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
        /// Only rows of this event, such as LEAD_RECEIVED
        #[arg(long)]
        event: Option<String>,
        /// Only rows of this lead, by its id
        #[arg(long, value_name = "ID")]
        lead: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Proves the chain, the sequence, the schema, and every lead against its digest
    ///
    /// Reads only, beside a running server or on a copy. Exits with 4 and names the first broken
    /// row when something does not hold. With receipts that were kept elsewhere (the site's log,
    /// the journal), it also proves that nothing was rewritten or cut off since. The rest of the file
    /// is for `fastcore check`.
    ///
    /// Example: fastcore audit verify --receipt 1204:5be6…
    Verify {
        #[command(flatten)]
        database: DatabaseArg,
        /// A receipt kept from an answer or from `audit head`; may stand several times
        #[arg(long = "receipt", value_name = "SEQ:HASH", value_parser = receipt)]
        receipts: Vec<ChainPosition>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints the last row's place and hash as SEQ:HASH
    ///
    /// Kept on another machine, it is a receipt for everything up to it.
    Head {
        #[command(flatten)]
        database: DatabaseArg,
    },
}

pub(crate) fn run(context: &Context, args: Args) -> Result<(), CliError> {
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
                None => {
                    Err(CliError::Failed("the audit log is empty: it has no head yet".to_owned()))
                }
            }
        }
    }
}

fn verify(
    context: &Context,
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
    Err(CliError::Broken(format!("the audit log is broken: {count} findings, the first first")))
}

fn receipt(text: &str) -> Result<ChainPosition, String> {
    ChainPosition::parse(text)
        .ok_or_else(|| "a receipt is a number, a colon and 64 hexadecimal digits".to_owned())
}
