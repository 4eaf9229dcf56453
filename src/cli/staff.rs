//! `fastcore staff add`, `list`, `reset-password` and `remove`.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::app::staff;
use crate::app::staff::TotpChange;
use crate::app::staff::totp::TotpEnrolment;
use crate::cli::error::CliError;
use crate::cli::{Context, DatabaseArg, output};
use crate::domain::staff::{AccountName, Password};
use crate::store::staff::AccountInfo;

/// How often a code may be mistyped before nothing is done.
const TRIES: usize = 3;

/// The accounts that may sign in to the admin page
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: StaffCommand,
}

#[derive(Debug, clap::Subcommand)]
enum StaffCommand {
    /// Adds an account
    ///
    /// Asks for its password twice, without echo. With --totp, shows a QR code for an
    /// authenticator app and asks for its first code; signing in then takes one each time.
    ///
    /// Example: fastcore staff add jean --totp
    Add {
        #[command(flatten)]
        database: DatabaseArg,
        /// Its name: a-z, 0-9, dot, hyphen, underscore; at most 32
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        password: PasswordArg,
        /// With a second factor: codes of an authenticator app (RFC 6238)
        #[arg(long)]
        totp: bool,
    },
    /// Lists the accounts
    List {
        #[command(flatten)]
        database: DatabaseArg,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Gives an account another password and ends its sessions
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
        /// With a new second factor, whether or not it had one
        #[arg(long, conflicts_with = "without_totp")]
        totp: bool,
        /// Without a second factor from now on
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

pub(crate) fn run(context: &Context, args: Args) -> Result<(), CliError> {
    let actor = Context::actor();
    match args.command {
        StaffCommand::Add { database, name, password, totp } => {
            let path = database.path(&context.environment)?;
            // Before a person types a password for nothing.
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
            output::eprint_line(&format!("{} may sign in to the admin page.", name.as_str()));
        }
        StaffCommand::List { database, json } => {
            let listed = staff::list(&database.path(&context.environment)?, &context.clock)?;
            if json {
                return output::json(&listed);
            }
            return output::data(as_text(&listed).as_bytes());
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
                "{} has a new password; its sessions have ended.",
                name.as_str()
            ));
        }
        StaffCommand::Remove { database, name } => {
            let path = database.path(&context.environment)?;
            if !staff::remove(&path, &context.clock, &name, &actor)? {
                return Err(unknown(&name));
            }
            output::eprint_line(&format!("{} is removed; its sessions have ended.", name.as_str()));
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
        if !self.password_stdin && Password::from_input(&hidden("The same again: ")?) != password {
            return Err(CliError::Failed("the two were not the same; nothing was changed".into()));
        }
        Ok(password)
    }

    /// Shows the QR code and, where there is somebody to ask, takes the app's first code.
    fn factor<'e>(
        &self,
        context: &Context,
        enrolment: Option<&'e TotpEnrolment>,
    ) -> Result<Option<TotpChange<'e>>, CliError> {
        let Some(enrolment) = enrolment else { return Ok(None) };
        output::data(shown(enrolment)?.as_bytes())?;
        if self.password_stdin || !io::stdin().is_terminal() {
            return Ok(Some(TotpChange::With(enrolment, None)));
        }
        for _ in 0..TRIES {
            let code = hidden("The code that the app shows now: ")?;
            if let Some(step) = enrolment.step_of(&code, context.clock.now().timestamp()) {
                return Ok(Some(TotpChange::With(enrolment, Some(step))));
            }
            output::eprint_line("That is not the code; is the clock of this machine right?");
        }
        Err(CliError::Failed("no right code was given; nothing was changed".to_owned()))
    }
}

fn hidden(prompt: &str) -> Result<String, CliError> {
    rpassword::prompt_password(prompt).map_err(|e| {
        CliError::Failed(format!(
            "there is no terminal to ask for it ({e}); --password-stdin reads it from a pipe"
        ))
    })
}

/// The QR code, and its text for an app without a camera.
fn shown(enrolment: &TotpEnrolment) -> Result<String, CliError> {
    let code = QrCode::new(enrolment.url()).map_err(|e| CliError::Failed(e.to_string()))?;
    // Light on dark, as terminals are; cameras read both.
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
    CliError::Failed(format!("there is an account {} already", name.as_str()))
}

fn unknown(name: &AccountName) -> CliError {
    CliError::Failed(format!("there is no account {}", name.as_str()))
}
