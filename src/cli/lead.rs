//! `fastcore lead list`, `show` and `set-status`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::leads;
use crate::app::leads::{LeadDetail, RebuiltTables};
use crate::cli::error::CliError;
use crate::cli::export::{FilterArgs, status};
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::domain::filter::LeadOrder;
use crate::domain::lead::status::LeadStatus;
use crate::domain::lead::{Lead, LeadService, LeadView};
use crate::domain::text::Personal;

/// Lists leads, shows one, or sets its status
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: LeadCommand,
}

#[derive(Debug, clap::Subcommand)]
enum LeadCommand {
    /// Lists the newest leads, newest first, or the oldest
    ///
    /// Example: fastcore lead list --status received --query compresseur
    List {
        #[command(flatten)]
        database: DatabaseArg,
        #[command(flatten)]
        filter: FilterArgs,
        /// Begin with the oldest lead
        #[arg(long)]
        oldest_first: bool,
        /// Number of leads, at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows one lead with its audit rows
    Show {
        #[command(flatten)]
        database: DatabaseArg,
        /// The lead's id, or its request_id
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Sets the status of a lead; the audit log records every change
    ///
    /// Example: fastcore lead set-status 0198a6f2-… processing
    SetStatus {
        #[command(flatten)]
        database: DatabaseArg,
        /// The lead's id, or its request_id
        id: String,
        /// received, processing, resolved or archived
        #[arg(value_parser = status)]
        status: LeadStatus,
    },
    /// Rebuilds the tables of current statuses, and of who opened a lead, from the audit log
    ///
    /// The tables only make filters fast: the audit log decides. `audit verify` reports differences.
    RebuildStatus {
        #[command(flatten)]
        database: DatabaseArg,
    },
    /// Empties the search index; the server builds it again from the leads
    ///
    /// For an index that `check` finds damaged. Searches find every lead meanwhile, more slowly.
    RebuildIndex {
        #[command(flatten)]
        database: DatabaseArg,
    },
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    match args.command {
        LeadCommand::List { database, filter, oldest_first, limit, json } => {
            let path = database.path(&context.environment)?;
            let order = if oldest_first { LeadOrder::OldestFirst } else { LeadOrder::NewestFirst };
            let filter = filter.filter();
            let leads = leads::list(&path, &filter, order, limit)?;
            if leads.is_empty() {
                output::suggestion(leads::suggestion(&path, &filter)?);
            }
            if json {
                return output::json(&leads.iter().map(as_json).collect::<Vec<_>>());
            }
            output::data(leads.iter().map(line).collect::<String>().as_bytes())
        }
        LeadCommand::Show { database, id, json } => {
            let path = database.path(&context.environment)?;
            let detail =
                leads::show(&path, &id.to_ascii_lowercase())?.ok_or_else(|| unknown(&id))?;
            if json {
                return output::json(&detail_as_json(&detail));
            }
            output::data(detail_as_text(&detail).as_bytes())
        }
        LeadCommand::SetStatus { database, id, status } => {
            let path = database.path(&context.environment)?;
            let id = id.to_ascii_lowercase();
            let change =
                leads::set_status(&path, &context.clock, &id, status, &CommandContext::actor())?
                    .ok_or_else(|| unknown(&id))?;
            output::eprint_line(&if change.from == change.to {
                format!("{id} is already {}; nothing was changed.", change.to)
            } else {
                format!("{id}: {} → {}", change.from, change.to)
            });
            Ok(())
        }
        LeadCommand::RebuildIndex { database } => {
            leads::rebuild_index(&database.path(&context.environment)?, &context.clock)?;
            output::eprint_line(
                "Emptied; the server builds it again within some seconds or minutes.",
            );
            Ok(())
        }
        LeadCommand::RebuildStatus { database } => {
            let path = database.path(&context.environment)?;
            let RebuiltTables { changed, opened } = leads::rebuild_status(&path, &context.clock)?;
            output::eprint_line(&format!(
                "Rebuilt; {changed} leads have another status than at their arrival, and {opened} were opened."
            ));
            Ok(())
        }
    }
}

fn unknown(id: &str) -> CliError {
    CliError::Failed(format!("no lead has the id or request_id {}", output::one_line(id)))
}

fn line(lead: &Lead) -> String {
    let cells = [
        lead.created_at_utc.to_datetime().format("%Y-%m-%d %H:%M").to_string(),
        lead.id.clone(),
        format!("{:<10}", lead.status),
        format!("{:<12}", lead.service.map_or("-", LeadService::as_str)),
        lead.name.as_str().to_owned(),
        lead.company.as_ref().map(|c| format!("({})", c.as_str())).unwrap_or_default(),
    ];
    let mut line = output::one_line(cells.join("  ").trim_end());
    line.push('\n');
    line
}

fn as_json(lead: &Lead) -> Value {
    let maybe = |text: &Option<Personal>| text.as_ref().map(|t| t.as_str().to_owned());
    let meta: Value =
        lead.meta_json.as_deref().and_then(|m| serde_json::from_str(m).ok()).unwrap_or_default();
    json!({
        "id": lead.id,
        "created_at_utc": lead.created_at_utc,
        "status": lead.status,
        "first_view": lead.views.as_ref().map(|views| view_as_json(&views.first)),
        "last_view": lead.views.as_ref().map(|views| view_as_json(&views.last)),
        "name": lead.name.as_str(),
        "email": lead.email.as_str(),
        "phone": maybe(&lead.phone),
        "company": maybe(&lead.company),
        "service": lead.service,
        "message": lead.message.as_str(),
        "consent": lead.consent,
        "source": lead.source,
        "request_id": lead.request_id,
        "ip_hash": lead.ip_hash,
        "meta": meta,
    })
}

fn view_as_json(view: &LeadView) -> Value {
    json!({ "by": view.actor, "at_utc": view.at_utc })
}

fn detail_as_json(detail: &LeadDetail) -> Value {
    let mut value = as_json(&detail.lead);
    value["receipt"] = json!(detail.receipt.map(|r| r.to_string()));
    value["digest_valid"] = json!(detail.digest_valid);
    value["timeline"] = json!(detail.timeline);
    value
}

fn detail_as_text(detail: &LeadDetail) -> String {
    let lead = &detail.lead;
    let personal = |text: &Option<Personal>| text.as_ref().map(|t| t.as_str().to_owned());
    let fields = [
        ("id", Some(lead.id.clone())),
        ("received", Some(lead.created_at_utc.to_string())),
        ("status", Some(lead.status.to_string())),
        ("name", Some(lead.name.as_str().to_owned())),
        ("e-mail", Some(lead.email.as_str().to_owned())),
        ("phone", personal(&lead.phone)),
        ("company", personal(&lead.company)),
        ("service", lead.service.map(|s| s.to_string())),
        ("consent", Some(if lead.consent { "yes" } else { "no" }.to_owned())),
        ("source", Some(lead.source.clone())),
        ("request_id", Some(lead.request_id.clone())),
        ("ip_hash", Some(lead.ip_hash.clone())),
        ("meta", lead.meta_json.clone()),
        ("receipt", detail.receipt.map(|r| r.to_string())),
        ("digest", Some(if detail.digest_valid { "valid" } else { "INVALID" }.to_owned())),
    ];
    let mut text = String::new();
    for (name, value) in fields {
        let value = value.as_deref().unwrap_or("-");
        let _ = writeln!(text, "{name:<12}{}", output::one_line(value));
    }
    let _ = writeln!(text, "\n{}\n", output::visible(lead.message.as_str()));
    for row in &detail.timeline {
        let actor = row.actor.as_deref().unwrap_or("-");
        let line = format!("{:>8}  {}  {:<16} {actor}", row.seq, row.created_at_utc, row.event);
        let _ = writeln!(text, "{}", output::one_line(&line));
    }
    text
}
