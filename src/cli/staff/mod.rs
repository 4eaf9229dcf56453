//! `fastcore staff add`, `invite`, `list`, `unlock`, `reset-password` and `remove`.

mod prompt;

use std::fmt::Write as _;
use std::path::Path;

use crate::app::staff;
use crate::app::staff::TotpChange;
use crate::app::status::server_settings;
use crate::cli::error::CliError;
use crate::cli::staff::prompt::{PasswordArg, show_recovery_codes};
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::domain::staff::AccountName;
use crate::store::staff::list::AccountInfo;

/// Manages the accounts of the admin page
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: StaffCommand,
}

#[derive(Debug, clap::Subcommand)]
enum StaffCommand {
    /// Adds an account
    ///
    /// Asks for the password twice, without echo. Then it shows a QR code for an authenticator app and
    /// asks for the first code; each sign-in then needs a code. At the end it prints ten recovery codes.
    /// For a colleague, `staff invite` is better: nobody else knows the password then.
    ///
    /// Example: fastcore staff add jean
    Add {
        #[command(flatten)]
        database: DatabaseArg,
        /// The name: a-z, 0-9, dot, hyphen, underscore; at most 32
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        password: PasswordArg,
        /// Leave the second factor out: the codes of an authenticator app (RFC 6238)
        #[arg(long)]
        without_totp: bool,
    },
    /// Prints a link with which a person sets their own account up
    ///
    /// The link is valid for 24 hours, once. With it, the person chooses a password and a second factor
    /// in the browser. Send it over a way that you trust; a second invitation of a name replaces the first.
    ///
    /// Example: fastcore staff invite marie
    Invite {
        #[command(flatten)]
        database: DatabaseArg,
        /// The name of the account
        #[arg(value_parser = name)]
        name: AccountName,
        /// Let the account be without a second factor
        #[arg(long)]
        without_totp: bool,
    },
    /// Lists the accounts and the open invitations
    List {
        #[command(flatten)]
        database: DatabaseArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Forgets the failed sign-ins of an account, so that the next try need not wait
    ///
    /// Works while the server runs. Example: fastcore staff unlock jean
    Unlock {
        #[command(flatten)]
        database: DatabaseArg,
        /// The account
        #[arg(value_parser = name)]
        name: AccountName,
    },
    /// Sets a new password for an account and ends its sessions
    ///
    /// The second factor stays, unless another is asked for. With --invite, the old password ends at
    /// once, and the person chooses a new one, and a new second factor, with the link that is printed.
    ///
    /// Example: fastcore staff reset-password jean --invite
    ResetPassword {
        #[command(flatten)]
        database: DatabaseArg,
        /// The account
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        password: PasswordArg,
        /// Print a link with which the person sets password and second factor, valid for 24 hours
        #[arg(long, conflicts_with_all = ["totp", "password_stdin"])]
        invite: bool,
        /// Add or replace the second factor
        #[arg(long, conflicts_with = "without_totp")]
        totp: bool,
        /// Remove the second factor
        #[arg(long)]
        without_totp: bool,
    },
    /// Removes an account and ends its sessions, or withdraws an invitation
    Remove {
        #[command(flatten)]
        database: DatabaseArg,
        /// The account
        #[arg(value_parser = name)]
        name: AccountName,
    },
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    let actor = CommandContext::actor();
    match args.command {
        StaffCommand::Add { database, name, password, without_totp } => {
            let path = database.path(&context.environment)?;
            add(context, &path, &name, &password, without_totp)
        }
        StaffCommand::Invite { database, name, without_totp } => {
            let path = database.path(&context.environment)?;
            let token = staff::invite(&path, &context.clock, &name, !without_totp, &actor)?;
            print_link(context, &path, &name, &token.ok_or_else(|| taken(&name))?)
        }
        StaffCommand::List { database, json } => {
            let listed = staff::list(&database.path(&context.environment)?, &context.clock)?;
            if json { output::json(&listed) } else { output::data(as_text(&listed).as_bytes()) }
        }
        StaffCommand::Unlock { database, name } => {
            let path = database.path(&context.environment)?;
            if !staff::unlock(&path, &context.clock, &name, &actor)? {
                return Err(unknown(&name));
            }
            output::eprint_line(&format!("{} need not wait to sign in.", name.as_str()));
            Ok(())
        }
        StaffCommand::ResetPassword { database, name, invite: true, without_totp, .. } => {
            let path = database.path(&context.environment)?;
            let totp = !without_totp;
            let token = staff::reset_by_invitation(&path, &context.clock, &name, totp, &actor)?;
            print_link(context, &path, &name, &token.ok_or_else(|| unknown(&name))?)
        }
        StaffCommand::ResetPassword { database, name, password, totp, without_totp, .. } => {
            let path = database.path(&context.environment)?;
            let change = match (totp, without_totp) {
                (true, _) => NewFactor::Enrol,
                (false, true) => NewFactor::Without,
                (false, false) => NewFactor::Keep,
            };
            reset_password(context, &path, &name, &password, change)
        }
        StaffCommand::Remove { database, name } => {
            let path = database.path(&context.environment)?;
            if !staff::remove(&path, &context.clock, &name, &actor)? {
                return Err(unknown(&name));
            }
            let name = name.as_str();
            output::eprint_line(&format!("{name} was removed; its sessions were ended."));
            Ok(())
        }
    }
}

/// What a reset of the password does to the second factor.
#[derive(Clone, Copy)]
enum NewFactor {
    Keep,
    Without,
    Enrol,
}

fn add(
    context: &CommandContext,
    path: &Path,
    name: &AccountName,
    password: &PasswordArg,
    without_totp: bool,
) -> Result<(), CliError> {
    // Before the password is asked for.
    if staff::exists(path, name)? {
        return Err(taken(name));
    }
    let given = password.ask(name)?;
    let change = if without_totp { TotpChange::Without } else { password.enrol(context, name)? };
    let actor = CommandContext::actor();
    let added = staff::add(path, &context.clock, name, &given, &change, &actor)?;
    show_recovery_codes(&added.ok_or_else(|| taken(name))?)?;
    output::eprint_line(&format!("{} can sign in to the admin page.", name.as_str()));
    Ok(())
}

fn reset_password(
    context: &CommandContext,
    path: &Path,
    name: &AccountName,
    password: &PasswordArg,
    factor: NewFactor,
) -> Result<(), CliError> {
    if !staff::exists(path, name)? {
        return Err(unknown(name));
    }
    let given = password.ask(name)?;
    let change = match factor {
        NewFactor::Keep => TotpChange::Keep,
        NewFactor::Without => TotpChange::Without,
        NewFactor::Enrol => password.enrol(context, name)?,
    };
    let actor = CommandContext::actor();
    let reset = staff::reset_password(path, &context.clock, name, &given, &change, &actor)?;
    show_recovery_codes(&reset.ok_or_else(|| unknown(name))?)?;
    let name = name.as_str();
    output::eprint_line(&format!("{name} has a new password; its sessions were ended."));
    Ok(())
}

fn print_link(
    context: &CommandContext,
    database: &Path,
    name: &AccountName,
    token: &str,
) -> Result<(), CliError> {
    let url = context.public_url(server_settings::read(database));
    output::eprint_line(&format!(
        "This link is valid for 24 hours, once. With it, {} chooses a password:",
        name.as_str()
    ));
    output::data(format!("{url}/admin/setup#{token}\n").as_bytes())
}

fn as_text(listed: &[AccountInfo]) -> String {
    let mut text = String::new();
    for account in listed {
        let time = |at: Option<_>| at.map_or_else(|| "-".to_owned(), |at| format!("{at}"));
        let factor = if account.totp { "totp" } else { "-" };
        let _ = write!(
            text,
            "{:<32}  {:<27}  {factor:<4}  sessions: {:<2}  last used: {}",
            account.name,
            time(account.created_at_utc),
            account.sessions,
            time(account.seen_at_utc)
        );
        if let Some(until) = account.invited_until_utc {
            let _ = write!(text, "  invited until: {until}");
        }
        text.push('\n');
    }
    text
}

fn name(text: &str) -> Result<AccountName, String> {
    AccountName::parse(text).ok_or_else(|| AccountName::RULE.to_owned())
}

fn taken(name: &AccountName) -> CliError {
    let name = name.as_str();
    CliError::Failed(format!(
        "there is already an account {name}; `fastcore staff reset-password {name} --invite` prints a link for it"
    ))
}

fn unknown(name: &AccountName) -> CliError {
    CliError::Failed(format!("there is no account {}", name.as_str()))
}
