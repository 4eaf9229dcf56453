//! `fastcore staff add`, `list`, `unlock`, `reset-password` and `remove`.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::app::staff;
use crate::app::staff::TotpChange;
use crate::app::staff::totp::TotpEnrolment;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, DatabaseArg, output};
use crate::domain::staff::{AccountName, Password};
use crate::store::staff::AccountInfo;

/// Attempts to enter a code.
const MAX_CODE_ATTEMPTS: usize = 3;

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
    /// Asks for the password twice, without echo. With --totp, it shows a QR code for an
    /// authenticator app and asks for the first code; each sign-in then needs a code.
    ///
    /// Example: fastcore staff add jean --totp
    Add {
        #[command(flatten)]
        database: DatabaseArg,
        /// The name: a-z, 0-9, dot, hyphen, underscore; at most 32
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        password: PasswordArg,
        /// Add a second factor: codes of an authenticator app (RFC 6238)
        #[arg(long)]
        totp: bool,
    },
    /// Lists the accounts
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
    /// Example: fastcore staff reset-password jean
    ResetPassword {
        #[command(flatten)]
        database: DatabaseArg,
        /// The account
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        password: PasswordArg,
        /// Add or replace the second factor
        #[arg(long, conflicts_with = "without_totp")]
        totp: bool,
        /// Remove the second factor
        #[arg(long)]
        without_totp: bool,
    },
    /// Removes an account and ends its sessions
    Remove {
        #[command(flatten)]
        database: DatabaseArg,
        /// The account
        #[arg(value_parser = name)]
        name: AccountName,
    },
}

#[derive(Debug, clap::Args)]
struct PasswordArg {
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

pub(crate) fn run(context: &CommandContext, args: Args) -> Result<(), CliError> {
    let actor = CommandContext::actor();
    match args.command {
        StaffCommand::Add { database, name, password, totp } => {
            let path = database.path(&context.environment)?;
            // Before the password is asked for.
            if staff::exists(&path, &name)? {
                return Err(taken(&name));
            }
            let enrolment = totp.then(|| TotpEnrolment::new(&name));
            let given = password.ask(&name)?;
            let factor = password.factor(context, enrolment.as_ref())?;
            let factor = factor.unwrap_or(TotpChange::Without);
            if !staff::add(&path, &context.clock, &name, &given, &factor, &actor)? {
                return Err(taken(&name));
            }
            output::eprint_line(&format!("{} can sign in to the admin page.", name.as_str()));
        }
        StaffCommand::List { database, json } => {
            let listed = staff::list(&database.path(&context.environment)?, &context.clock)?;
            if json {
                return output::json(&listed);
            }
            return output::data(as_text(&listed).as_bytes());
        }
        StaffCommand::Unlock { database, name } => {
            let path = database.path(&context.environment)?;
            if !staff::unlock(&path, &context.clock, &name, &actor)? {
                return Err(unknown(&name));
            }
            output::eprint_line(&format!("{} need not wait to sign in.", name.as_str()));
        }
        StaffCommand::ResetPassword { database, name, password, totp, without_totp } => {
            let path = database.path(&context.environment)?;
            if !staff::exists(&path, &name)? {
                return Err(unknown(&name));
            }
            let enrolment = totp.then(|| TotpEnrolment::new(&name));
            let given = password.ask(&name)?;
            let factor = password.factor(context, enrolment.as_ref())?;
            let factor =
                factor.unwrap_or(if without_totp { TotpChange::Without } else { TotpChange::Keep });
            if !staff::reset_password(&path, &context.clock, &name, &given, &factor, &actor)? {
                return Err(unknown(&name));
            }
            output::eprint_line(&format!(
                "{} has a new password; its sessions were ended.",
                name.as_str()
            ));
        }
        StaffCommand::Remove { database, name } => {
            let path = database.path(&context.environment)?;
            if !staff::remove(&path, &context.clock, &name, &actor)? {
                return Err(unknown(&name));
            }
            output::eprint_line(&format!(
                "{} was removed; its sessions were ended.",
                name.as_str()
            ));
        }
    }
    Ok(())
}

impl PasswordArg {
    fn ask(&self, name: &AccountName) -> Result<Password, CliError> {
        let first = if self.password_stdin {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line)?;
            line.trim_end_matches(['\n', '\r']).to_owned()
        } else {
            hidden(&format!("Password for {}: ", name.as_str()))?
        };
        let password = Password::parse(&first)
            .ok_or_else(|| CliError::Failed(format!("a password has {}", Password::RULE)))?;
        if !self.password_stdin
            && Password::from_input(&hidden("Repeat the password: ")?) != password
        {
            return Err(CliError::Failed("the passwords differ; nothing was changed".into()));
        }
        Ok(password)
    }

    /// Shows the QR code and, on a terminal, asks for the app's first code.
    fn factor<'e>(
        &self,
        context: &CommandContext,
        enrolment: Option<&'e TotpEnrolment>,
    ) -> Result<Option<TotpChange<'e>>, CliError> {
        let Some(enrolment) = enrolment else { return Ok(None) };
        output::data(qr_code(enrolment)?.as_bytes())?;
        if self.password_stdin || !io::stdin().is_terminal() {
            return Ok(Some(TotpChange::With(enrolment, None)));
        }
        for _ in 0..MAX_CODE_ATTEMPTS {
            let code = hidden("Code from the app: ")?;
            if let Some(step) = enrolment.step_of(&code, context.clock.now().timestamp()) {
                return Ok(Some(TotpChange::With(enrolment, Some(step))));
            }
            output::eprint_line("Wrong code; is the clock of this machine right?");
        }
        Err(CliError::Failed("no valid code was entered; nothing was changed".to_owned()))
    }
}

fn hidden(prompt: &str) -> Result<String, CliError> {
    rpassword::prompt_password(prompt).map_err(|e| {
        CliError::Failed(format!(
            "there is no terminal to ask on ({e}); --password-stdin reads the password from a pipe"
        ))
    })
}

/// The QR code, and its content for an app without a camera.
fn qr_code(enrolment: &TotpEnrolment) -> Result<String, CliError> {
    let code = QrCode::new(enrolment.url()).map_err(|e| CliError::Failed(e.to_string()))?;
    // Light on dark, as in terminals; cameras read both.
    let image =
        code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Ok(format!("{image}\n\n{}\n", enrolment.url()))
}

fn as_text(listed: &[AccountInfo]) -> String {
    let mut text = String::new();
    for account in listed {
        let seen = account.seen_at_utc.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let factor = if account.totp { "totp" } else { "-" };
        let _ = writeln!(
            text,
            "{:<32}  {}  {factor:<4}  sessions: {:<2}  last used: {seen}",
            account.name, account.created_at_utc, account.sessions
        );
    }
    text
}

fn name(text: &str) -> Result<AccountName, String> {
    AccountName::parse(text).ok_or_else(|| AccountName::RULE.to_owned())
}

fn taken(name: &AccountName) -> CliError {
    CliError::Failed(format!("there is already an account {}", name.as_str()))
}

fn unknown(name: &AccountName) -> CliError {
    CliError::Failed(format!("there is no account {}", name.as_str()))
}
