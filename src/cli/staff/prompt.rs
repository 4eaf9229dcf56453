//! Asks for a password and for the first code of a second factor, and shows what its owner needs.

use std::io::{self, BufRead, IsTerminal};

use crate::app::staff::TotpChange;
use crate::app::staff::enrolment::TotpEnrolment;
use crate::cli::error::CliError;
use crate::cli::{CommandContext, output};
use crate::domain::password::Password;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::staff::AccountName;

/// Attempts to enter a code.
const MAX_CODE_ATTEMPTS: usize = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct PasswordArg {
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

impl PasswordArg {
    /// Reads the password, or asks for it twice.
    pub(crate) fn ask(&self, name: &AccountName) -> Result<Password, CliError> {
        let first = if self.password_stdin {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line)?;
            line.trim_end_matches(['\n', '\r']).to_owned()
        } else {
            hidden(&format!("Password for {}: ", name.as_str()))?
        };
        let password = Password::choose(&first, name)
            .map_err(|fault| CliError::Failed(format!("{fault}; it takes {}", Password::RULE)))?;
        if !self.password_stdin
            && Password::from_input(&hidden("Repeat the password: ")?) != password
        {
            return Err(CliError::Failed("the passwords differ; nothing was changed".into()));
        }
        Ok(password)
    }

    /// Shows the QR code of a new second factor and, on a terminal, asks for the app's first code.
    pub(crate) fn enrol(
        &self,
        context: &CommandContext,
        name: &AccountName,
    ) -> Result<TotpChange, CliError> {
        let enrolment = TotpEnrolment::new(name);
        let image = enrolment.qr_text().map_err(CliError::Failed)?;
        output::data(format!("{image}\n\n{}\n", enrolment.url()).as_bytes())?;
        if self.password_stdin || !io::stdin().is_terminal() {
            return Ok(TotpChange::With(enrolment, None));
        }
        for _ in 0..MAX_CODE_ATTEMPTS {
            let code = hidden("Code from the app: ")?;
            if let Some(step) = enrolment.step_of(&code, context.clock.now().timestamp()) {
                return Ok(TotpChange::With(enrolment, Some(step)));
            }
            output::eprint_line("Wrong code; is the clock of this machine right?");
        }
        Err(CliError::Failed("no valid code was entered; nothing was changed".to_owned()))
    }
}

/// Prints the recovery codes of a new second factor, the only time.
pub(crate) fn show_recovery_codes(codes: &[RecoveryCode]) -> Result<(), CliError> {
    if codes.is_empty() {
        return Ok(());
    }
    output::eprint_line(
        "\nRecovery codes, each for one sign-in without the app. They are not shown again:",
    );
    let lines: String = codes.iter().map(|code| code.reveal() + "\n").collect();
    output::data(lines.as_bytes())
}

fn hidden(prompt: &str) -> Result<String, CliError> {
    rpassword::prompt_password(prompt).map_err(|e| {
        CliError::Failed(format!(
            "there is no terminal to ask on ({e}); --password-stdin reads the password from a pipe"
        ))
    })
}
