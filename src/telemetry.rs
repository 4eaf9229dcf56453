//! The log: lines for a person on a terminal, JSON lines for a journal, on standard error.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::marker::PhantomData;

use tracing::Level;
use tracing::subscriber::set_global_default;

use crate::config::{ConfigError, DEBUG, Environment, LOG_FORMAT, LOG_LEVEL, boolean};

/// What the command line says about the log.
#[derive(Debug, Default, Clone)]
pub struct LogFlags {
    pub level: Option<String>,
    pub debug: Option<String>,
    pub format: Option<String>,
}

/// Standard error whose reader may have gone, or whose disk may be full: what cannot be written is
/// dropped, and the leads come first.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let gathered = GATHERED.try_with(|lines| {
            let mut lines = lines.borrow_mut();
            let Some(lines) = lines.as_mut() else { return false };
            lines.extend_from_slice(line);
            if lines.len() > MOST_GATHERED {
                write_out(lines);
            }
            true
        });
        if gathered != Ok(true) {
            let _ = io::stderr().write_all(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

thread_local! {
    /// The lines of a thread that gathers them.
    static GATHERED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// As many bytes of lines wait for [`flush`] at most.
const MOST_GATHERED: usize = 16 * 1024;

/// While this lives, the lines of its thread wait for [`flush`].
#[derive(Debug)]
pub struct Gathering(PhantomData<*const ()>);

/// Has the lines of this thread wait for [`flush`], so that an event loop writes in one go what it
/// has to say of all that it did in one turn: a line for each request on its own wakes the reader
/// of the log each time, a fifth of the time that a lead takes.
#[must_use]
pub fn gather() -> Gathering {
    let _ = GATHERED.try_with(|lines| lines.replace(Some(Vec::new())));
    Gathering(PhantomData)
}

/// Writes the lines that this thread has gathered.
pub fn flush() {
    let _ = GATHERED.try_with(|lines| lines.borrow_mut().as_mut().map(write_out));
}

fn write_out(lines: &mut Vec<u8>) {
    if !lines.is_empty() {
        let _ = io::stderr().write_all(lines);
        lines.clear();
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        flush();
        let _ = GATHERED.try_with(|lines| lines.take());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

/// Starts the log of this process; a second call changes nothing.
///
/// # Errors
/// A setting is not accepted.
pub fn start(environment: &Environment, flags: &LogFlags) -> Result<(), ConfigError> {
    let debug = DEBUG.resolve(environment, flags.debug.as_deref(), boolean)?;
    let level = LOG_LEVEL.resolve(
        environment,
        flags.level.as_deref().or(debug_level(environment, debug)?),
        level,
    )?;
    let format = LOG_FORMAT.resolve(environment, flags.format.as_deref(), format)?;
    let terminal = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        // A line that cannot be written must not end in a panic, whose line could not be written.
        .log_internal_errors(false)
        .with_writer(|| Stderr);
    let started = match format {
        Format::Text => set_global_default(log.with_ansi(terminal).finish()),
        Format::Json => set_global_default(
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).finish(),
        ),
    };
    // The words of a panic may quote what it stumbled over; the place is enough to mend it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a defect: panic");
    }));
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
    Ok(())
}

/// `DEBUG=true` means the level DEBUG, unless `LOG_LEVEL` says otherwise.
fn debug_level(
    environment: &Environment,
    debug: bool,
) -> Result<Option<&'static str>, ConfigError> {
    let set = environment.is_set(LOG_LEVEL.variable)?;
    Ok((debug && !set).then_some("DEBUG"))
}

fn level(text: &str) -> Option<Level> {
    match text.to_ascii_uppercase().as_str() {
        "DEBUG" => Some(Level::DEBUG),
        "INFO" => Some(Level::INFO),
        "WARNING" | "WARN" => Some(Level::WARN),
        "ERROR" => Some(Level::ERROR),
        _ => None,
    }
}

fn format(text: &str) -> Option<Format> {
    match text.to_ascii_lowercase().as_str() {
        "auto" if io::stderr().is_terminal() => Some(Format::Text),
        "auto" | "json" => Some(Format::Json),
        "text" => Some(Format::Text),
        _ => None,
    }
}
