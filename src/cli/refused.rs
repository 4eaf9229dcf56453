//! `fastcore refused list`, `show`, `retry`, `export` and `purge`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use clap::ArgGroup;
use clap::builder::PossibleValuesParser;

use crate::app::export::format::ExportFormat;
use crate::app::export::sheet::SheetColumns;
use crate::app::export::{Export, ExportSource};
use crate::app::refused::handling::{self, Retried};
use crate::app::refused::record;
use crate::app::status::server_settings;
use crate::cli::error::CliError;
use crate::cli::gdpr::erase::complete_backup_ledger;
use crate::cli::{CommandContext, DatabaseArg, output, parse_age};
use crate::domain::field_error::{FieldError, field_path};
use crate::domain::lead::parse::valid_fields;
use crate::domain::refused::edit::FieldChange;
use crate::domain::refused::{contacts, decode};
use crate::store::db::wipe;
use crate::store::refused::purge::PurgeSelection;
use crate::store::refused::query::RefusedEntry;

/// Lists refused submissions, shows, retries, exports or removes them
///
/// What comes with the site's token and is refused (not JSON, another media type, not a valid lead) is kept for
/// FASTCORE_REFUSED_RETENTION, so that a fault in the site loses nobody.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: RefusedCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RefusedCommand {
    /// Lists refused submissions, newest first
    ///
    /// Example: fastcore refused list
    List {
        #[command(flatten)]
        database: DatabaseArg,
        /// Those that have become leads as well
        #[arg(long)]
        all: bool,
        /// Number of submissions, at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows one: what is wrong, what can be read of it, and its body
    ///
    /// Example: fastcore refused show 019b8a20-0000-7000-8000-000000000001
    Show {
        #[command(flatten)]
        database: DatabaseArg,
        /// The id, as `refused list` prints it
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Submits one again under today's rules, as the site would: it becomes a lead if it is valid now
    ///
    /// Fields can be set first; what else is in it stays as it was sent. `--set meta.timestamp_utc=now` sets the
    /// present time, `--set meta.request_id=new` a new id. Exits with 1 if one of them is still refused.
    ///
    /// Example: fastcore refused retry --all --set meta.timestamp_utc=now
    Retry {
        #[command(flatten)]
        database: DatabaseArg,
        /// The id, as `refused list` prints it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All that are no lead yet, the oldest first
        #[arg(long)]
        all: bool,
        /// Set a field of each
        #[arg(long, value_name = "FIELD=VALUE", value_parser = FieldChange::parse)]
        set: Vec<FieldChange>,
    },
    /// Exports all refused submissions, also those that have become leads
    ///
    /// Records LEADS_EXPORTED in the audit log.
    ///
    /// Example: fastcore refused export --format xlsx -o refused.xlsx
    Export {
        #[command(flatten)]
        database: DatabaseArg,
        /// jsonl is exact; xlsx has of each body what fits into a cell
        #[arg(long, value_parser = PossibleValuesParser::new(["jsonl", "xlsx"]), default_value = "jsonl")]
        format: String,
        /// The file, written whole or not at all
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Removes refused submissions for good
    ///
    /// Nothing of them stays in the database's files. Asks first.
    ///
    /// Example: fastcore refused purge --settled
    #[command(group = ArgGroup::new("which").required(true).args(["id", "older_than", "settled", "all"]))]
    Purge {
        #[command(flatten)]
        database: DatabaseArg,
        /// The id, as `refused list` prints it
        id: Option<String>,
        /// Those that arrived last longer ago than this, such as 7d
        #[arg(long, value_name = "AGE", value_parser = |text: &str| parse_age(text, "7d"))]
        older_than: Option<TimeDelta>,
        /// Those that have become leads
        #[arg(long)]
        settled: bool,
        /// All of them
        #[arg(long)]
        all: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    match args.command {
        RefusedCommand::List { database, all, limit, json } => {
            let path = database.path(&context.environment)?;
            let (entries, totals) = handling::list(&path, all, limit)?;
            if json {
                let listed = entries.iter().map(record::without_body).collect::<Vec<_>>();
                return output::json(&listed);
            }
            output::data(entries.iter().map(line).collect::<String>().as_bytes())?;
            output::eprint_line(&format!(
                "kept: {}, of which no lead yet: {}; not kept: {} over the budget, {} too large, {} for want of room",
                totals.kept_rows,
                totals.open_rows,
                totals.over_budget,
                totals.too_large,
                totals.evicted
            ));
            Ok(())
        }
        RefusedCommand::Show { database, id, json } => {
            let path = database.path(&context.environment)?;
            let found = handling::show(&path, &id.to_ascii_lowercase())?;
            let (entry, body) = found.ok_or_else(|| unknown(&id))?;
            if json {
                return output::json(&record::as_json(&entry, &body));
            }
            output::data(as_text(&entry, &body).as_bytes())
        }
        RefusedCommand::Retry { database, id, all: _, set } => {
            let path = database.path(&context.environment)?;
            retry(context, &path, id.map(|id| id.to_ascii_lowercase()), &set)
        }
        RefusedCommand::Export { database, format, output: to } => {
            let path = database.path(&context.environment)?;
            let format = match format.as_str() {
                "xlsx" => ExportFormat::Xlsx(SheetColumns::Full),
                _ => ExportFormat::Jsonl,
            };
            let actor = CommandContext::actor();
            let export = Export { source: ExportSource::Refused, format, actor };
            let reserve = context.disk_reserve(server_settings::read(&path))?;
            let mut progress = output::Progress::new("rows");
            let report = &mut |rows| progress.at(rows);
            let done = export.to_file(&path, reserve, &context.clock, &to, report)?;
            drop(progress);
            output::eprint_line(&format!("{} rows, SHA-256 {}", done.rows, done.sha256));
            Ok(())
        }
        RefusedCommand::Purge { database, id, older_than, settled, all: _, yes } => {
            let path = database.path(&context.environment)?;
            let selection = match (id, older_than) {
                (Some(id), _) => PurgeSelection::One(id.to_ascii_lowercase()),
                (None, Some(age)) => handling::older_than(&context.clock, age),
                (None, None) if settled => PurgeSelection::Settled,
                (None, None) => PurgeSelection::All,
            };
            purge(context, &path, &selection, yes)
        }
    }
}

fn unknown(id: &str) -> CliError {
    CliError::Failed(format!("no refused submission has the id {}", output::one_line(id)))
}

fn retry(
    context: &CommandContext,
    path: &Path,
    id: Option<String>,
    set: &[FieldChange],
) -> Result<(), CliError> {
    let ids = match id {
        Some(id) => vec![id],
        None => {
            let (open, _) = handling::list(path, false, usize::MAX)?;
            open.into_iter().rev().map(|entry| entry.id).collect()
        }
    };
    let (mut failed, actor) = (0, CommandContext::actor());
    for id in &ids {
        let retried = handling::retry(path, &context.clock, id, set, &actor)?;
        if let (Retried::Gone, [only]) = (&retried, ids.as_slice()) {
            return Err(unknown(only));
        }
        let (is_lead, said) = outcome(&retried);
        failed += usize::from(!is_lead);
        let line = format!("{}  {said}\n", output::one_line(id));
        output::data(line.as_bytes())?;
    }
    if failed > 0 {
        return Err(CliError::Failed(format!("{failed} of {} are still refused", ids.len())));
    }
    Ok(())
}

/// Whether it is a lead, and what is said of it.
fn outcome(retried: &Retried) -> (bool, String) {
    match retried {
        Retried::Created(lead) => (true, format!("is the lead {lead}")),
        Retried::Known(lead) => (true, format!("is stored already as the lead {lead}")),
        Retried::Settled(lead) => (true, format!("has become the lead {lead} before")),
        Retried::Refused(errors) => {
            let faults: Vec<String> = errors.iter().map(fault).collect();
            (false, format!("still refused: {}", output::one_line(&faults.join("; "))))
        }
        Retried::NotJson(detail) => (false, format!("still refused: {detail}")),
        Retried::NotAnObject => {
            (false, "still refused: it is no JSON object, so no field can be set".to_owned())
        }
        Retried::Conflict(fields) => {
            let fields = fields.join(", ");
            (
                false,
                format!(
                    "its request_id is stored with other content in: {fields}; --set meta.request_id=new stores it as another lead"
                ),
            )
        }
        Retried::Erased => (false, "its request_id belonged to a lead that was erased".to_owned()),
        Retried::Gone => (false, "is not kept any more".to_owned()),
    }
}

fn fault(error: &FieldError) -> String {
    format!("{}: {}", field_path(&error.loc), error.msg)
}

fn purge(
    context: &CommandContext,
    path: &Path,
    selection: &PurgeSelection,
    yes: bool,
) -> Result<(), CliError> {
    let count = handling::count(path, selection)?;
    if count == 0 {
        return match selection {
            PurgeSelection::One(id) => Err(unknown(id)),
            _ => {
                output::eprint_line("Removed 0 refused submissions.");
                Ok(())
            }
        };
    }
    if !yes {
        output::confirm(&format!("Remove {count} refused submissions for good?"))?;
    }
    let removed = handling::purge(path, &context.clock, selection, &CommandContext::actor())?;
    let mut progress = output::Progress::new("pages read");
    let is_wiped = wipe::wipe_deleted(path, &mut |pages| progress.at(pages))?;
    drop(progress);
    complete_backup_ledger(context, path);
    let later = if is_wiped { "" } else { " A running server overwrites the last copies." };
    output::eprint_line(&format!("Removed {removed} refused submissions.{later}"));
    Ok(())
}

fn line(entry: &RefusedEntry) -> String {
    let faults = record::fault_lines(entry);
    let more = faults.len().saturating_sub(1);
    let more = if more > 0 { format!(" (+{more})") } else { String::new() };
    let cells = [
        entry.received_at_utc.to_datetime().format("%Y-%m-%d %H:%M").to_string(),
        entry.id.clone(),
        entry.status_code.to_string(),
        format!("{:>3}×", entry.times),
        if entry.settled_at_utc.is_some() { "settled" } else { "       " }.to_owned(),
        format!("{}{more}", faults.first().map_or("", String::as_str)),
    ];
    let mut line = output::one_line(cells.join("  ").trim_end());
    line.push('\n');
    line
}

fn as_text(entry: &RefusedEntry, body: &[u8]) -> String {
    let settled = entry
        .settled_at_utc
        .map(|at| format!("{at}, lead {}", entry.lead_id.as_deref().unwrap_or("-")));
    let rows = [
        ("id", Some(entry.id.clone())),
        ("received", Some(format!("{}, {} times", entry.received_at_utc, entry.times))),
        ("last", Some(entry.last_at_utc.to_string())),
        ("status", Some(entry.status_code.to_string())),
        ("media type", entry.media_type.clone()),
        ("encoding", entry.content_encoding.clone()),
        ("request_id", entry.request_id.clone()),
        ("settled", settled),
        ("e-mail", Some(contacts::addresses(body).join(", ")).filter(|text| !text.is_empty())),
        ("phone", Some(contacts::numbers(body).join(", ")).filter(|text| !text.is_empty())),
        ("audit row", Some(entry.audit_seq.to_string())),
        ("size", Some(format!("{} bytes", entry.size))),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        let _ = writeln!(text, "{name:<12}{}", output::one_line(value.as_deref().unwrap_or("-")));
    }
    text.push_str("\nWhat is wrong:\n");
    for fault in record::fault_lines(entry) {
        let _ = writeln!(text, "  {}", output::one_line(&fault));
    }
    let valid = valid_fields(body);
    if !valid.is_empty() {
        text.push_str("\nWhat is valid:\n");
    }
    for (field, value) in valid {
        let _ = writeln!(text, "  {field:<22}{}", output::one_line(&value));
    }
    let _ = writeln!(text, "\nThe body as text:\n{}", output::visible(&decode::text(body)));
    text
}
