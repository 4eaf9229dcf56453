//! The log on standard error: text on a terminal, JSON lines elsewhere.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::marker::PhantomData;

use tracing::Level;
use tracing::subscriber::set_global_default;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::setting::{DEBUG, LOG_FORMAT, LOG_LEVEL, boolean};

/// The flags for the log.
#[derive(Debug, Default, Clone)]
pub struct LogFlags {
    pub level: Option<String>,
    pub debug: Option<String>,
    pub format: Option<String>,
}

/// Standard error. Its reader may have gone, or its disk may be full: what cannot be written is
/// dropped, so that leads are stored regardless.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let buffered = LOG_BUFFER.try_with(|lines| {
            let mut lines = lines.borrow_mut();
            let Some(lines) = lines.as_mut() else { return false };
            lines.extend_from_slice(line);
            if lines.len() > MAX_BUFFERED_BYTES {
                write_out(lines);
            }
            true
        });
        if buffered != Ok(true) {
            let _ = io::stderr().write_all(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

thread_local! {
    /// The lines of a thread that buffers them.
    static LOG_BUFFER: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Bytes of lines that wait for [`flush`], at most.
const MAX_BUFFERED_BYTES: usize = 16 * 1024;

/// While this value lives, the lines of its thread wait for [`flush`].
#[derive(Debug)]
pub struct LogBuffer(PhantomData<*const ()>);

/// Buffers the lines of this thread until [`flush`], so that an event loop writes the lines of one turn at
/// once: a write for each request wakes the reader of the log each time, which takes a fifth of
/// the time of a lead.
#[must_use]
pub fn buffer_logs() -> LogBuffer {
    let _ = LOG_BUFFER.try_with(|lines| lines.replace(Some(Vec::new())));
    LogBuffer(PhantomData)
}

/// Writes the lines that this thread has buffered.
pub fn flush() {
    let _ = LOG_BUFFER.try_with(|lines| lines.borrow_mut().as_mut().map(write_out));
}

fn write_out(lines: &mut Vec<u8>) {
    if !lines.is_empty() {
        let _ = io::stderr().write_all(lines);
        lines.clear();
    }
}

impl Drop for LogBuffer {
    fn drop(&mut self) {
        flush();
        let _ = LOG_BUFFER.try_with(|lines| lines.take());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogFormat {
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
        // A line that cannot be written must not panic: that line could not be written either.
        .log_internal_errors(false)
        .with_writer(|| Stderr);
    let started = match format {
        LogFormat::Text => set_global_default(log.with_ansi(terminal).finish()),
        LogFormat::Json => set_global_default(
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).finish(),
        ),
    };
    // The message of a panic may quote personal data; its location is enough to fix the defect.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, "panic: a defect of FASTCore");
    }));
    if started.is_err() {
        tracing::debug!("the log was already started");
    }
    Ok(())
}

/// `DEBUG=true` sets the level DEBUG, unless `LOG_LEVEL` is set.
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

fn format(text: &str) -> Option<LogFormat> {
    match text.to_ascii_lowercase().as_str() {
        "auto" if io::stderr().is_terminal() => Some(LogFormat::Text),
        "auto" | "json" => Some(LogFormat::Json),
        "text" => Some(LogFormat::Text),
        _ => None,
    }
}
