//! Output: data on standard output, everything else on standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use crate::cli::error::CliError;
use crate::domain::text;
use crate::store::audit::verify::VerifyReport;

/// Writes data to standard output. A reader that has closed its end is not an error.
pub(crate) fn data(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// Writes a value as JSON to standard output.
pub(crate) fn json(report: &impl Serialize) -> Result<(), CliError> {
    let mut text = serde_json::to_string_pretty(report).map_err(io::Error::from)?;
    text.push('\n');
    data(text.as_bytes())
}

/// Writes the findings of a verification, or one line that says that it is valid; `valid` returns the
/// rest of that line for the head.
pub(crate) fn report(
    report: &VerifyReport,
    json: bool,
    valid: impl FnOnce(&str) -> String,
) -> Result<(), CliError> {
    if json {
        return crate::cli::output::json(report);
    }
    let mut text: String = report.findings.iter().map(|f| format!("INVALID  {f}\n")).collect();
    if report.valid {
        let of = valid(report.head.as_deref().unwrap_or("empty"));
        text.push_str(&format!("valid; {of}\n"));
    }
    data(text.as_bytes())
}

/// Writes a line to standard error; ignores errors.
pub(crate) fn eprint_line(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says what a search that found nothing may have meant.
pub(crate) fn suggestion(query: Option<String>) {
    if let Some(query) = query {
        eprint_line(&format!("Nothing was found. Did you mean --query '{}'?", one_line(&query)));
    }
}

/// Escapes text for a terminal: control characters, which could move the cursor or change colours,
/// and invisible characters become their codes. Line breaks stay.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || (!text::breaks_line(c) && !text::is_invisible(c)) {
            shown.push(c);
        } else if c == '\t' {
            shown.push_str("    ");
        } else if c != '\r' {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

/// [`visible`], on one line.
pub(crate) fn one_line(text: &str) -> String {
    visible(text).replace('\n', " ")
}

/// Asks on the terminal; any answer but yes ends the command.
pub(crate) fn confirm(question: &str) -> Result<(), CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::Usage(format!(
            "{question} There is no terminal to ask on: use --yes"
        )));
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    let yes = ["y", "yes", "o", "oui"].contains(&answer.trim().to_lowercase().as_str());
    if yes { Ok(()) } else { Err(CliError::Failed("nothing was erased".to_owned())) }
}

/// The progress of long work, shown on a terminal.
pub(crate) struct Progress {
    unit: &'static str,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(unit: &'static str) -> Self {
        Self { unit, shown: false }
    }

    pub(crate) fn at(&mut self, count: u64) {
        self.of(self.unit, count);
    }

    /// For work in parts that count different things.
    pub(crate) fn of(&mut self, unit: &str, count: u64) {
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\r{count} {unit} …\x1b[K");
            self.shown = true;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
