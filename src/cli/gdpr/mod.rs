//! `fastcore gdpr export`, `erase`, `certificate` and `purge`.

pub(in crate::cli) mod erase;

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use clap::ArgGroup;
use serde_json::json;

use crate::app::privacy;
use crate::app::privacy::SubjectCounts;
use crate::app::privacy::certificate::{Certificate, text};
use crate::app::status::clock_check;
use crate::cli::error::CliError;
use crate::cli::gdpr::erase::{Erase, and_refused, finish, list_near, nothing_found, remains};
use crate::cli::{CommandContext, DatabaseArg, output, parse_age};
use crate::domain::audit::ErasureReason;
use crate::domain::person::PersonKey;
use crate::domain::phone;
use crate::store::privacy::erase::LeadSelector;

/// Exports or erases the data of a person, or erases old leads
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: GdprCommand,
}

#[derive(Debug, clap::Subcommand)]
enum GdprCommand {
    /// Exports all data of a person as JSON
    ///
    /// Their leads, each with its audit rows, and what was refused of theirs. Case and Unicode form of an address do not count, nor how a
    /// telephone number is written; addresses that differ otherwise (accents, dots, +tags) are listed.
    /// Exits with 1 when nothing is stored.
    ///
    /// Example: fastcore gdpr export --email jean@example.com -o jean.json
    #[command(group = ArgGroup::new("whose").required(true).args(["email", "phone"]))]
    Export {
        #[command(flatten)]
        database: DatabaseArg,
        #[command(flatten)]
        person: PersonArgs,
        /// The file, written whole or not at all [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Erases a person's leads, or one lead, for good
    ///
    /// Refused submissions that name the person, or belong to a lead, are erased with the leads.
    /// A person's leads are found as by `gdpr export`; one that has only a similar address is listed and not
    /// erased. Exits with 1 when nothing is found.
    /// Works while a server runs or without one. Nothing of the leads stays in the database's files; where
    /// another process reads them meanwhile, the server removes the last copies as soon as that ends.
    /// The audit log records the erasure and its reason; the erasure ledgers next to the database and in
    /// the folder of the scheduled backups prevent a restored backup from containing them. Asks first.
    /// Interrupted at any moment, it has erased all of them or none; run it again to finish.
    ///
    /// Example: fastcore gdpr erase --email jean@example.com --reason request --certificate jean.txt
    #[command(group = ArgGroup::new("whose").required(true).args(["email", "phone", "lead"]))]
    Erase {
        #[command(flatten)]
        database: DatabaseArg,
        #[command(flatten)]
        person: PersonArgs,
        /// One lead, by its id or request_id
        #[arg(long, value_name = "ID")]
        lead: Option<String>,
        /// request, consent_withdrawn, retention, legal or mistake
        #[arg(long, value_parser = reason)]
        reason: ErasureReason,
        /// Write a certificate of the erasure to a file, which can be sent to the person
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Writes the certificate of an erasure
    ///
    /// Says whether the last copies in unused parts of the database's files are overwritten, or still wait
    /// for another process to end its reading. Leads of one person that were erased together are all in it; one
    /// that was erased for its age, or by a restore, is alone in it.
    ///
    /// Example: fastcore gdpr certificate 019b8a20-0000-7000-8000-000000000001 -o jean.txt
    Certificate {
        #[command(flatten)]
        database: DatabaseArg,
        /// The id or request_id of an erased lead, or the id of a refused submission
        #[arg(value_name = "ID")]
        lead: String,
        /// The file, written whole or not at all [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Erases all leads that are older than a retention period
    ///
    /// By a wrong clock, new leads may look old: it refuses where the newest audit row is more than 31
    /// days old, or later than the clock, unless --clock-is-right.
    ///
    /// Example: fastcore gdpr purge --older-than 1095d --dry-run
    Purge {
        #[command(flatten)]
        database: DatabaseArg,
        /// The age, such as 1095d or 3y
        #[arg(long, value_name = "AGE", value_parser = |text: &str| parse_age(text, "1095d or 3y"))]
        older_than: TimeDelta,
        /// Only count them
        #[arg(long)]
        dry_run: bool,
        /// Erase although the clock is far from the newest audit row
        #[arg(long)]
        clock_is_right: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Whose leads
#[derive(Debug, clap::Args)]
#[group(skip)]
struct PersonArgs {
    /// The person's e-mail address
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    email: Option<String>,
    /// The person's telephone number, of France unless it begins with + or 00
    #[arg(long, value_name = "NUMBER", value_parser = phone)]
    phone: Option<String>,
}

impl PersonArgs {
    fn key(self) -> Option<PersonKey> {
        self.email.map(PersonKey::Email).or(self.phone.map(PersonKey::Phone))
    }
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    match args.command {
        GdprCommand::Export { database, person, output } => {
            let path = database.path(&context.environment)?;
            let (clock, actor) = (&context.clock, CommandContext::actor());
            let missing = || CliError::Usage("--email or --phone is required".to_owned());
            let person = person.key().ok_or_else(missing)?;
            let SubjectCounts { leads, refused } =
                privacy::export(&path, clock, &person, &actor, output.as_deref())?;
            list_near(&path, &person)?;
            if leads + refused == 0 {
                return Err(nothing_found(&person));
            }
            output::eprint_line(&format!("{leads} leads{}.", and_refused(refused)));
            Ok(())
        }
        GdprCommand::Erase { database, person, lead, reason, certificate, yes, json } => {
            let path = database.path(&context.environment)?;
            let selector = match person.key() {
                Some(person) => LeadSelector::Person(person),
                None => LeadSelector::Lead(lead.unwrap_or_default().to_ascii_lowercase()),
            };
            let erase = Erase { path: &path, selector: &selector, reason, yes, json };
            erase.run(context, certificate.as_deref())
        }
        GdprCommand::Certificate { database, lead, output } => {
            let path = database.path(&context.environment)?;
            certificate(context, &path, &lead.to_ascii_lowercase(), output.as_deref())
        }
        GdprCommand::Purge { database, older_than, dry_run, clock_is_right, yes, json } => {
            let path = database.path(&context.environment)?;
            if !clock_is_right {
                check_clock(context, &path, dry_run)?;
            }
            purge(context, &path, older_than, dry_run, yes, json)
        }
    }
}

/// Refuses where the clock is implausible; for a dry run, it is only said.
fn check_clock(context: &CommandContext, path: &Path, dry_run: bool) -> Result<(), CliError> {
    let Some(wrong) = clock_check::implausible(path, &context.clock)? else { return Ok(()) };
    let cure = "set the clock (`timedatectl`) or, if it is right, use --clock-is-right";
    let text = format!("{wrong}; nothing is erased: {cure}");
    if dry_run {
        output::eprint_line(&text);
        return Ok(());
    }
    Err(CliError::Failed(text))
}

fn purge(
    context: &CommandContext,
    path: &Path,
    age: TimeDelta,
    dry_run: bool,
    yes: bool,
    json: bool,
) -> Result<(), CliError> {
    let (count, oldest) = privacy::count_older(path, &context.clock, age)?;
    if dry_run {
        if json {
            return output::json(&json!({ "older": count, "oldest": oldest }));
        }
        let oldest = oldest.map_or_else(String::new, |at| format!(", the oldest of {at}"));
        return output::data(format!("{count} leads would be erased{oldest}\n").as_bytes());
    }
    if !yes && count > 0 {
        output::confirm(&format!("Erase {count} leads for good?"))?;
    }
    let mut progress = output::Progress::new("leads erased");
    let (clock, actor) = (&context.clock, CommandContext::actor());
    let count = privacy::purge(path, clock, age, &actor, &mut |n| progress.at(n))?;
    drop(progress);
    finish(context, path)?;
    if json {
        return output::json(&json!({ "erased": count }));
    }
    output::eprint_line(&format!("Erased {count} leads."));
    Ok(())
}

fn certificate(
    context: &CommandContext,
    path: &Path,
    id: &str,
    to: Option<&Path>,
) -> Result<(), CliError> {
    let unknown = || format!("no erasure of a lead {} is recorded", output::one_line(id));
    let erasure = privacy::recorded_erasure(path, id)?;
    let erasure = erasure.ok_or_else(|| CliError::Failed(unknown()))?;
    let remains = remains(context, path, &erasure)?;
    match to {
        Some(to) => Ok(Certificate::begin(to, path)?.issue(&erasure, &remains)?),
        None => output::data(text(&erasure, &remains).as_bytes()),
    }
}

fn address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let whole = text.rsplit_once('@').is_some_and(|(l, d)| !l.is_empty() && !d.is_empty());
    if whole { Ok(text.to_owned()) } else { Err("an address such as jean@example.com".to_owned()) }
}

fn phone(text: &str) -> Result<String, String> {
    let expected = || "a telephone number such as 06 12 34 56 78".to_owned();
    phone::match_key(text).map(|_| text.trim().to_owned()).ok_or_else(expected)
}

fn reason(text: &str) -> Result<ErasureReason, String> {
    let names = || ErasureReason::GIVEN.map(ErasureReason::as_str).join(", ");
    let given = ErasureReason::GIVEN.into_iter().find(|reason| reason.as_str() == text);
    given.ok_or_else(|| format!("one of {}", names()))
}
